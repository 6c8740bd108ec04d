"""Keys over HTTP: every format through its whole life, and what no key may do."""

import re
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gatepost.dialects import DIALECTS
from gatepost.gate.scopes import PRESETS, Scope
from gatepost.web.contract import Endpoint
from tests.api.admin import NOBODY, Admin, Hammer, without_id
from tests.dialects.native.wire import Wire, an_event, data_of, problems_of, refusal_of
from tests.server import Server, unique, wait_for

CHECKED = {
    "native": "gp_live_",
    "native-test": "gp_test_",
    "emitkit": "emitkit_",
    "eventicat": "evk_",
    "emailit": "em_live_",
}
HEXADECIMAL = {"notifykit": "nh_", "emmi": "emmi_sk_"}
FORMATS = [*CHECKED, *HEXADECIMAL]
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(value: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        value, digit = divmod(value, 62)
        text = BASE62[digit] + text
    return text


def instant(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


# Formats and life


@pytest.mark.parametrize(("key_format", "prefix"), CHECKED.items())
def test_checked_formats_carry_26_random_letters_and_their_crc(
    owner: Admin, key_format: str, prefix: str
) -> None:
    made = [owner.make(format=key_format)["key"] for _ in range(3)]
    assert len(set(made)) == 3
    for secret in made:
        assert re.fullmatch(re.escape(prefix) + r"[0-9A-Za-z]{32}", secret), secret
        assert secret[-6:] == base62(zlib.crc32(secret[:-6].encode()), 6)


@pytest.mark.parametrize(("key_format", "prefix"), HEXADECIMAL.items())
def test_hexadecimal_formats_carry_256_random_bits(
    owner: Admin, key_format: str, prefix: str
) -> None:
    made = [owner.make(format=key_format)["key"] for _ in range(3)]
    assert len(set(made)) == 3
    for secret in made:
        assert re.fullmatch(re.escape(prefix) + r"[0-9a-f]{64}", secret), secret


@pytest.mark.parametrize("key_format", FORMATS)
def test_a_whole_life(owner: Admin, key_format: str) -> None:
    made = owner.make(format=key_format, scopes=["events"], metadata={"team": "shop"})
    key_id, secret = made["id"], made["key"]
    path = f"/v1/keys/{key_id}"
    assert owner.ping(secret) == 200
    read = owner.get(path)
    assert read == {name: value for name, value in made.items() if name != "key"}
    assert secret.startswith(read["start"])
    assert len(read["start"]) <= len("emmi_sk_") + 4
    assert key_id in {one["id"] for one in owner.get("/v1/keys?limit=100")["keys"]}

    renamed = owner.change(key_id, name=unique("renamed"), metadata={})
    assert owner.get(path) == renamed
    assert renamed["updatedAt"] >= read["updatedAt"]
    assert renamed["metadata"] == {}

    owner.change(key_id, enabled=False)
    assert owner.ping(secret) == 401
    owner.change(key_id, enabled=True)
    assert owner.ping(secret) == 200

    rotated = owner.rotate(key_id)
    assert (rotated["id"], rotated["format"]) == (key_id, key_format)
    assert owner.ping(secret) == 401
    assert owner.ping(rotated["key"]) == 200

    gone = owner.delete(key_id)
    assert gone == {"id": key_id, "name": renamed["name"], "deleted": True}
    assert owner.ping(rotated["key"]) == 401
    for method, where in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = owner.send(method, path + where, {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")


def test_the_secret_is_shown_once(owner: Admin) -> None:
    once = unique("once")
    body = {"name": unique("key")}
    made = data_of(owner.send("POST", "/v1/keys", body, once), 201)
    again = refusal_of(
        owner.send("POST", "/v1/keys", body, once), 409, "idempotency_conflict",
        "Idempotency conflict",
    )  # fmt: skip
    assert again["data"] == {"id": made["id"]}
    pages = [
        owner.wire.get(path).text
        for path in (f"/v1/keys/{made['id']}", "/v1/keys?limit=100", "/v1/audit?limit=100")
    ]
    assert all(made["id"] in page and made["key"] not in page for page in pages)

    turn = unique("once")
    rotated = data_of(owner.send("POST", f"/v1/keys/{made['id']}/rotate", None, turn), 200)
    repeat = owner.send("POST", f"/v1/keys/{made['id']}/rotate", None, turn)
    assert (repeat.status_code, repeat.json()["data"]) == (409, {"id": made["id"]})
    assert owner.ping(rotated["key"]) == 200, "the repeat must not have rotated again"


def test_no_secret_is_in_the_data_folder(roomy: Server, owner: Admin) -> None:
    made = [owner.make(format=one)["key"] for one in FORMATS]
    made.append(owner.rotate(owner.make()["id"], 60)["key"])
    kept = b"".join(path.read_bytes() for path in roomy.data.rglob("*") if path.is_file())
    assert b"Gatepost" in kept
    assert not [secret for secret in made if secret.encode() in kept]


def test_names_are_unique_in_an_account(owner: Admin, stranger: Admin) -> None:
    first = owner.make()
    existing = {"id": first["id"], "name": first["name"]}
    taken = refusal_of(owner.refused(name=first["name"]), 409, "conflict", "Conflict")
    assert taken["data"] == {"existing": existing}
    other = owner.make()
    path = f"/v1/keys/{other['id']}"
    taken = refusal_of(
        owner.send("PATCH", path, {"name": first["name"]}), 409, "conflict", "Conflict"
    )
    assert taken["data"] == {"existing": existing}
    assert owner.change(first["id"], name=first["name"])["name"] == first["name"]
    stranger.make(name=first["name"])
    owner.delete(first["id"])
    owner.make(name=first["name"])


def test_concurrent_creates_of_one_name_make_one_key(owner: Admin) -> None:
    name, barrier = unique("key"), threading.Barrier(8)
    found: list[int] = []

    def create() -> None:
        barrier.wait()
        found.append(owner.refused(name=name).status_code)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [201, *[409] * 7]


# Import


@pytest.mark.parametrize("prefix", ["secret_", "em_live_", "gp_live_", "", "acme_"])
def test_imported_secrets_work_and_never_come_back(owner: Admin, prefix: str) -> None:
    secret = prefix + secrets.token_hex(16)
    made = owner.make(secret=secret, scopes=["read"])
    assert "key" not in made
    assert not made["start"].endswith(secret[-6:])
    assert owner.ping(secret) == 200
    refusal_of(owner.refused(secret=secret), 409, "conflict", "Conflict")
    owner.delete(made["id"])
    assert owner.ping(secret) == 401
    refusal_of(owner.refused(secret=secret), 409, "conflict", "Conflict")


def test_a_deleted_or_rotated_secret_cannot_be_imported(owner: Admin, stranger: Admin) -> None:
    made = owner.make()
    rotated = owner.rotate(made["id"])
    owner.delete(made["id"])
    for secret in (made["key"], rotated["key"]):
        for admin in (owner, stranger):
            refusal_of(admin.refused(secret=secret), 409, "conflict", "Conflict")


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hunter2",
        "a" * 64,
        "0123456789abcdef" * 20,
        "0123456789abcdef",
        f"em_live_{'ab' * 20}",
        "x y" * 20,
        "é" * 60,
    ],
)
def test_weak_or_unusable_secrets_are_refused(owner: Admin, secret: str) -> None:
    answer = owner.refused(secret=secret)
    assert problems_of(answer) == [["secret"]]
    assert not secret or secret not in answer.text


def test_an_imported_key_rotates_into_its_format(owner: Admin) -> None:
    made = owner.make(secret=f"em_live_{secrets.token_hex(16)}")
    assert made["format"] == "emailit"
    assert owner.rotate(made["id"])["key"].startswith("em_live_")


# Rotation and expiry


def test_rotation_with_grace_keeps_two_secrets_and_never_three(owner: Admin) -> None:
    made = owner.make()
    second = owner.rotate(made["id"], 3600)["key"]
    assert [owner.ping(one) for one in (made["key"], second)] == [200, 200]
    third = owner.rotate(made["id"], 3600)["key"]
    assert [owner.ping(one) for one in (made["key"], second, third)] == [401, 200, 200]
    fourth = owner.rotate(made["id"])["key"]
    pings = [owner.ping(one) for one in (made["key"], second, third, fourth)]
    assert pings == [401, 401, 401, 200]


def test_grace_ends(owner: Admin) -> None:
    made = owner.make()
    began = time.monotonic()
    second = owner.rotate(made["id"], 1)["key"]
    wait_for(lambda: owner.ping(made["key"]) == 401, "the end of the grace")
    assert time.monotonic() - began >= 1
    assert owner.ping(second) == 200


def test_disabling_and_deleting_end_both_secrets(owner: Admin) -> None:
    made = owner.make()
    both = [made["key"], owner.rotate(made["id"], 3600)["key"]]
    owner.change(made["id"], enabled=False)
    assert [owner.ping(one) for one in both] == [401, 401]
    owner.change(made["id"], enabled=True)
    assert [owner.ping(one) for one in both] == [200, 200]
    owner.delete(made["id"])
    assert [owner.ping(one) for one in both] == [401, 401]


def test_the_old_secret_never_outlives_the_key(owner: Admin) -> None:
    made = owner.make(expiresAt=instant(seconds=1.5))
    assert owner.ping(made["key"]) == 200
    second = owner.rotate(made["id"], 3600)["key"]
    assert owner.ping(second) == 200
    wait_for(lambda: owner.ping(made["key"]) == 401, "the expiry")
    assert owner.ping(second) == 401
    later = owner.change(made["id"], expiresAt=None)
    assert later["expiresAt"] is None
    assert owner.ping(second) == 200
    assert owner.ping(made["key"]) == 401, "the grace ended with the expiry of its time"


@pytest.mark.parametrize("grace", [-1, 604_801, 1.5, "60", None])
def test_grace_has_bounds(owner: Admin, grace: Any) -> None:
    made = owner.make()
    answer = owner.send("POST", f"/v1/keys/{made['id']}/rotate", {"graceSeconds": grace})
    assert problems_of(answer) == [["graceSeconds"]]
    assert owner.ping(made["key"]) == 200


# What cannot be told apart


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
        owner.wire.using(None).send(
            "GET",
            "/v1/ping",
            headers={"Authorization": f"Bearer {one}".encode()},  # type: ignore[dict-item]
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


# Rights


def test_every_endpoint_asks_for_its_own_scope(owner: Admin) -> None:
    """One key per scope against every endpoint of every dialect's table."""
    wrong: list[str] = []
    for scope in sorted(PRESETS["full"]):
        secret = owner.make(scopes=[scope], projectId=owner.project)["key"]
        for endpoint in (one for dialect in DIALECTS for one in dialect.endpoints):
            allowed = endpoint.scope in {scope, Scope.ANY}
            answered = _try(owner, secret, endpoint)
            if (answered == "forbidden") is allowed or answered == "unauthorized":
                wrong.append(f"{scope}: {endpoint.method} {endpoint.path}: {answered}")
    assert not wrong


def _try(owner: Admin, secret: str, endpoint: Endpoint) -> str:
    """The code an empty request is refused with, or its status."""
    path = re.sub(r"\{[^}]*\}", f"key_{NOBODY}", endpoint.path)
    url, authorization = f"{owner.wire.address}{path}", {"Authorization": f"Bearer {secret}"}
    client = owner.wire.client
    with client.stream(endpoint.method, url, headers=authorization) as answer:
        if answer.is_success:
            return str(answer.status_code)
        answer.read()
        return str(answer.json()["code"])


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


def test_a_key_bound_to_a_project_sees_that_projects_keys_alone(owner: Admin) -> None:
    other = owner.make_project()
    elsewhere, unbound = owner.make(projectId=other["id"]), owner.make()
    bound = owner.using(owner.make(projectId=owner.project)["key"])
    mine = bound.make()
    assert mine["projectId"] == owner.project
    listed = bound.all_of("/v1/keys", "keys", 50)
    assert {one["projectId"] for one in listed} == {owner.project}
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


# Reading and validation


def test_lists_come_in_pages_newest_first(fresh: Admin) -> None:
    made = [fresh.make()["id"] for _ in range(7)]
    found = [one["id"] for one in fresh.all_of("/v1/keys", "keys", 3)]
    assert found[:7] == made[::-1]
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=%21", "cursor=AAAA"])
def test_bad_paging_is_refused(owner: Admin, query: str) -> None:
    assert problems_of(owner.wire.get(f"/v1/keys?{query}")) == [[query.partition("=")[0]]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "   "}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": 1}, ["name"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": ["full", "everything"]}, ["scopes", 1]),
        ({"format": "unheard-of"}, ["format"]),
        ({"projectId": f"project_{NOBODY}"}, ["projectId"]),
        ({"projectId": "nonsense"}, ["projectId"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "tomorrow"}, ["expiresAt"]),
        ({"limits": [{"limit": 0, "seconds": 60}]}, ["limits", 0, "limit"]),
        ({"limits": [{"limit": 1, "seconds": 60}, {"limit": 2, "seconds": 60}]}, ["limits"]),
        ({"limit": "many"}, ["limit"]),
        ({"limit": "0/60s"}, ["limit"]),
        ({"limit": "1/60s", "limits": []}, ["limit"]),
        ({"allowFrom": ["10.0.0.0/33"]}, ["allowFrom"]),
        ({"allowFrom": ["example.org"]}, ["allowFrom"]),
        ({"sendingDomain": "not a domain"}, ["sendingDomain"]),
        ({"metadata": {"x": "y" * 4096}}, ["metadata"]),
        ({"metadata": []}, ["metadata"]),
        ({"allowfrom": ["10.0.0.1"]}, []),
    ],
)
def test_faulty_keys_are_refused_with_the_path(
    owner: Admin, body: dict[str, Any], path: list[Any]
) -> None:
    assert problems_of(owner.refused(**body)) == [path]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, None),
        ({"limits": None}, None),
        ({"limits": []}, []),
        ({"limit": "off"}, []),
        ({"limit": "100/60s"}, [{"limit": 100, "seconds": 60}]),
        (
            {"limit": "2/1s,5000/1d"},
            [{"limit": 2, "seconds": 1}, {"limit": 5000, "seconds": 86400}],
        ),
        ({"limits": [{"limit": 7, "seconds": 9}]}, [{"limit": 7, "seconds": 9}]),
    ],
)
def test_limits_in_either_spelling(owner: Admin, given: dict[str, Any], shown: Any) -> None:
    made = owner.make(**given)
    assert made["limits"] == shown
    again = owner.make(limit="1/1s")
    changed = owner.change(again["id"], **(given or {"limits": None}))
    assert changed["limits"] == shown


def test_a_changed_limit_holds_at_once(owner: Admin) -> None:
    made = owner.make(limit="2/60s")
    assert [owner.ping(made["key"]) for _ in range(3)] == [200, 200, 429]
    owner.change(made["id"], limit="4/60s")
    assert [owner.ping(made["key"]) for _ in range(3)] == [200, 200, 429]
    owner.change(made["id"], limit="off")
    assert owner.ping(made["key"]) == 200


@pytest.mark.parametrize("scopes", [["full"], ["sending"], ["events"], ["people:erase"]])
def test_any_key_reads_itself(owner: Admin, scopes: list[str]) -> None:
    made = owner.make(scopes=scopes, limit="5/60s,100/1h")
    current = owner.using(made["key"]).get("/v1/keys/current")
    assert current["id"] == made["id"]
    assert "key" not in current
    assert current["plan"] == "unlimited"
    left = [(one["per"], one["limit"], one["remaining"]) for one in current["rateLimits"]]
    assert left == [("key", 5, 4), ("key", 100, 99)]
    again = owner.using(made["key"]).get("/v1/keys/current")
    assert [one["remaining"] for one in again["rateLimits"]] == [3, 98]


# Revocation

REVOCATIONS: dict[str, Callable[[Admin, dict[str, Any]], Any]] = {
    "disable": lambda owner, key: owner.change(key["id"], enabled=False),
    "rotate": lambda owner, key: owner.rotate(key["id"]),
    "delete": lambda owner, key: owner.delete(key["id"]),
    "other network": lambda owner, key: owner.change(key["id"], allowFrom=["192.0.2.1"]),
    "end of project": lambda owner, key: owner.send("DELETE", f"/v1/projects/{key['projectId']}"),
}


@pytest.mark.parametrize("how", REVOCATIONS)
def test_revocation_is_true_when_the_call_returns(owner: Admin, how: str) -> None:
    project = owner.make_project()
    key = owner.make(projectId=project["id"])
    hammer = Hammer(lambda: owner.ping(key["key"]))
    after = hammer.around(lambda: REVOCATIONS[how](owner, key))
    assert len(after) > 100
    assert set(after) == {403 if how == "other network" else 401}


def test_revocation_holds_against_caches_that_are_just_being_filled(owner: Admin) -> None:
    """Other changes empty the cache all the time, so that look-ups race with the revocation."""
    key, busy = owner.make(), owner.make()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            owner.change(busy["id"], metadata={"turn": secrets.token_hex(4)})

    churning = threading.Thread(target=churn)
    churning.start()
    try:
        after = Hammer(lambda: owner.ping(key["key"])).around(lambda: owner.delete(key["id"]))
    finally:
        stop.set()
        churning.join()
    assert len(after) > 100
    assert set(after) == {401}


def test_a_key_can_end_itself_once(owner: Admin) -> None:
    made = owner.make()
    itself = owner.using(made["key"])
    assert itself.delete(made["id"])["deleted"] is True
    refusal_of(itself.send("DELETE", f"/v1/keys/{made['id']}"), 401, "unauthorized", "Unauthorized")


# Addresses


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind a proxy on this machine, and one in 10.9.0.0/16."""
    trusted = {"GATEPOST_TRUSTED_PROXIES": "127.0.0.0/8, 10.9.0.0/16"}
    with Server(tmp_path_factory.mktemp("proxied") / "data", env=trusted) as server:
        yield server


@pytest.mark.parametrize(
    ("forwarded", "admitted"),
    [
        (["203.0.113.7"], True),
        (["203.0.114.7"], False),
        (["2001:db8::1"], True),
        (["2001:db9::1"], False),
        (["::ffff:203.0.113.7"], True),
        (["::ffff:198.51.100.9"], True),
        (["::ffff:198.51.100.10"], False),
        (["203.0.113.7, 10.9.1.1"], True),
        (["203.0.113.7", "10.9.1.1"], True),
        (["198.18.0.1, 203.0.113.7, 10.9.1.1"], True),
        (["203.0.113.7, 198.18.0.1"], False),
        (["203.0.113.7, 198.18.0.1, 10.9.1.1"], False),
        (["203.0.113.7", "198.18.0.1"], False),
        (["203.0.113.7, nonsense"], False),
        (["203.0.113.7,"], False),
        ([], False),
    ],
)
def test_networks_hold_behind_trusted_proxies(
    proxied: Server, http: httpx2.Client, forwarded: list[str], admitted: bool
) -> None:
    """`X-Forwarded-For` counts from its end, as far as the hops are trusted."""
    admin = _first(proxied, http)
    networks = ["203.0.113.0/24", "2001:db8::/32", "::ffff:198.51.100.9"]
    secret = admin.make(allowFrom=networks)["key"]
    headers = [("Authorization", f"Bearer {secret}")]
    headers += [("X-Forwarded-For", one) for one in forwarded]
    answer = http.get(f"{proxied.address}/v1/ping", headers=headers)
    assert answer.status_code == (200 if admitted else 403), answer.text


def _first(server: Server, http: httpx2.Client) -> Admin:
    return Admin(Wire(http, server.address, server.first_run_key), "", "")


@pytest.mark.parametrize("spoofed", ["203.0.113.7", "127.0.0.1, 203.0.113.7"])
def test_nobody_is_believed_without_a_trusted_proxy(owner: Admin, spoofed: str) -> None:
    far = owner.make(allowFrom=["203.0.113.0/24"])["key"]
    assert owner.ping(far, {"X-Forwarded-For": spoofed}) == 403
    near = owner.make(allowFrom=["127.0.0.1"])["key"]
    assert owner.ping(near, {"X-Forwarded-For": spoofed}) == 200


def test_last_use_is_kept(tmp_path: Path, http: httpx2.Client) -> None:
    with Server(tmp_path / "data") as server:
        admin = _first(server, http)
        made = admin.make()
        assert made["lastUsedAt"] is None
        assert admin.ping(made["key"]) == 200
        server.stop()
        server.start()
        read = _first(server, http).get(f"/v1/keys/{made['id']}")
    assert made["createdAt"] <= read["lastUsedAt"]
