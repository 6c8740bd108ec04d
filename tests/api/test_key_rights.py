"""What no key may do: reach beyond itself, its project, its account, its scopes."""

import re
from typing import Any

import pytest

from gatepost.dialects import DIALECTS
from gatepost.gate.scopes import PRESETS, Scope
from gatepost.web.contract import Endpoint
from tests.api.admin import NOBODY, Admin, instant, without_id
from tests.dialects.native.wire import an_event, problems_of, refusal_of
from tests.server import unique
from tests.waiting import wait_for


def test_malformed_unknown_revoked_and_expired_look_alike(owner: Admin) -> None:
    deleted, disabled, rotated = owner.make(), owner.make(), owner.make()
    owner.delete(deleted["id"])
    owner.change(disabled["id"], enabled=False)
    owner.rotate(rotated["id"])
    expired = owner.make(expiresAt=instant(seconds=0.2))
    wait_for(lambda: owner.ping(expired["key"]) == 401, "the expiry")
    unknown = owner.make()["key"][:-1] + "!"
    tried = [
        deleted["key"],
        disabled["key"],
        rotated["key"],
        expired["key"],
        unknown,
        "x",
        "é",
        "x y",
    ]
    answers = [owner.wire.using(None).send("GET", "/v1/ping")]
    answers += [
        owner.wire.client.get(
            f"{owner.wire.address}/v1/ping",
            headers=[(b"authorization", f"Bearer {one}".encode())],
        )
        for one in tried
    ]
    assert len({without_id(answer) for answer in answers}) == 1
    assert answers[0].status_code == 401
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1


def test_a_strangers_key_looks_like_none(owner: Admin, stranger: Admin) -> None:
    theirs = stranger.make()
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("POST", "/rotate", None),
    ]
    for method, tail, body in calls:
        known = owner.send(method, f"/v1/keys/{theirs['id']}{tail}", body)
        missing = owner.send(method, f"/v1/keys/key_{NOBODY}{tail}", body)
        malformed = owner.send(method, f"/v1/keys/nonsense{tail}", body)
        assert without_id(known) == without_id(missing) == without_id(malformed)
        assert known.status_code == 404
    assert stranger.ping(theirs["key"]) == 200
    assert stranger.get(f"/v1/keys/{theirs['id']}")["name"] == theirs["name"]


ENDS_ITS_KEY = {"regenerateKey"}
FOR_OPERATORS = ("/v1/operations", "/v1/bookmarks")
"""No key is enough for what concerns the whole installation, or is an operator's own."""


def test_every_endpoint_asks_for_its_own_scope(owner: Admin) -> None:
    """That scope is enough for every endpoint of every dialect's table, and all others are not."""
    secrets = {
        scope: (
            owner.make(scopes=[scope], **_bound(owner, scope))["key"],
            owner.make(scopes=sorted(PRESETS["full"] - {scope}), **_bound(owner, scope))["key"],
        )
        for scope in sorted(PRESETS["full"])
    }
    wrong: list[str] = []
    for endpoint in (one for dialect in DIALECTS for one in dialect.endpoints):
        needs_none = endpoint.scope is Scope.ANY
        enough, others = secrets[next(iter(secrets)) if needs_none else endpoint.scope]
        if endpoint.operation not in ENDS_ITS_KEY:
            refused = _try(owner, enough, endpoint) in {401, 403}
            if refused is not endpoint.path.startswith(FOR_OPERATORS):
                wrong.append(f"refused {refused}: {endpoint.method} {endpoint.path}")
        if not needs_none and _try(owner, others, endpoint) != 403:
            wrong.append(f"not needed: {endpoint.method} {endpoint.path}")
    assert not wrong


def _bound(owner: Admin, scope: str) -> dict[str, str]:
    """Operators are those of all projects; most of the rest needs one."""
    return {} if scope.startswith("operators:") else {"projectId": owner.project}


def _try(owner: Admin, secret: str, endpoint: Endpoint) -> int:
    """The status of an empty request."""
    path = re.sub(r"\{[^}]*\}", f"key_{NOBODY}", endpoint.path)
    url = f"{owner.wire.address}{path}"
    key = {"Authorization": f"Bearer {secret}", "X-API-Key": secret}
    client = owner.wire.client
    with client.stream(endpoint.method, url, headers=key) as answer:
        return answer.status_code


@pytest.mark.parametrize(
    ("scopes", "more"),
    [
        (["full"], {}),
        (["events:write"], {}),
        (["keys:write", "audit:read"], {}),
        (["keys:write"], {"expiresAt": None}),
        (["keys:write"], {"expiresAt": "2099-01-01T00:00:00Z"}),
        (["keys:write"], {"limits": []}),
        (["keys:write"], {"limit": "11/60s"}),
        (["keys:write"], {"limit": "6/30s"}),
        (["keys:write"], {"allowFrom": ["0.0.0.0/0"]}),
        (["keys:write"], {"allowFrom": ["127.0.0.0/8", "10.0.0.1"]}),
        (["keys:write"], {"sendingDomain": "other.example"}),
    ],
)
def test_no_key_makes_one_stronger_than_itself(
    owner: Admin, scopes: list[str], more: dict[str, Any]
) -> None:
    """The same rule holds for a new key and for the change of one."""
    clerk = _clerk(owner)
    harmless = clerk.make(scopes=["keys:read"])
    changes = {"scopes": scopes, **more}
    changes.pop("sendingDomain", None)
    if more != {"expiresAt": None}:
        refusal_of(clerk.refused(scopes=scopes, **more), 403, "forbidden", "Forbidden")
    if changes != {"scopes": ["keys:write"]}:
        answer = clerk.send("PATCH", f"/v1/keys/{harmless['id']}", changes)
        refusal_of(answer, 403, "forbidden", "Forbidden")
        now = owner.get(f"/v1/keys/{harmless['id']}")
        assert now == {name: value for name, value in harmless.items() if name != "key"}


def _clerk(owner: Admin) -> Admin:
    """A key that may manage keys and little else."""
    made = owner.make(
        scopes=["keys:write", "keys:read"],
        projectId=owner.project,
        sendingDomain="mail.example.org",
        limit="10/1s,10/60s,10000/1d",
        expiresAt=instant(days=1),
        allowFrom=["127.0.0.0/8"],
    )
    owner.change(made["id"], limit="10/60s")
    return owner.using(made["key"])


def test_a_new_key_starts_from_its_makers_bounds(owner: Admin) -> None:
    clerk = _clerk(owner)
    made = clerk.make(scopes=["keys:read"])
    assert made["projectId"] == owner.project
    assert made["sendingDomain"] == "mail.example.org"
    assert made["limits"] == [{"limit": 10, "seconds": 60}]
    assert made["allowFrom"] == ["127.0.0.0/8"]
    assert made["expiresAt"] is not None
    tighter = clerk.make(
        scopes=["keys:read"], limit="5/60s", allowFrom=["127.0.0.1"], expiresAt=instant(hours=1)
    )
    assert tighter["limits"] == [{"limit": 5, "seconds": 60}]
    assert tighter["allowFrom"] == ["127.0.0.1/32"]


def test_a_weak_key_cannot_take_over_a_stronger_one(owner: Admin) -> None:
    clerk = _clerk(owner)
    strong = owner.make(projectId=owner.project, sendingDomain="mail.example.org")
    path = f"/v1/keys/{strong['id']}"
    for method, where, body in (
        ("POST", f"{path}/rotate", None),
        ("PATCH", path, {"name": unique("taken")}),
        ("PATCH", path, {"enabled": True, "name": unique("taken")}),
        ("PATCH", path, {"allowFrom": []}),
    ):
        answer = clerk.send(method, where, body)
        if body == {"allowFrom": []}:
            assert answer.status_code == 200, "it changes nothing"
        else:
            refusal_of(answer, 403, "forbidden", "Forbidden")
    assert owner.ping(strong["key"]) == 200
    clerk.change(strong["id"], enabled=False)
    assert owner.ping(strong["key"]) == 401
    answer = clerk.send("PATCH", path, {"enabled": True})
    refusal_of(answer, 403, "forbidden", "Forbidden")


def test_a_key_bound_to_a_project_sees_that_projects_keys_alone(landlord: Admin) -> None:
    other = landlord.make_project()
    elsewhere, unbound = landlord.make(projectId=other["id"]), landlord.make()
    bound = landlord.using(landlord.make(projectId=landlord.project)["key"])
    mine = bound.make()
    assert mine["projectId"] == landlord.project
    listed = bound.all_of("/v1/keys", "keys", 50)
    assert {one["projectId"] for one in listed} == {landlord.project}
    for hidden in (elsewhere, unbound):
        path = f"/v1/keys/{hidden['id']}"
        for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/rotate")):
            refusal_of(bound.send(method, where), 404, "not_found", "Not found")
        taken = refusal_of(bound.refused(name=hidden["name"]), 409, "conflict", "Conflict")
        assert "data" not in taken
    missing = bound.refused(projectId=f"project_{NOBODY}")
    assert without_id(bound.refused(projectId=other["id"])) == without_id(missing)
    assert problems_of(missing) == [["projectId"]]


def test_a_sending_key_may_send_and_nothing_else(owner: Admin) -> None:
    made = owner.make(scopes=["sending"], sendingDomain="News.Example.ORG.")
    assert made["sendingDomain"] == "news.example.org"
    answer = owner.wire.using(made["key"]).create(an_event())
    refusal_of(answer, 403, "forbidden", "Forbidden")
