"""Projects over HTTP, and accounts that are switched off."""

from typing import Any

import httpx2
import pytest

from tests.api.admin import NOBODY, Admin, make_admin, without_id
from tests.dialects.native.wire import a_person, an_event, data_of, problems_of, refusal_of
from tests.server import Server, unique


def test_a_whole_life(landlord: Admin) -> None:
    made = landlord.make_project()
    assert made["identifyMode"] == "replace"
    path = f"/v1/projects/{made['id']}"
    assert landlord.get(path) == made
    changes = {"name": unique("project"), "identifyMode": "merge"}
    changed = data_of(landlord.send("PATCH", path, changes), 200)
    assert changed == made | changes | {"updatedAt": changed["updatedAt"]}
    assert landlord.get(path) == changed
    gone = data_of(landlord.send("DELETE", path), 200)
    assert gone == {"id": made["id"], "name": changed["name"], "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        answer = landlord.send(method, path, {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")
    landlord.make_project(name=changed["name"])


def test_the_end_of_a_project_ends_its_keys_and_no_others(landlord: Admin) -> None:
    project = landlord.make_project()
    bound = landlord.make(projectId=project["id"])
    others = landlord.make(projectId=landlord.project)
    assert landlord.ping(bound["key"]) == 200
    data_of(landlord.send("DELETE", f"/v1/projects/{project['id']}"), 200)
    assert landlord.ping(bound["key"]) == 401
    assert landlord.ping(others["key"]) == 200
    refusal_of(landlord.wire.get(f"/v1/keys/{bound['id']}"), 404, "not_found", "Not found")
    refusal_of(landlord.refused(secret=bound["key"]), 409, "conflict", "Conflict")


def test_names_are_unique_in_an_account(landlord: Admin, fresh: Admin) -> None:
    first, other = landlord.make_project(), landlord.make_project()
    fresh.make_project(name=first["name"])
    existing = {"existing": {"id": first["id"], "name": first["name"]}}
    body = {"name": first["name"]}
    for answer in (
        landlord.send("POST", "/v1/projects", body),
        landlord.send("PATCH", f"/v1/projects/{other['id']}", body),
    ):
        assert refusal_of(answer, 409, "conflict", "Conflict")["data"] == existing


def test_a_repeated_create_makes_one_project(fresh: Admin) -> None:
    """Though the first one ends the time when the account's only project was meant by default."""
    body, once = {"name": unique("project")}, unique("once")
    first = fresh.send("POST", "/v1/projects", body, once)
    again = fresh.send("POST", "/v1/projects", body, once)
    assert first.status_code == 201
    assert again.content == first.content
    assert again.headers["X-Idempotent-Replay"] == "true"


def test_identify_follows_the_projects_mode(landlord: Admin) -> None:
    project = landlord.make_project(identifyMode="merge")
    wire = landlord.wire.using(landlord.make(projectId=project["id"])["key"])
    person = a_person(properties={"plan": "pro"})
    wire.identified(person)
    merged = wire.identified(person | {"properties": {"seats": 3}})
    assert merged["properties"] == {"plan": "pro", "seats": 3}
    landlord.send("PATCH", f"/v1/projects/{project['id']}", {"identifyMode": "replace"})
    replaced = wire.identified(person | {"properties": {"seats": 4}})
    assert replaced["properties"] == {"seats": 4}


def test_lists_come_in_pages_oldest_first(fresh: Admin) -> None:
    made = [fresh.make_project()["id"] for _ in range(4)]
    found = [one["id"] for one in fresh.all_of("/v1/projects", "projects", 2)]
    assert found == [fresh.project, *made]


def test_a_strangers_project_looks_like_none(owner: Admin, stranger: Admin) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        known = owner.send(method, f"/v1/projects/{stranger.project}", body)
        missing = owner.send(method, f"/v1/projects/project_{NOBODY}", body)
        assert without_id(known) == without_id(missing)
        assert known.status_code == 404
    answer = owner.refused(projectId=stranger.project)
    assert without_id(answer) == without_id(owner.refused(projectId=f"project_{NOBODY}"))
    event = owner.wire.post("/v1/events", an_event(), {"X-Project-ID": stranger.project})
    refusal_of(event, 404, "not_found", "Not found")


def test_a_bound_key_manages_its_own_project_alone(landlord: Admin) -> None:
    mine, other = landlord.make_project(), landlord.make_project()
    bound = landlord.using(landlord.make(projectId=mine["id"])["key"])
    assert bound.get("/v1/projects") == {"projects": [mine], "nextCursor": None}
    assert bound.get(f"/v1/projects/{mine['id']}") == mine
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        answer = bound.send(method, f"/v1/projects/{other['id']}", body)
        refusal_of(answer, 404, "not_found", "Not found")
    answer = bound.send("POST", "/v1/projects", {"name": unique("project")})
    refusal_of(answer, 403, "forbidden", "Forbidden")
    data_of(bound.send("DELETE", f"/v1/projects/{mine['id']}"), 200)
    answer = bound.wire.get(f"/v1/projects/{mine['id']}")
    refusal_of(answer, 401, "unauthorized", "Unauthorized")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "x", "identifyMode": "mix"}, ["identifyMode"]),
        ({"name": "x", "identify_mode": "merge"}, ["identify_mode"]),
    ],
)
def test_faulty_projects_are_refused(owner: Admin, body: dict[str, Any], path: list[Any]) -> None:
    assert problems_of(owner.send("POST", "/v1/projects", body)) == [path]


def test_a_key_bound_to_none_names_its_project_once_there_are_several(fresh: Admin) -> None:
    """Making a second project takes the default away from keys that are bound to none."""
    fresh.wire.created(an_event())
    second = fresh.make_project()
    refusal_of(fresh.wire.create(an_event()), 403, "forbidden", "Forbidden")
    event = data_of(fresh.wire.post("/v1/events", an_event(), {"X-Project-ID": second["id"]}), 201)
    bound = fresh.wire.using(fresh.make(projectId=second["id"])["key"])
    assert bound.event(event["id"])["id"] == event["id"]
    data_of(fresh.send("DELETE", f"/v1/projects/{second['id']}"), 200)
    fresh.wire.created(an_event())


@pytest.mark.parametrize("status", ["inactive", "deleted"])
def test_the_keys_of_an_account_that_is_off_are_refused(
    roomy: Server, http: httpx2.Client, status: str
) -> None:
    admin = make_admin(roomy, http)
    roomy.cli("account", "set-status", admin.account, status)
    refusal_of(admin.wire.get("/v1/ping"), 403, "account_inactive", "Account inactive")
    refusal_of(admin.wire.create(an_event()), 403, "account_inactive", "Account inactive")
    roomy.cli("account", "set-status", admin.account, "active")
    assert admin.wire.get("/v1/ping").status_code == 200
    actions = [one["action"] for one in admin.get("/v1/audit")["entries"]]
    assert actions[:2] == ["account.status", "account.status"]
