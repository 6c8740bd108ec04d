"""The audit log: every change, every refused administrative call, never a secret."""

import sqlite3
from typing import Any
from urllib.parse import quote

import httpx2
import psycopg
import pytest

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import INSTANT, data_of, problems_of, refusal_of
from tests.server import Server, unique
from tests.waiting import wait_for


def refused(admin: Admin, operation: str, key_id: str) -> list[dict[str, Any]]:
    """The lines of a key's refused calls of an operation; waits for the first."""

    def find() -> list[dict[str, Any]]:
        entries = admin.get("/v1/audit?action=refused&limit=100")["entries"]
        wanted = (operation, key_id)
        return [one for one in entries if (one["objectName"], one["actor"]["id"]) == wanted]

    return wait_for(find, f"a refused {operation} in the audit log")


def test_every_change_of_a_key_is_in_it(owner: Admin) -> None:
    name = unique("renamed")
    made = owner.make(limit="5/60s")
    owner.change(made["id"], name=name, enabled=False)
    second = owner.rotate(made["id"], 60)
    owner.delete(made["id"])
    lines = owner.get(f"/v1/audit?object={made['id']}")["entries"]
    assert [one["action"] for one in lines] == [
        "key.delete",
        "key.rotate",
        "key.update",
        "key.create",
    ]
    deleted, rotated, changed, created = lines
    assert changed["before"] == {"name": made["name"], "enabled": True}
    assert changed["after"] == {"name": name, "enabled": False}
    assert created["before"] is None
    assert created["after"]["limits"] == [{"limit": 5, "seconds": 60}]
    assert rotated["before"] == {"start": made["start"]}
    assert rotated["after"]["start"] == second["start"]
    assert deleted["before"]["name"] == name
    me = owner.get("/v1/keys/current")
    for line in lines:
        assert line["actor"] == {
            "kind": "key",
            "id": me["id"],
            "name": me["name"],
            "address": "127.0.0.1",
        }
        assert INSTANT.fullmatch(line["at"])
    text = owner.wire.get("/v1/audit?limit=100").text
    assert made["key"] not in text
    assert second["key"] not in text


def test_a_change_of_nothing_is_not_in_it(owner: Admin) -> None:
    made = owner.make()
    owner.change(made["id"])
    owner.change(made["id"], name=made["name"], enabled=True)
    lines = owner.get(f"/v1/audit?object={made['id']}")["entries"]
    assert [one["action"] for one in lines] == ["key.create"]


def test_every_change_of_a_project_is_in_it(landlord: Admin) -> None:
    made = landlord.make_project()
    path = f"/v1/projects/{made['id']}"
    bound = landlord.make(projectId=made["id"])
    landlord.send("PATCH", path, {"identifyMode": "merge"})
    landlord.send("DELETE", path)
    lines = landlord.get(f"/v1/audit?object={made['id']}")["entries"]
    assert [one["action"] for one in lines] == [
        "project.delete",
        "project.update",
        "project.create",
    ]
    assert lines[1]["before"]["identifyMode"] == "replace"
    assert lines[1]["after"]["identifyMode"] == "merge"
    ended = landlord.get(f"/v1/audit?object={bound['id']}")["entries"]
    assert [one["action"] for one in ended] == ["key.delete", "key.create"]


def test_the_command_line_is_in_it(roomy: Server, http: httpx2.Client) -> None:
    plan = unique("plan")
    roomy.cli("plan", "set", plan, "--key-limit", "50/60s")
    admin = make_admin(roomy, http, plan=plan)
    roomy.cli("plan", "set", plan, "--key-limit", "60/60s")
    lines = admin.get("/v1/audit?limit=100")["entries"]
    assert [one["actor"]["kind"] for one in lines] == ["cli", "key", "cli", "cli"]
    assert [one["action"] for one in lines] == [
        "plan.update",
        "project.create",
        "key.create",
        "account.create",
    ]
    assert lines[0]["before"]["keyLimits"] == "50/60s"
    assert lines[0]["after"]["keyLimits"] == "60/60s"


def test_refused_administrative_calls_are_in_it(owner: Admin) -> None:
    weak = owner.make(scopes=["events"], projectId=owner.project)
    target = owner.make()
    calls = {
        "createKey": ("POST", "/v1/keys"),
        "listKeys": ("GET", "/v1/keys"),
        "rotateKey": ("POST", f"/v1/keys/{target['id']}/rotate"),
        "deleteKey": ("DELETE", f"/v1/keys/{target['id']}"),
        "createProject": ("POST", "/v1/projects"),
        "listAudit": ("GET", "/v1/audit"),
    }
    for method, path in calls.values():
        answer = owner.using(weak["key"]).send(method, path)
        refusal_of(answer, 403, "forbidden", "Forbidden")
    for operation, (method, path) in calls.items():
        (line,) = refused(owner, operation, weak["id"])
        assert line["after"]["code"] == "forbidden"
        assert line["after"]["route"].startswith(method)
        assert line["object"] == (target["id"] if target["id"] in path else "")
        assert line["projectId"] == owner.project
        assert line["after"]["count"] == 1


def test_a_key_that_hammers_does_not_flood_it(owner: Admin) -> None:
    weak = owner.make(scopes=["events"])
    using = owner.using(weak["key"])
    for _ in range(5):
        using.wire.get("/v1/keys")
    refused(owner, "listKeys", weak["id"])
    for _ in range(200):
        using.wire.get("/v1/keys")
    using.wire.get("/v1/projects")
    refused(owner, "listProjects", weak["id"])
    (line,) = refused(owner, "listKeys", weak["id"])
    assert 1 <= line["after"]["count"] <= 5


def test_a_secret_in_a_path_is_not_kept(owner: Admin) -> None:
    made = owner.make()
    secret = made["key"]
    owner.using(secret).wire.get(f"/v1/keys/{secret}")
    refused(owner, "getKey", made["id"])
    assert secret not in owner.wire.get("/v1/audit?limit=100").text


def test_a_bound_key_sees_its_projects_lines(landlord: Admin) -> None:
    mine, other = landlord.make_project(), landlord.make_project()
    bound = landlord.using(landlord.make(projectId=mine["id"])["key"])
    in_mine, in_other = landlord.make(projectId=mine["id"]), landlord.make(projectId=other["id"])
    lines = bound.all_of("/v1/audit", "entries", 50)
    assert {one["projectId"] for one in lines} == {mine["id"]}
    objects = {one["object"] for one in lines}
    assert {mine["id"], in_mine["id"]} <= objects
    assert not {other["id"], in_other["id"]} & objects


def test_accounts_do_not_see_each_other(owner: Admin, stranger: Admin) -> None:
    made = stranger.make()
    assert stranger.get(f"/v1/audit?object={made['id']}")["entries"]
    assert owner.get(f"/v1/audit?object={made['id']}")["entries"] == []


def test_it_comes_in_pages_and_can_be_filtered(fresh: Admin) -> None:
    made = [fresh.make()["id"] for _ in range(5)]
    fresh.delete(made[0])
    found = [one["object"] for one in fresh.all_of("/v1/audit?action=key.create", "entries", 2)]
    assert found[:5] == made[::-1]
    every = fresh.all_of("/v1/audit", "entries", 3)
    assert len({one["id"] for one in every}) == len(every) == 9
    assert every == fresh.get("/v1/audit?limit=100")["entries"]
    assert problems_of(fresh.wire.get("/v1/audit?who=x")) == [["who"]]
    keys = fresh.all_of("/v1/audit?action=key.", "entries", 3)
    assert {one["action"] for one in keys} == {"key.create", "key.delete"}
    name = keys[0]["actor"]["name"]
    assert fresh.all_of(f"/v1/audit?actor={quote(name)}", "entries", 3) == [
        one for one in every if one["actor"]["name"] == name
    ]
    assert fresh.get("/v1/audit?actor=nobody")["entries"] == []
    assert fresh.get(f"/v1/audit?since={every[0]['at']}")["entries"] == every[:1]
    older = fresh.get(f"/v1/audit?before={every[0]['at']}")["entries"]
    assert older == every[1:]
    sheet = fresh.wire.get("/v1/audit?format=csv&action=key.delete").text.splitlines()
    assert sheet[0].startswith("id,at,actor,action,object")
    assert (len(sheet), made[0] in sheet[1]) == (2, True)


@pytest.mark.parametrize("verb", ["UPDATE audit SET action = 'x'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_it(roomy: Server, owner: Admin, verb: str) -> None:
    before = owner.get("/v1/audit?limit=3")
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="append-only"):
        roomy.query(verb)
    assert owner.get("/v1/audit?limit=3")["entries"] == before["entries"]


def test_a_refused_change_leaves_no_line_of_change(owner: Admin) -> None:
    made, taken = owner.make(), owner.make()
    path = f"/v1/keys/{made['id']}"
    answer = owner.send("PATCH", path, {"enabled": False, "name": taken["name"]})
    refusal_of(answer, 409, "conflict", "Conflict")
    assert owner.ping(made["key"]) == 200
    lines = owner.get(f"/v1/audit?object={made['id']}")["entries"]
    changes = [one["action"] for one in lines if one["action"] != "refused"]
    assert changes == ["key.create"]
    assert data_of(owner.wire.get(path), 200)["enabled"] is True
