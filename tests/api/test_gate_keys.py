"""Gate keys over HTTP: made, listed, changed, rotated, ended. Their secrets open nothing else."""

import re
import zlib
from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin, instant
from tests.api.gates import (
    KEYS,
    change_gate_key,
    make_customer,
    make_gate_key,
    reason,
    refused_gate_key,
)
from tests.backends import on_sqlite, postgres
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def path_of(key: dict[str, Any]) -> str:
    return f"{KEYS}/{key['id']}"


def listed(admin: Admin, query: str = "") -> list[str]:
    return [one["id"] for one in admin.all_of(f"{KEYS}?{query}", "keys", 2)]


@pytest.mark.parametrize("prefix", ["key", "a", "acme_live", "0123456789abcdef"])
def test_secrets_carry_the_prefix_26_random_letters_and_their_crc(
    owner: Admin, prefix: str
) -> None:
    made = [make_gate_key(owner, prefix=prefix)["key"] for _ in range(3)]
    assert len(set(made)) == 3
    for secret in made:
        assert re.fullmatch(re.escape(prefix) + r"_[0-9A-Za-z]{32}", secret), secret
        value, digits = zlib.crc32(secret[:-6].encode()), ""
        for _ in range(6):
            value, digit = divmod(value, 62)
            digits = BASE62[digit] + digits
        assert secret[-6:] == digits


def test_a_whole_life(owner: Admin) -> None:
    customer = make_customer(owner)["id"]
    made = make_gate_key(
        owner,
        scopes=["estimates:*", "estimates:*"],
        limit="100/60s",
        quota={"limit": 10, "period": "day", "timezone": "Europe/Berlin"},
        metadata={"user": 4711},
        customerId=customer,
        expiresAt="2091-01-02T00:00:00+02:00",
    )
    secret = made.pop("key")
    assert secret.startswith("key_")
    assert made["start"] == secret[:8]
    assert (made["scopes"], made["prefix"]) == (["estimates:*"], "key")
    assert made["limits"] == [{"limit": 100, "seconds": 60}]
    assert made["quota"] == {"limit": 10, "period": "day", "timezone": "Europe/Berlin"}
    assert (made["customerId"], made["metadata"]) == (customer, {"user": 4711})
    assert (made["expiresAt"], made["lastUsedAt"]) == ("2091-01-01T22:00:00.000Z", None)
    assert owner.get(path_of(made)) == made
    assert reason(owner, secret) is None
    assert owner.get(path_of(made))["lastUsedAt"] is not None

    changed = change_gate_key(
        owner, made, name="renamed", scopes=[], limits=[], quota=None, metadata={}, customerId=None,
        expiresAt=None,
    )  # fmt: skip
    assert owner.get(path_of(made)) == changed
    assert (changed["name"], changed["scopes"], changed["limits"]) == ("renamed", [], [])
    assert (changed["quota"], changed["customerId"], changed["expiresAt"]) == (None, None, None)

    rotated = data_of(owner.send("POST", f"{path_of(made)}/rotate"), 200)
    assert (rotated["id"], rotated["key"] != secret) == (made["id"], True)
    assert reason(owner, secret) == "key_not_found"
    assert reason(owner, rotated["key"]) is None

    gone = data_of(owner.send("DELETE", path_of(made)), 200)
    assert gone == {"id": made["id"], "name": "renamed", "deleted": True}
    assert reason(owner, rotated["key"]) == "key_not_found"
    for method, where in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = owner.send(method, path_of(made) + where, {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")


def test_rotation_with_grace_leaves_two_secrets_at_most(owner: Admin) -> None:
    made = make_gate_key(owner)
    secrets = [made["key"]]
    for _ in range(2):
        answer = owner.send("POST", f"{path_of(made)}/rotate", {"graceSeconds": 3600})
        secrets.append(data_of(answer, 200)["key"])
    assert [reason(owner, one) for one in secrets] == ["key_not_found", None, None]
    assert problems_of(owner.send("POST", f"{path_of(made)}/rotate", {"graceSeconds": 604801})) == [
        ["graceSeconds"]
    ]


def test_a_gate_key_opens_nothing_of_gatepost_and_the_other_way_round(owner: Admin) -> None:
    gate_key = make_gate_key(owner, scopes=["*"])["key"]
    assert owner.ping(gate_key) == 401
    assert owner.ping(owner.wire.key or "") == 200
    assert reason(owner, owner.wire.key or "") == "key_not_found"
    assert reason(owner, owner.make()["key"]) == "key_not_found"


def test_the_secret_is_shown_once(owner: Admin) -> None:
    once, body = unique("once"), {"name": unique("key"), "projectId": owner.project}
    made = data_of(owner.send("POST", KEYS, body, once), 201)
    again = refusal_of(
        owner.send("POST", KEYS, body, once), 409, "idempotency_conflict", "Idempotency conflict"
    )
    assert again["data"] == {"id": made["id"]}
    pages = [
        owner.wire.get(path).text
        for path in (path_of(made), f"{KEYS}?limit=100", "/v1/audit?limit=100")
    ]
    assert all(made["id"] in page and made["key"] not in page for page in pages)


def test_no_secret_is_where_the_data_are(roomy: Server, owner: Admin) -> None:
    secrets = [make_gate_key(owner)["key"]]
    assert reason(owner, secrets[0], dryRun=True) is None
    owner.send("POST", "/v1/gate/check", {"key": secrets[0]}, unique("once"))
    folder = roomy.data if on_sqlite() else postgres().folder
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Gatepost" in kept
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_lists_come_in_pages_newest_first_and_filtered(fresh: Admin) -> None:
    customer, other = make_customer(fresh)["id"], fresh.make_project()["id"]
    mine = [make_gate_key(fresh)["id"] for _ in range(3)]
    elsewhere = make_gate_key(fresh, projectId=other)["id"]
    bound = make_gate_key(fresh, customerId=customer)["id"]
    assert listed(fresh) == [bound, elsewhere, *mine[::-1]]
    assert listed(fresh, f"project={other}") == [elsewhere]
    assert listed(fresh, f"customer={customer}") == [bound]
    assert listed(fresh, f"project={other}&customer={customer}") == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"prefix": ""}, ["prefix"]),
        ({"prefix": "x" * 17}, ["prefix"]),
        ({"prefix": "Acme"}, ["prefix"]),
        ({"prefix": "gp_live"}, ["prefix"]),
        ({"prefix": "emmi_sk"}, ["prefix"]),
        ({"prefix": "evk_x"}, ["prefix"]),
        ({"scopes": ["ok", "Not"]}, ["scopes", 1]),
        ({"scopes": ["x" * 65]}, ["scopes", 0]),
        ({"scopes": ["x"] * 51}, ["scopes"]),
        ({"limits": [{"limit": 1, "seconds": 60}, {"limit": 2, "seconds": 60}]}, ["limits"]),
        ({"limit": "many"}, ["limit"]),
        ({"quota": {"limit": -1, "period": "day"}}, ["quota", "limit"]),
        ({"quota": {"limit": 1, "period": "week"}}, ["quota", "period"]),
        ({"quota": {"limit": 1, "period": "day", "timezone": "Mars"}}, ["quota", "timezone"]),
        ({"metadata": {"x": "y" * 4096}}, ["metadata"]),
        ({"customerId": f"customer_{NOBODY}"}, ["customerId"]),
        ({"customerId": "nobody"}, ["customerId"]),
        ({"projectId": f"project_{NOBODY}"}, ["projectId"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"allowFrom": []}, ["allowFrom"]),
    ],
)
def test_faulty_keys_are_refused_with_the_path(
    owner: Admin, body: dict[str, Any], path: list[Any]
) -> None:
    assert problems_of(refused_gate_key(owner, **body)) == [path]


def test_the_only_project_is_meant_and_of_several_one_must_be_named(fresh: Admin) -> None:
    made = data_of(fresh.send("POST", KEYS, {"name": "one"}), 201)
    assert made["projectId"] == fresh.project
    fresh.make_project()
    assert problems_of(fresh.send("POST", KEYS, {"name": "two"})) == [["projectId"]]


def test_another_accounts_keys_and_customers_are_not_found(owner: Admin, stranger: Admin) -> None:
    made = make_gate_key(owner)
    for method, where in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = stranger.send(method, path_of(made) + where, {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")
    assert made["id"] not in listed(stranger)
    foreign = make_customer(stranger)["id"]
    assert problems_of(refused_gate_key(owner, customerId=foreign)) == [["customerId"]]
    assert problems_of(refused_gate_key(owner, projectId=stranger.project)) == [["projectId"]]
    assert reason(owner, made["key"]) is None


def test_a_bound_key_knows_its_projects_gate_keys_alone(fresh: Admin) -> None:
    other = fresh.make_project()["id"]
    bound = fresh.using(fresh.make(projectId=fresh.project)["key"])
    mine, theirs = make_gate_key(fresh), make_gate_key(fresh, projectId=other)
    assert listed(bound) == [mine["id"]]
    refusal_of(bound.wire.get(f"{KEYS}?project={other}"), 404, "not_found", "Not found")
    refusal_of(bound.wire.get(path_of(theirs)), 404, "not_found", "Not found")
    refusal_of(bound.send("DELETE", path_of(theirs)), 404, "not_found", "Not found")
    assert problems_of(refused_gate_key(bound, projectId=other)) == [["projectId"]]
    assert reason(bound, mine["key"]) is None
    assert reason(bound, theirs["key"]) == "key_not_found"
    assert reason(fresh, theirs["key"]) is None


def test_gate_keys_end_with_their_project(fresh: Admin) -> None:
    other = fresh.make_project()["id"]
    secret = make_gate_key(fresh, projectId=other)["key"]
    assert reason(fresh, secret) is None
    data_of(fresh.send("DELETE", f"/v1/projects/{other}"), 200)
    assert reason(fresh, secret) == "key_not_found"
    assert listed(fresh) == []


@pytest.mark.parametrize(
    ("scope", "reads", "writes", "checks"),
    [
        ("gate-keys:read", 200, 403, 403),
        ("gate-keys:write", 403, 201, 403),
        ("gate:check", 403, 403, 200),
        ("data", 403, 403, 200),
        ("read", 200, 403, 403),
        ("keys:write", 403, 403, 403),
    ],
)
def test_each_call_needs_its_scope(
    owner: Admin, scope: str, reads: int, writes: int, checks: int
) -> None:
    narrow = owner.using(owner.make(scopes=[scope])["key"])
    assert narrow.wire.get(KEYS).status_code == reads
    assert refused_gate_key(narrow).status_code == writes
    assert narrow.send("POST", "/v1/gate/check", {"key": "none"}).status_code == checks


def test_every_change_is_audited(fresh: Admin) -> None:
    made = make_gate_key(fresh)
    change_gate_key(fresh, made, enabled=False)
    change_gate_key(fresh, made, enabled=False)
    fresh.send("POST", f"{path_of(made)}/rotate")
    fresh.send("DELETE", path_of(made))
    entries = fresh.all_of("/v1/audit", "entries", 50)
    mine = [one for one in entries if one["object"] == made["id"]]
    actions = [one["action"].removeprefix("gate-key.") for one in mine]
    assert actions == ["delete", "rotate", "update", "create"]
    assert (mine[2]["before"], mine[2]["after"]) == ({"enabled": True}, {"enabled": False})


def test_a_limit_and_a_quota_hold_at_once_when_they_are_changed(owner: Admin) -> None:
    made = make_gate_key(owner, limit="2/60s", quota={"limit": 3, "period": "month"})
    assert [reason(owner, made["key"]) for _ in range(3)] == [None, None, "rate_limited"]
    change_gate_key(owner, made, limit="100/60s")
    assert [reason(owner, made["key"]) for _ in range(2)] == [None, "quota_exceeded"]
    change_gate_key(owner, made, quota={"limit": 4, "period": "month"})
    assert [reason(owner, made["key"]) for _ in range(2)] == [None, "quota_exceeded"]
    change_gate_key(owner, made, quota=None)
    assert reason(owner, made["key"]) is None


def test_an_end_in_the_past_cannot_be_set_but_one_ahead_can(owner: Admin) -> None:
    made = make_gate_key(owner)
    answer = owner.send("PATCH", path_of(made), {"expiresAt": instant(days=-1)})
    assert problems_of(answer) == [["expiresAt"]]
    assert change_gate_key(owner, made, expiresAt=instant(days=1))["expiresAt"]
    assert reason(owner, made["key"]) is None
