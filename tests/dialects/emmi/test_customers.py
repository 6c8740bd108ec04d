"""Customers and their quotas, managed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.dialects.emmi.wire import (
    NOBODY,
    Account,
    an_entity,
    data_of,
    faults,
    refused,
    without_id,
)
from tests.server import unique

NAMES = ("identifier", "internal_identifier", "internal_id", "external_id")


def test_a_whole_life(account: Account) -> None:
    answer = account.send(
        "POST",
        "/customers",
        {"identifier": "desk-a", "name": "Desk A", "metadata": {"region": "eu"}, "colour": "red"},
    )
    made = data_of(answer, 201)
    assert made["created_at"].endswith("Z")
    assert (made["name"], made["metadata"]) == ("Desk A", {"region": "eu"})
    place = f"/customers/{made['customer_id']}"
    assert answer.headers["location"] == f"/latest/api/v1{place}"
    assert data_of(account.http.get(
        account.server.address + answer.headers["location"],
        headers={"X-API-Key": account.key.secret},
    )) == made  # fmt: skip
    changes = {"name": "Desk B", "metadata": {"team": "b"}, "status": "inactive", "x": 1}
    changed = data_of(account.send("PATCH", place, changes))
    expected = made | {"name": "Desk B", "metadata": {"team": "b"}, "status": "inactive"}
    assert changed == expected | {"updated_at": changed["updated_at"]}
    assert account.get(place) == changed
    ended = account.send("DELETE", place)
    assert (ended.status_code, ended.content) == (204, b"")
    assert "content-length" not in ended.headers
    for method in ("GET", "PATCH", "DELETE"):
        body: Any = {} if method == "PATCH" else None
        refused(account.send(method, place, body), 404, "customer_not_found")
    assert account.register("desk-a")["customer_id"] != made["customer_id"]


@pytest.mark.parametrize("name", NAMES)
def test_an_identifier_has_several_names(account: Account, name: str) -> None:
    made = data_of(account.send("POST", "/customers", {name: "  desk-a "}), 201)
    assert made["identifier"] == "desk-a"
    changed = account.send("PATCH", f"/customers/{made['id']}", {name: "desk-b"})
    assert data_of(changed)["identifier"] == "desk-b"


def test_the_first_of_them_counts(account: Account) -> None:
    body = {"external_id": "last", "internal_identifier": "second"}
    assert data_of(account.send("POST", "/customers", body), 201)["identifier"] == "second"


def test_a_name_of_null_is_the_identifier(account: Account) -> None:
    place = f"/customers/{account.register('desk-a', name=None)['id']}"
    assert account.get(place)["name"] == "desk-a"
    for body, name in (
        ({"name": "Desk"}, "Desk"),
        ({"name": None}, "desk-a"),
        ({"name": None, "identifier": "desk-b"}, "desk-b"),
        ({"identifier": "desk-c"}, "desk-b"),
    ):
        assert data_of(account.send("PATCH", place, body))["name"] == name


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["identifier"]),
        ({"identifier": None}, ["identifier"]),
        ({"identifier": ""}, ["identifier"]),
        ({"identifier": "   "}, ["identifier"]),
        ({"identifier": "x" * 256}, ["identifier"]),
        ({"identifier": 17}, ["identifier"]),
        ({"internal_id": " "}, ["internal_id"]),
        ({"identifier": "a\x00b"}, ["identifier"]),
        ({"identifier": "x", "name": "x" * 256}, ["name"]),
        ({"identifier": "x", "metadata": []}, ["metadata"]),
        ({"identifier": "x", "metadata": {f"k{n}": "v" for n in range(51)}}, ["metadata"]),
        ({"identifier": "x", "metadata": {"k" * 41: "v"}}, ["metadata"]),
        ({"name": 1, "metadata": 2}, ["identifier", "name", "metadata"]),
        ([], [""]),
        ("text", [""]),
    ],
)
def test_what_is_no_customer(account: Account, body: Any, expected: list[str]) -> None:
    assert faults(account.send("POST", "/customers", body)) == expected
    assert account.get("/customers")["data"] == []


def test_a_value_that_is_too_long(account: Account) -> None:
    made = account.register()["id"]
    for method, path in (("POST", "/customers"), ("PATCH", f"/customers/{made}")):
        body = {"identifier": "x", "metadata": {"a": "v" * 501}}
        (field,) = faults(account.send(method, path, body))
        assert field.startswith("metadata")


@pytest.mark.parametrize("body", [{"status": "gone"}, {"status": None}, {"metadata": None}])
def test_what_is_no_change(account: Account, body: dict[str, Any]) -> None:
    made = account.register()
    assert faults(account.send("PATCH", f"/customers/{made['id']}", body)) == list(body)


def test_a_word_that_is_none_of_several_is_told_them(account: Account) -> None:
    made = account.register()
    answer = account.send("PATCH", f"/customers/{made['id']}", {"status": "gone"})
    (fault,) = refused(answer, 422, "validation_error")["error"]["details"]
    assert fault == {"field": "status", "message": "Must be one of active, inactive"}
    assert account.get(f"/customers/{made['id']}") == made


def test_an_identifier_is_one_customers(account: Account) -> None:
    first, second = account.register("desk-a"), account.register("desk-b")
    answer = account.send("PATCH", f"/customers/{second['id']}", {"identifier": "desk-a"})
    assert refused(answer, 409, "customer_already_exists")["existing"] == first
    account.register("Desk-A")


def test_of_two_at_once_one_is_made(account: Account) -> None:
    body = {"identifier": "desk-a"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: account.send("POST", "/customers", body), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (made,) = account.get("/customers")["data"]
    assert all(answer.json().get("existing", answer.json()) == made for answer in answers)


def test_a_repeat_registers_none(account: Account) -> None:
    turn, body = unique("turn"), {"identifier": "desk-a"}
    first = account.send("POST", "/customers", body, Idempotency_Key=turn)
    again = account.send("POST", "/customers", body, Idempotency_Key=turn)
    assert data_of(first, 201) == data_of(again, 201)
    assert again.headers["x-idempotent-replay"] == "true"
    other = account.send("POST", "/customers", {"identifier": "b"}, Idempotency_Key=turn)
    refused(other, 409, "idempotency_key_reused")
    long = account.send("POST", "/customers", body, Idempotency_Key="x" * 256)
    assert faults(long) == ["Idempotency-Key"]


# Lists


def test_lists_come_in_pages_that_survive_new_ones(account: Account) -> None:
    made = [account.register() for _ in range(5)]
    found: list[str] = []
    query = "?limit=2"
    while True:
        page = account.get(f"/customers{query}")
        assert list(page) == ["data", "next_cursor", "has_more"]
        assert page["has_more"] is (page["next_cursor"] is not None)
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        if len(found) == 4:
            made.append(account.register())
        query = f"?limit=2&cursor={page['next_cursor']}"
    made.sort(key=lambda one: (one["created_at"], one["id"]))
    assert found == [one["id"] for one in made]
    assert len(account.get("/customers")["data"]) == len(made)


def test_a_page_has_twenty_five(account: Account) -> None:
    for _ in range(26):
        account.register()
    page = account.get("/customers")
    assert (len(page["data"]), page["has_more"]) == (25, True)


def test_lists_can_be_searched(account: Account) -> None:
    desk = account.register("desk-a", name="Trading Desk")
    team = account.register("team-b", name="Risk 100%")
    data_of(account.send("PATCH", f"/customers/{team['id']}", {"status": "inactive"}))
    for query, expected in (
        ("identifier=desk-a", [desk]),
        ("identifier=desk", []),
        ("status=active", [desk]),
        ("status=inactive", [team]),
        ("search=TRADING", [desk]),
        ("search=eam-", [team]),
        ("search=%25", [team]),
        ("search=nobody", []),
    ):
        found = account.get(f"/customers?{query}")["data"]
        assert [one["id"] for one in found] == [one["id"] for one in expected], query


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "status=gone", "colour=red", "limit=1&limit=2"]
)
def test_what_is_no_query(account: Account, query: str) -> None:
    assert faults(account.send("GET", f"/customers?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize("cursor", ["x", "eA", "%00", "A" * 32, "_" * 32, "A" * 3000])
def test_what_is_no_cursor(account: Account, cursor: str) -> None:
    made = account.register()["id"]
    lists = ["/customers", f"/customers/{made}/usage/requests"]
    if len(cursor) == 32 and cursor[0] == "A":
        lists = lists[1:]  # the place of what would have come first
    for path in lists:
        answer = account.send("GET", f"{path}?cursor={cursor}")
        refused(answer, 400, "invalid_cursor")


# Others


def test_a_strangers_customer_is_answered_as_none(account: Account, stranger: Account) -> None:
    theirs = stranger.register("desk-a")
    quota = {"metric": "units", "limit": 1, "period": "day"}
    data_of(stranger.send("PUT", f"/customers/{theirs['id']}/quota", quota))
    for method, rest, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "taken over"}),
        ("DELETE", "", None),
        ("PUT", "/quota", quota),
        ("GET", "/quota", None),
        ("DELETE", "/quota", None),
        ("GET", "/usage", None),
        ("GET", "/usage?format=csv", None),
        ("GET", "/usage/requests", None),
    ):
        answers = [
            account.send(method, f"/customers/{one}{rest}", body)
            for one in (NOBODY, theirs["id"], "desk-a", f"customer_{'0' * 32}")
        ]
        refused(answers[0], 404, "customer_not_found")
        assert len({without_id(one) for one in answers}) == 1
        assert len({tuple(sorted(one.headers)) for one in answers}) == 1
    assert account.get("/customers?identifier=desk-a")["data"] == []
    filtered = account.send("GET", f"/usage?customer_id={theirs['id']}")
    refused(filtered, 404, "customer_not_found")
    assert stranger.get(f"/customers/{theirs['id']}") == theirs


def test_a_change_is_audited(account: Account, http: httpx2.Client) -> None:
    made = account.register()["id"]
    data_of(account.send("PATCH", f"/customers/{made}", {"status": "inactive"}))
    account.send("DELETE", f"/customers/{made}")
    answer = http.get(
        f"{account.server.address}/v1/audit",
        headers={"Authorization": f"Bearer {account.key.secret}"},
    )
    target = f"customer_{made.replace('-', '')}"
    entries = [one for one in answer.json()["data"]["entries"] if one["object"] == target]
    assert {one["action"] for one in entries} == {
        *("customer.create", "customer.update", "customer.delete")
    }


# Quotas


def test_a_quota_is_set_read_and_removed(account: Account) -> None:
    made = account.register()["id"]
    place = f"/customers/{made}/quota"
    refused(account.send("GET", place), 404, "quota_not_found")
    refused(account.send("DELETE", place), 404, "quota_not_found")
    data_of(account.ask(made, [an_entity()] * 3))
    body = {"metric": "units", "limit": 2, "period": "month", "timezone": "Europe/Berlin", "x": 1}
    shown = data_of(account.send("PUT", place, body))
    assert shown.pop("resets_at").endswith("Z")
    assert shown == {
        "metric": "units",
        "limit": 2,
        "period": "month",
        "timezone": "Europe/Berlin",
        "mode": "soft",
        "thresholds": [50, 80, 100],
        "used": 3,
        "remaining": 0,
        "overage": 1,
    }
    answer = account.ask(made)
    data_of(answer)
    assert "x-quota-limit" not in answer.headers
    assert account.get(place)["used"] == 4
    assert account.send("DELETE", place).status_code == 204
    refused(account.send("GET", place), 404, "quota_not_found")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["metric", "limit", "period"]),
        ({"metric": "bytes"}, ["metric"]),
        ({"limit": -1}, ["limit"]),
        ({"limit": 10**16}, ["limit"]),
        ({"limit": "1"}, ["limit"]),
        ({"period": "week"}, ["period"]),
        ({"mode": "firm"}, ["mode"]),
        ({"timezone": "Middle/Earth"}, ["timezone"]),
        ({"thresholds": [50, 0]}, ["thresholds[1]"]),
        ({"thresholds": list(range(1, 12))}, ["thresholds"]),
    ],
)
def test_what_is_no_quota(account: Account, body: dict[str, Any], expected: list[str]) -> None:
    made = account.register()["id"]
    whole = {"metric": "units", "limit": 1, "period": "day"} if body else {}
    answer = account.send("PUT", f"/customers/{made}/quota", whole | body)
    assert faults(answer) == expected
