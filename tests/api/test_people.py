"""People: lists, one with its events, export, erasure."""

import io
import json
import zipfile
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.api.admin import Admin
from tests.backends import on_sqlite
from tests.dialects.native.wire import (
    REPLAY,
    Wire,
    a_person,
    an_event,
    data_of,
    problems_of,
    refusal_of,
)
from tests.server import Server, unique
from tests.waiting import wait_for

GONE = "No External Identity matches the supplied user_id"


@pytest.fixture(scope="module")
def wire(server: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, server.address, server.make_tenant().key.secret)


def person_of(wire: Wire, name: str) -> dict[str, Any]:
    return data_of(wire.get(f"/v1/people/{quote(name, safe='')}"), 200)


def erase(wire: Wire, user_id: str) -> httpx2.Response:
    return wire.send("DELETE", f"/v1/identities/{quote(user_id, safe='')}")


def missing(response: httpx2.Response) -> str:
    return str(refusal_of(response, 404, "not_found", "Not found")["message"])


def archive_of(wire: Wire, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """person.json and the lines of events.ndjson."""
    response = wire.get(f"/v1/people/{quote(name, safe='')}/export")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="person_')
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["events.ndjson", "person.json"]
        lines = archive.read("events.ndjson").decode().splitlines()
        return json.loads(archive.read("person.json")), [json.loads(line) for line in lines]


# Reading


def test_people_newest_first_in_pages(fresh: Admin) -> None:
    assert fresh.get("/v1/people") == {"people": [], "nextCursor": None}
    users = [unique("user") for _ in range(5)]
    for user in users:
        fresh.wire.identified({"user_id": user, "properties": {"n": user}, "aliases": [f"{user}a"]})
    fresh.wire.identified({"user_id": users[0], "properties": {"n": "again"}})
    found: list[dict[str, Any]] = []
    for limit in (1, 2, 5):
        found = fresh.all_of("/v1/people", "people", limit)
        assert [one["userId"] for one in found] == users[::-1]
    assert [one["properties"]["n"] for one in found] == [*users[:0:-1], "again"]
    assert [one["aliases"] for one in found] == [[f"{user}a"] for user in users[::-1]]


def test_a_person_by_any_name_with_its_latest_events(wire: Wire) -> None:
    person = a_person(properties={"plan": "pro"}, aliases=[unique("a"), unique("b")])
    user, aliases = person["user_id"], person["aliases"]
    made = [wire.created(an_event(userId=name)) for name in (aliases[0], user, "x", aliases[1])]
    identity = wire.identified(person)
    made += [wire.created(an_event(userId=aliases[0], title=f"{n}")) for n in range(25)]
    mine = [event["id"] for event in made if event["title"] != "x" and event["userId"] != "x"]
    for name in (user, *aliases):
        found = person_of(wire, name)
        assert (found["id"], found["userId"]) == (identity["id"], user)
        assert (found["properties"], found["aliases"]) == ({"plan": "pro"}, sorted(aliases))
        assert [event["id"] for event in found["events"]] == mine[:-21:-1]
        rest = data_of(
            wire.get(f"/v1/people/{name}/events?cursor={found['nextCursor']}&limit=100"), 200
        )
        assert rest["nextCursor"] is None
        assert [event["id"] for event in rest["events"]] == mine[-21::-1]
    assert missing(wire.get(f"/v1/people/{unique('nobody')}"))
    assert missing(wire.get(f"/v1/people/{unique('nobody')}/events"))


@pytest.mark.parametrize("name", ["a/b", "a b", "ü@x.de", "%2F", "a?b#c", ".", "😀", "'\"; --"])
def test_odd_names(wire: Wire, name: str) -> None:
    user = f"{unique('user')}{name}"
    wire.identified({"user_id": user})
    made = wire.created(an_event(userId=user))
    assert [event["id"] for event in person_of(wire, user)["events"]] == [made["id"]]
    assert archive_of(wire, user)[0]["person"]["userId"] == user
    assert data_of(erase(wire, user), 200)["productEventsDetached"] == 1
    assert missing(erase(wire, user)) == GONE


def test_events_of_all_projects_of_the_account(fresh: Admin) -> None:
    user, second = unique("user"), fresh.make_project()["id"]
    projects = [fresh.project, second, fresh.project, second]
    made = []
    for project in projects:
        answer = fresh.wire.post("/v1/events", an_event(userId=user), {"X-Project-ID": project})
        made.append(data_of(answer, 201))
    header = {"X-Project-ID": second}
    data_of(fresh.wire.post("/v1/identify", {"user_id": user}, header), 200)
    found: list[dict[str, Any]] = []
    for limit in (1, 3, 100):
        found = fresh.all_of(f"/v1/people/{user}/events", "events", limit)
        assert [event["id"] for event in found] == [event["id"] for event in made[::-1]]
        assert [event["projectId"] for event in found] == projects[::-1]
    manifest, events = archive_of(fresh.wire, user)
    assert sorted(manifest["projects"]) == sorted({*projects})
    assert events == found
    done = data_of(erase(fresh.wire, user), 200)
    assert done["productEventsDetached"] == 4
    for event in made:
        where = {"X-Project-ID": projects[made.index(event)]}
        answer = fresh.wire.send("GET", f"/v1/events/{event['id']}", headers=where)
        assert data_of(answer, 200)["userId"] is None


# Export


def test_an_export_holds_everything(wire: Wire) -> None:
    person = a_person(properties={"deep": {"ü": [1, None]}}, aliases=[unique("alias")])
    user, [alias] = person["user_id"], person["aliases"]
    early = [an_event(userId=alias, title=f"{n}", metadata={"n": n}) for n in range(1000)]
    data_of(wire.post("/v1/events/batch", early), 200)
    wire.identified(person)
    late = [an_event(userId=user, title=f"{n}") for n in range(1000, 1700)]
    data_of(wire.post("/v1/events/batch", late), 200)
    manifest, events = archive_of(wire, alias)
    assert manifest["events"] == len(events) == 1700
    assert sorted(int(event["title"]) for event in events) == list(range(1700))
    order = [event["id"] for event in events]
    assert order == sorted(order, reverse=True)
    stored = wire.event(events[-1]["id"])
    assert {**stored, "projectId": events[-1]["projectId"]} == events[-1]
    shown = person_of(wire, user)
    assert manifest["person"] == {
        name: shown[name]
        for name in ("id", "userId", "properties", "aliases", "createdAt", "updatedAt")
    }
    assert missing(wire.get(f"/v1/people/{unique('nobody')}/export"))


# Erasure


@pytest.mark.parametrize("indexed", [False, True])
def test_erasure_leaves_events_without_their_user(
    wire: Wire, server: Server, indexed: bool
) -> None:
    alias, other = unique("alias"), unique("other")
    person = a_person(aliases=[alias], properties={"secret": unique("secret")})
    user = person["user_id"]
    before = [wire.created(an_event(userId=name)) for name in (alias, user)]
    identity = data_of(wire.post("/v1/identify", person, {"Idempotency-Key": unique("once")}), 200)
    after = [wire.created(an_event(userId=name)) for name in (alias, user)]
    kept = wire.created(an_event(userId=other))
    if indexed:
        _await_index(server)

    done = data_of(erase(wire, user), 200)

    assert done == {
        "id": identity["id"],
        "userId": user,
        "status": "erased",
        "aliasesDeleted": 1,
        "productEventsDetached": 4,
    }
    for event in (*before, *after):
        assert wire.event(event["id"]) == {**event, "userId": None}
    for name in (user, alias):
        found = data_of(wire.get(f"/v1/events?userId={name}"), 200)
        assert found["events"] == []
        assert missing(wire.get(f"/v1/people/{name}"))
        assert missing(erase(wire, name)) == GONE
    assert wire.event(kept["id"])["userId"] == other
    _await_index(server)
    assert data_of(wire.get(f"/v1/events?userId={alias}"), 200)["events"] == []
    held = _held(server)
    for text in (alias, user, person["properties"]["secret"]):
        assert text not in held
        assert text.encode().hex() not in held.lower()  # remembered replies are blobs


TABLES = {
    True: "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'",
    False: "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def _held(server: Server) -> str:
    """All rows of all tables; of the search index, those it is made of."""
    names = [name for (name,) in server.query(TABLES[on_sqlite()])]
    rows = [row for name in names for row in server.query(f"SELECT * FROM {name}")]
    return "\n".join(
        value.hex() + repr(value) if isinstance(value, bytes) else str(value)
        for row in rows
        for value in row
    )


def _await_index(server: Server) -> None:
    (last,) = server.query("SELECT max(seq) FROM events")[0]
    wait_for(
        lambda: server.query("SELECT coalesce(max(seq), 0) FROM event_index")[0][0] >= last,
        "the search index",
    )


def test_only_the_user_id_itself_erases(wire: Wire) -> None:
    person = a_person(aliases=[unique("alias")])
    wire.identified(person)
    assert missing(erase(wire, person["aliases"][0])) == GONE
    assert person_of(wire, person["user_id"])["aliases"] == person["aliases"]


def test_erasure_spares_whoever_took_the_alias_as_user_id(wire: Wire) -> None:
    person, name = a_person(), unique("name")
    wire.identified({**person, "aliases": [name]})
    wire.identified({"user_id": name})
    theirs = wire.created(an_event(userId=name))
    assert data_of(erase(wire, person["user_id"]), 200)["productEventsDetached"] == 0
    assert wire.event(theirs["id"])["userId"] == name


def test_remembered_replies_forget_the_person(wire: Wire) -> None:
    person, once, other = a_person(), unique("once"), unique("once")
    event = an_event(userId=person["user_id"])
    data_of(wire.create(event, once=once), 201)
    kept = wire.create(an_event(), once=other)
    wire.post("/v1/identify", person, {"Idempotency-Key": unique("once")})
    data_of(erase(wire, person["user_id"]), 200)
    again = wire.create(event, once=once)
    assert again.status_code == 409
    assert person["user_id"] not in again.text
    assert kept.status_code == 201


def test_erasing_again_with_one_idempotency_key_repeats_nothing(wire: Wire) -> None:
    person, headers = a_person(), {"Idempotency-Key": unique("once")}
    wire.identified(person)
    path = f"/v1/identities/{person['user_id']}"
    assert wire.send("DELETE", path, headers=headers).status_code == 200
    again = wire.send("DELETE", path, headers=headers)
    assert again.status_code == 409
    assert REPLAY not in again.headers
    assert person["user_id"] not in again.text


def test_an_erased_person_can_come_back(wire: Wire) -> None:
    person = a_person(aliases=[unique("alias")])
    first = wire.identified(person)
    wire.created(an_event(userId=person["user_id"]))
    data_of(erase(wire, person["user_id"]), 200)
    second = wire.identified(person)
    assert second["id"] != first["id"]
    assert second["aliases"] == {"created": person["aliases"]}
    assert person_of(wire, person["user_id"])["events"] == []


def test_erasure_is_audited_without_the_name(fresh: Admin) -> None:
    person = a_person()
    identity = fresh.wire.identified(person)
    data_of(erase(fresh.wire, person["user_id"]), 200)
    answer = fresh.wire.get("/v1/audit")
    [entry] = [one for one in answer.json()["data"]["entries"] if one["action"] == "person.erase"]
    assert identity["id"] in json.dumps(entry)
    assert person["user_id"] not in answer.text


# Who may


PATHS = ("/v1/people", "/v1/people/{}", "/v1/people/{}/events", "/v1/people/{}/export")


@pytest.mark.parametrize("path", PATHS)
def test_reading_needs_its_scope(owner: Admin, path: str) -> None:
    writer = owner.wire.using(owner.make(scopes=["events", "events:read"])["key"])
    refusal_of(writer.get(path.format("x")), 403, "forbidden", "Forbidden")


@pytest.mark.parametrize("scopes", [["read"], ["events"], ["events:write", "people:read"]])
def test_erasing_needs_its_scope(owner: Admin, scopes: list[str]) -> None:
    other = owner.wire.using(owner.make(scopes=scopes)["key"])
    refusal_of(erase(other, "x"), 403, "forbidden", "Forbidden")


def test_accounts_do_not_meet(fresh: Admin, stranger: Admin) -> None:
    person = a_person(aliases=[unique("alias")])
    fresh.wire.identified(person)
    fresh.wire.created(an_event(userId=person["user_id"]))
    for name in (person["user_id"], *person["aliases"]):
        for path in PATHS[1:]:
            assert missing(stranger.wire.get(path.format(name)))
        assert missing(erase(stranger.wire, name)) == GONE
    everybody = stranger.all_of("/v1/people", "people", 100)
    assert person["user_id"] not in [one["userId"] for one in everybody]
    stranger.wire.identified(person)
    assert person_of(stranger.wire, person["aliases"][0])["events"] == []
    data_of(erase(stranger.wire, person["user_id"]), 200)
    assert len(person_of(fresh.wire, person["aliases"][0])["events"]) == 1


@pytest.mark.parametrize("path", ["/v1/people", "/v1/people/x/events"])
@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=0", "limit"), ("cursor=x", "cursor"), ("before=x", "before"), ("limt=5", "limt")],
)
def test_a_bad_query_is_refused(wire: Wire, path: str, query: str, name: str) -> None:
    assert problems_of(wire.get(f"{path}?{query}")) == [[name]]
