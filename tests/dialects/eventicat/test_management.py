"""Aggregators and the key, managed with the key that events are sent with."""

from typing import Any

import httpx2
import pytest

from tests.dialects.eventicat.manager import NOBODY, PATH, Manager, data_of, sentence_of
from tests.dialects.eventicat.wire import OK, Sender
from tests.server import unique

REGENERATE = "/api/v1/key/regenerate"


@pytest.fixture
def manager(sender: Sender) -> Manager:
    return Manager(sender)


@pytest.fixture
def other(stranger: Sender) -> Manager:
    return Manager(stranger)


def test_a_whole_life(manager: Manager) -> None:
    name = unique("aggregator")
    made = manager.make(name=name, description="what shoppers do", timezone="Europe/Berlin")
    assert list(made) == ["id", "name", "description", "timezone", "created_at", "archived"]
    assert made["created_at"].endswith("Z")
    assert (made["name"], made["description"], made["archived"]) == (
        name,
        "what shoppers do",
        False,
    )
    place = f"{PATH}/{made['id']}"
    assert manager.get(place) == made
    changes = {"name": unique("other"), "timezone": "Asia/Kolkata", "description": ""}
    changed = data_of(manager.send("PATCH", place, changes))
    assert changed == made | changes == manager.get(place)
    assert data_of(manager.send("DELETE", place)) == OK
    for method in ("GET", "PATCH", "DELETE"):
        sentence_of(manager.send(method, place, {}), 404)


def test_one_that_is_made_here_takes_events_until_it_is_archived(manager: Manager) -> None:
    sender, made = manager.sender, manager.make()
    sender.aggregator = made["id"]
    place = f"{PATH}/{made['id']}"
    assert sender.get("&name=n").json() == OK
    assert data_of(manager.send("PATCH", place, {"archived": True}))["archived"] is True
    assert sentence_of(sender.get("&name=n"), 404) == "Invalid aggregator"
    assert manager.get(f"{place}/report")["total"] == 1
    data_of(manager.send("PATCH", place, {"archived": False}))
    assert sender.get("&name=n").json() == OK
    assert manager.get(f"{place}/report")["total"] == 2


def test_lists_come_in_pages_oldest_first(other: Manager) -> None:
    made = [other.sender.aggregator, *(other.make()["id"] for _ in range(4))]
    found: list[str] = []
    url: str | None = f"{PATH}?limit=2"
    while url:
        page = other.get(url)
        assert list(page) == ["aggregators", "next_cursor"]
        assert len(page["aggregators"]) <= 2
        found += [one["id"] for one in page["aggregators"]]
        url = page["next_cursor"] and f"{PATH}?limit=2&cursor={page['next_cursor']}"
    assert found == made


def test_another_accounts_is_answered_as_one_that_is_not(manager: Manager, other: Manager) -> None:
    theirs = other.get(other.place)
    for method, rest in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/report"),
        ("GET", "/report?format=csv"),
        ("GET", "/events"),
        ("GET", "/tags"),
    ):
        body = {"name": "taken over"} if method == "PATCH" else None
        unknown, foreign, malformed = (
            manager.send(method, f"{PATH}/{one}{rest}", body)
            for one in (NOBODY, theirs["id"], "nonsense")
        )
        assert sentence_of(unknown, 404) == "No aggregator with this id"
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
        assert (malformed.status_code, malformed.content) == (404, unknown.content)
        assert set(foreign.headers) == set(unknown.headers)
    assert other.get(other.place) == theirs


def test_a_name_is_unique_in_its_account(manager: Manager, other: Manager) -> None:
    first, second = manager.make(), manager.make()
    body = {"name": first["name"]}
    other.make(**body)
    for answer in (
        manager.send("POST", PATH, body),
        manager.send("PATCH", f"{PATH}/{second['id']}", body),
    ):
        assert first["name"] in sentence_of(answer, 409)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "name: Required"),
        ({"name": ""}, "name: Expected `str` of length >= 1"),
        ({"name": 17}, "name: Expected `str`, got `int`"),
        ({"name": "n", "timezone": "Middle/Earth"}, "timezone: Must be a time zone's name"),
        ({"name": "n", "colour": "red"}, "colour: Unknown field"),
        ([], "Expected an object, got an array"),
    ],
)
def test_what_is_wrong_is_a_sentence_that_names_it(
    manager: Manager, body: Any, sentence: str
) -> None:
    told = sentence_of(manager.send("POST", PATH, body), 400)
    assert told.startswith(sentence.replace("`", ""))


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "cursor=eA", "colour=red"])
def test_a_page_that_is_none(manager: Manager, query: str) -> None:
    assert sentence_of(manager.send("GET", f"{PATH}?{query}"), 400)
    assert sentence_of(manager.send("GET", f"{manager.place}/tags?{query}"), 400)
    assert sentence_of(manager.send("GET", f"{manager.place}/events?{query}"), 400)


def test_a_repeat_makes_none(other: Manager) -> None:
    body, turn = {"name": unique("aggregator")}, unique("turn")
    first = other.send("POST", PATH, body, Idempotency_Key=turn)
    again = other.send("POST", PATH, body, Idempotency_Key=turn)
    assert data_of(first, 201) == data_of(again, 201)
    assert again.headers["x-idempotent-replay"] == "true"
    assert len(other.get(PATH)["aggregators"]) == 2


def test_a_key_needs_the_right(manager: Manager) -> None:
    sender = manager.sender
    weak = sender.server.make_key(sender.tenant.account, None, scope="events").secret
    for method, path in (
        ("POST", PATH),
        ("GET", PATH),
        ("DELETE", manager.place),
        ("GET", f"{manager.place}/report"),
        ("POST", REGENERATE),
    ):
        body = {"name": unique("aggregator")} if path == PATH and method == "POST" else None
        sentence_of(manager.send(method, path, body, key=weak), 403)
    assert manager.get(manager.place)


def test_headers_are_those_of_events(manager: Manager) -> None:
    place = manager.place
    for answer in (
        manager.send("GET", PATH),
        manager.send("GET", f"{PATH}/{NOBODY}"),
        manager.send("POST", PATH, {}),
        manager.send("GET", f"{place}/report?format=csv"),
        manager.send("GET", f"{place}/events"),
    ):
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(
            answer.headers
        )
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "no-store"
    assert manager.sender.send("OPTIONS", place).status_code == 204


def test_a_key_is_needed_and_may_be_in_the_query(manager: Manager) -> None:
    sender = manager.sender
    for path in (PATH, manager.place, f"{manager.place}/report", f"{manager.place}/tags"):
        for refused in (sender.send("GET", path), sender.send("GET", f"{path}?_apikey=x")):
            assert sentence_of(refused, 401) == "Invalid API key"
            assert "x-ratelimit-limit" not in refused.headers
        data_of(sender.send("GET", f"{path}?_apikey={sender.key.secret}"))


def test_other_methods_and_paths(manager: Manager) -> None:
    answer = manager.send("PUT", PATH)
    assert sentence_of(answer, 405) == "Method not allowed"
    assert answer.headers["allow"] == "GET, POST, OPTIONS"
    sentence_of(manager.send("GET", REGENERATE), 405)
    sentence_of(manager.send("GET", f"{manager.place}/nothing"), 404)


# The key


def test_a_regenerated_key_takes_over_at_once(sender: Sender, other: Manager) -> None:
    old = other.sender.key.secret
    assert other.sender.get("&name=n").json() == OK
    answer = other.send("POST", REGENERATE)
    body = data_of(answer)
    assert list(body) == ["key"]
    assert answer.headers["cache-control"] == "no-store"
    new = body["key"]
    assert new.startswith("evk_")
    assert new != old
    for refused in (other.sender.get("&name=n"), other.send("GET", PATH)):
        assert sentence_of(refused, 401) == "Invalid API key"
    assert other.sender.get("&name=n", key=new).json() == OK
    assert data_of(other.send("GET", f"{other.place}/report", key=new))["total"] == 2
    assert sender.get("&name=n").json() == OK


def test_a_new_key_is_shown_once(other: Manager) -> None:
    turn = unique("turn")
    new = data_of(other.send("POST", REGENERATE, Idempotency_Key=turn))["key"]
    again = other.send("POST", REGENERATE, key=new, Idempotency_Key=turn)
    assert new not in again.text
    assert "shown once" in sentence_of(again, 409)
    data_of(other.send("GET", PATH, key=new))


def test_a_regenerated_key_is_audited(other: Manager, http: httpx2.Client) -> None:
    new = data_of(other.send("POST", REGENERATE))["key"]
    answer = http.get(
        f"{other.sender.server.address}/v1/audit", headers={"Authorization": f"Bearer {new}"}
    )
    found = [one for one in answer.json()["data"]["entries"] if one["action"] == "key.rotate"]
    assert [one["object"] for one in found] == [other.sender.key.id]
    assert new not in answer.text
