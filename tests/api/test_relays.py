"""Relays over HTTP: declared, changed, ended."""

from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin, without_id
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/relays"
PUBLIC = "https://api.example.com"


def make(owner: Admin, **body: Any) -> dict[str, Any]:
    new = {"method": "POST", "path": f"/{unique('route')}", "upstream": f"{PUBLIC}/x", **body}
    return data_of(owner.send("POST", PATH, new), 201)


def test_a_whole_life(owner: Admin) -> None:
    made = make(owner, units="/items", customer="required", timeoutSeconds=2.5)
    assert made["scope"] == "data:write"
    assert made["trusted"] is False
    assert owner.get(f"{PATH}/{made['id']}") == made
    changes = {
        "upstream": f"{PUBLIC}/y",
        "units": "array",
        "customer": "ignored",
        "scope": "usage:read",
        "timeoutSeconds": 1.0,
    }
    changed = data_of(owner.send("PATCH", f"{PATH}/{made['id']}", changes), 200)
    assert changed == made | changes | {"updatedAt": changed["updatedAt"]}
    gone = data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    assert gone == {"id": made["id"], "name": f"POST {made['path']}", "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        answer = owner.send(method, f"{PATH}/{made['id']}", {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")
    make(owner, path=made["path"])


def test_one_for_each_method_and_path(owner: Admin, fresh: Admin) -> None:
    made = make(owner)
    make(owner, path=made["path"], method="GET")
    make(fresh, path=made["path"])
    again = {"method": "POST", "path": made["path"], "upstream": f"{PUBLIC}/z"}
    conflict = refusal_of(owner.send("POST", PATH, again), 409, "conflict", "Conflict")
    assert conflict["data"]["existing"]["id"] == made["id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events",
        "/v1/{anything}",
        "/v1/*",
        "/*",
        "/{a}/{b}",
        "/api/event",
        "/latest/api/v1/customers/{id}",
        "/healthz",
        "/docs",
        "/docs/x",
        "/metrics",
        "/openapi/all.json",
        "/",
    ],
)
def test_nothing_is_in_the_way_of_gateposts_own(owner: Admin, path: str) -> None:
    body = {"method": "ANY", "path": path, "upstream": f"{PUBLIC}/x"}
    if path.endswith("/*"):
        body["upstream"] += "/*"
    refusal_of(owner.send("POST", PATH, body), 409, "conflict", "Conflict")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"method": "CONNECT"}, "method"),
        ({"path": "x"}, "path"),
        ({"path": "/a//b"}, "path"),
        ({"path": "/a/../b"}, "path"),
        ({"path": "/a/{b"}, "path"),
        ({"path": "/a/{b}/{b}"}, "path"),
        ({"path": "/a/*/b"}, "path"),
        ({"path": "/a?b"}, "path"),
        ({"path": "/a%20b"}, "path"),
        ({"path": "/" + "a/" * 40}, "path"),
        ({"upstream": "ftp://x/"}, "upstream"),
        ({"upstream": "http://"}, "upstream"),
        ({"upstream": "http://user:pass@x/"}, "upstream"),
        ({"upstream": "http://user@x/"}, "upstream"),
        ({"upstream": "http://x/?a=1"}, "upstream"),
        ({"upstream": "http://x/#a"}, "upstream"),
        ({"upstream": "http://x:99999/"}, "upstream"),
        ({"upstream": "http://x y/"}, "upstream"),
        ({"upstream": "http://[::1/"}, "upstream"),
        ({"upstream": "http://x/{id}"}, "upstream"),
        ({"upstream": "http://x/*"}, "upstream"),
        ({"path": "/a/*", "upstream": "http://x/"}, "upstream"),
        ({"upstream": "http://127.0.0.1/"}, "upstream"),
        ({"units": "2"}, "units"),
        ({"units": "items"}, "units"),
        ({"units": "/a~2"}, "units"),
        ({"scope": "everything"}, "scope"),
        ({"scope": "any"}, "scope"),
        ({"customer": "often"}, "customer"),
        ({"timeoutSeconds": 0}, "timeoutSeconds"),
        ({"timeoutSeconds": 601}, "timeoutSeconds"),
        ({"trusted": True}, "trusted"),
    ],
)
def test_what_is_no_relay(owner: Admin, body: dict[str, Any], name: str) -> None:
    new = {"method": "GET", "path": f"/{unique('r')}", "upstream": f"{PUBLIC}/"} | body
    assert problems_of(owner.send("POST", PATH, new)) == [[name]]


def test_those_of_others_are_not_there(owner: Admin, fresh: Admin) -> None:
    foreign, nowhere = make(fresh)["id"], f"relay_{NOBODY}"
    for method in ("GET", "PATCH", "DELETE"):
        body: Any = {} if method == "PATCH" else None
        theirs = owner.send(method, f"{PATH}/{foreign}", body)
        nobodys = owner.send(method, f"{PATH}/{nowhere}", body)
        assert theirs.status_code == 404
        assert without_id(theirs) == without_id(nobodys)


def test_lists_come_in_pages_oldest_first(fresh: Admin) -> None:
    made = [make(fresh)["id"] for _ in range(5)]
    assert [one["id"] for one in fresh.all_of(PATH, "relays", 2)] == made


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", "relays:write"),
        ("GET", "", "relays:read"),
        ("GET", "/{id}", "relays:read"),
        ("GET", "/secret", "relays:write"),
        ("PATCH", "/{id}", "relays:write"),
        ("DELETE", "/{id}", "relays:write"),
    ],
)
def test_each_needs_its_scope(owner: Admin, method: str, rest: str, scope: str) -> None:
    others = [name for name in ("relays:write", "relays:read") if name != scope]
    weak = owner.using(owner.make(scopes=[*others, "data:write"])["key"])
    path = PATH + rest.format(id=make(owner)["id"])
    body: Any = None
    if method == "POST":
        body = {"method": "GET", "path": f"/{unique('r')}", "upstream": f"{PUBLIC}/"}
    elif method == "PATCH":
        body = {}
    assert weak.send(method, path, body).status_code == 403
    strong = owner.using(owner.make(scopes=[scope])["key"])
    assert strong.send(method, path, body).status_code in {200, 201}


def test_every_change_is_in_the_audit_log(owner: Admin) -> None:
    made = make(owner)
    data_of(owner.send("PATCH", f"{PATH}/{made['id']}", {"units": "array"}), 200)
    data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    entries = [one for one in owner.get("/v1/audit")["entries"] if one["object"] == made["id"]]
    actions = [one["action"] for one in entries]
    assert actions == ["relay.delete", "relay.update", "relay.create"]
    assert entries[1]["before"]["units"] == "1"
    assert entries[1]["after"]["units"] == "array"
