"""Customers over HTTP: registered, found, changed and ended, each identifier once."""

from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin, without_id
from tests.dialects.native.wire import an_event, at_once, data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/customers"


def make(admin: Admin, **body: Any) -> dict[str, Any]:
    return data_of(admin.send("POST", PATH, {"identifier": unique("customer"), **body}), 201)


def test_the_life_of_a_customer(owner: Admin) -> None:
    identifier = unique("acme")
    made = make(owner, identifier=f"  {identifier} ", name="Acme Corp", metadata={"region": "eu"})
    assert (made["identifier"], made["name"], made["status"]) == (identifier, "Acme Corp", "active")
    assert made["metadata"] == {"region": "eu"}
    path = f"{PATH}/{made['id']}"
    assert owner.get(path) == made
    changes = {"name": "Acme", "metadata": {}, "status": "inactive", "identifier": unique("b")}
    changed = data_of(owner.send("PATCH", path, changes), 200)
    assert changed == {**made, **changes, "updatedAt": changed["updatedAt"]}
    assert owner.get(path) == changed
    gone = data_of(owner.send("DELETE", path), 200)
    assert gone == {"id": made["id"], "name": "Acme", "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        answer = owner.send(method, path, {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")


def test_without_a_name_it_is_called_by_its_identifier(owner: Admin) -> None:
    made = make(owner)
    assert made["name"] == made["identifier"]
    assert make(owner, name=None)["name"] != made["name"]


def test_an_identifier_is_there_once_in_an_account(owner: Admin, fresh: Admin) -> None:
    first, other = make(owner), make(owner)
    make(fresh, identifier=first["identifier"])
    body = {"identifier": first["identifier"]}
    existing = {"existing": {"id": first["id"], "identifier": first["identifier"]}}
    for answer in (
        owner.send("POST", PATH, body),
        owner.send("PATCH", f"{PATH}/{other['id']}", body),
    ):
        assert refusal_of(answer, 409, "conflict", "Conflict")["data"] == existing
    make(owner, identifier=first["identifier"].upper())


def test_an_identifier_is_free_again_when_its_customer_has_ended(owner: Admin) -> None:
    made = make(owner)
    data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    again = make(owner, identifier=made["identifier"])
    assert again["id"] != made["id"]


def test_of_many_registrations_at_once_one_succeeds(owner: Admin) -> None:
    body = {"identifier": unique("race")}
    answers = at_once(16, lambda _: owner.send("POST", PATH, body))
    (made,) = [data_of(one, 201) for one in answers if one.status_code == 201]
    others = [one for one in answers if one.status_code != 201]
    for answer in others:
        refused = refusal_of(answer, 409, "conflict", "Conflict")
        assert refused["data"]["existing"]["id"] == made["id"]
    assert len(others) == 15
    assert owner.get(f"{PATH}?identifier={body['identifier']}")["customers"] == [made]


def test_a_registration_may_be_repeated(owner: Admin) -> None:
    body, once = {"identifier": unique("again")}, unique("once")
    first = owner.send("POST", PATH, body, once)
    again = owner.send("POST", PATH, body, once)
    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["X-Idempotent-Replay"] == "true"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["identifier"]),
        ({"identifier": ""}, ["identifier"]),
        ({"identifier": "  "}, ["identifier"]),
        ({"identifier": "x" * 256}, ["identifier"]),
        ({"identifier": "a\u0000b"}, ["identifier"]),
        ({"identifier": "a", "name": "x" * 256}, ["name"]),
        ({"identifier": "a", "metadata": {"k": 1}}, ["metadata"]),
        ({"identifier": "a", "metadata": {"k" * 41: "v"}}, ["metadata"]),
        ({"identifier": "a", "metadata": {"k": "v" * 501}}, ["metadata"]),
        ({"identifier": "a", "metadata": {str(at): "" for at in range(51)}}, ["metadata"]),
        ({"identifier": "a", "colour": "red"}, ["colour"]),
    ],
)
def test_what_is_no_customer(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    problems = problems_of(owner.send("POST", PATH, body))
    assert [problem[:1] for problem in problems] == [path]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"identifier": " "}, ["identifier"]),
        ({"status": "asleep"}, ["status"]),
        ({"name": None}, ["name"]),
        ({"metadata": {"k": None}}, ["metadata"]),
    ],
)
def test_what_is_no_change(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    made = make(owner)
    problems = problems_of(owner.send("PATCH", f"{PATH}/{made['id']}", body))
    assert [problem[:1] for problem in problems] == [path]
    assert owner.get(f"{PATH}/{made['id']}") == made


def test_lists_come_in_pages_oldest_first_and_survive_new_ones(fresh: Admin) -> None:
    made = [make(fresh) for _ in range(5)]
    page = fresh.get(f"{PATH}?limit=2")
    found = page["customers"]
    made.append(make(fresh))
    data_of(fresh.send("DELETE", f"{PATH}/{found[0]['id']}"), 200)
    while page["nextCursor"] is not None:
        page = fresh.get(f"{PATH}?limit=2&cursor={page['nextCursor']}")
        found += page["customers"]
    assert found == sorted(made, key=lambda one: (one["createdAt"], one["id"]))


def test_filters(fresh: Admin) -> None:
    acme = make(fresh, identifier="acme-1", name="Acme Corp")
    desk = make(fresh, identifier="desk_2", name="50% Desk")
    data_of(fresh.send("PATCH", f"{PATH}/{desk['id']}", {"status": "inactive"}), 200)

    def found(query: str) -> list[str]:
        return [one["identifier"] for one in fresh.get(f"{PATH}?{query}")["customers"]]

    assert found("") == ["acme-1", "desk_2"]
    assert found("identifier=acme-1") == ["acme-1"]
    assert found("identifier=ACME-1") == []
    assert found("identifier=acme") == []
    assert found("status=active") == ["acme-1"]
    assert found("status=inactive") == ["desk_2"]
    assert found("search=CORP") == ["acme-1"]
    assert found("search=me-1") == ["acme-1"]
    assert found("search=%25") == ["desk_2"]
    assert found("search=_") == ["desk_2"]
    assert found("search=acme&status=inactive") == []
    assert [acme["id"]] == [one["id"] for one in fresh.get(f"{PATH}?limit=1")["customers"]]


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=AAAA", "cursor=" + "_" * 32, "limit=0", "status=gone", "colour=red"],
)
def test_what_is_no_list(owner: Admin, query: str) -> None:
    assert problems_of(owner.wire.get(f"{PATH}?{query}")) == [[query.partition("=")[0]]]


def test_those_of_others_are_not_there(owner: Admin, fresh: Admin) -> None:
    foreign, nowhere = make(fresh)["id"], f"customer_{NOBODY}"
    quota = {"metric": "requests", "limit": 1, "period": "day"}
    for method, rest, body in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("GET", "/quota", None),
        ("PUT", "/quota", quota),
        ("DELETE", "/quota", None),
        ("GET", "/adjustments", None),
        ("POST", "/adjustments", {"requests": 1, "reason": "r"}),
    ):
        theirs = owner.send(method, f"{PATH}/{foreign}{rest}", body)
        nobodys = owner.send(method, f"{PATH}/{nowhere}{rest}", body)
        assert theirs.status_code == 404, (method, rest)
        assert without_id(theirs) == without_id(nobodys)


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", "customers:write"),
        ("GET", "", "customers:read"),
        ("GET", "/{id}", "customers:read"),
        ("PATCH", "/{id}", "customers:write"),
        ("PUT", "/{id}/quota", "customers:write"),
        ("GET", "/{id}/quota", "usage:read"),
        ("DELETE", "/{id}/quota", "customers:write"),
        ("POST", "/{id}/adjustments", "usage:write"),
        ("GET", "/{id}/adjustments", "usage:read"),
        ("DELETE", "/{id}", "customers:write"),
    ],
)
def test_each_needs_its_scope(owner: Admin, method: str, rest: str, scope: str) -> None:
    scopes = ["customers:write", "customers:read", "usage:write", "usage:read"]
    customer = make(owner)
    quota = {"metric": "requests", "limit": 1, "period": "day"}
    data_of(owner.send("PUT", f"{PATH}/{customer['id']}/quota", quota), 200)
    body: Any = {
        "POST": {"identifier": unique("c")},
        "PATCH": {},
        "PUT": quota,
    }.get(method)
    if rest.endswith("adjustments") and body:
        body = {"requests": 1, "reason": "late"}
    path = PATH + rest.format(id=customer["id"])
    weak = owner.using(owner.make(scopes=[one for one in scopes if one != scope])["key"])
    assert weak.send(method, path, body).status_code == 403
    strong = owner.using(owner.make(scopes=[scope])["key"])
    assert strong.send(method, path, body).status_code in {200, 201}


def test_every_change_is_in_the_audit_log(owner: Admin) -> None:
    made = make(owner)
    path = f"{PATH}/{made['id']}"
    quota = {"metric": "units", "limit": 5, "period": "day"}
    data_of(owner.send("PATCH", path, {"name": "n"}), 200)
    data_of(owner.send("PUT", f"{path}/quota", quota), 200)
    data_of(owner.send("POST", f"{path}/adjustments", {"units": 2, "reason": "by hand"}), 201)
    data_of(owner.send("DELETE", f"{path}/quota"), 200)
    data_of(owner.send("DELETE", path), 200)
    entries = [one for one in owner.get("/v1/audit")["entries"] if one["object"] == made["id"]]
    assert [one["action"] for one in entries] == [
        "customer.delete",
        "quota.remove",
        "usage.adjust",
        "quota.set",
        "customer.update",
        "customer.create",
    ]


# What is done for a customer


def for_customer(admin: Admin, customer_id: str) -> int:
    headers = {"X-Customer-ID": customer_id, "X-Project-ID": admin.project}
    return admin.wire.post("/v1/events", an_event(), headers).status_code


def test_an_inactive_or_ended_customer_holds_at_once(owner: Admin) -> None:
    made = make(owner)
    path = f"{PATH}/{made['id']}"
    for status, answer in (("active", 201), ("inactive", 403), ("active", 201)):
        data_of(owner.send("PATCH", path, {"status": status}), 200)
        assert for_customer(owner, made["id"]) == answer
    data_of(owner.send("DELETE", path), 200)
    assert for_customer(owner, made["id"]) == 404


def test_an_ended_customers_usage_is_still_reported(owner: Admin) -> None:
    made = make(owner)
    for _ in range(3):
        assert for_customer(owner, made["id"]) == 201
    data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    report = owner.get(f"{PATH}/{made['id']}/usage")
    assert report["totals"]["requests"] == 3
