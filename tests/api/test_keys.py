"""Keys over HTTP: every format, made, taken over, listed, read."""

import re
import secrets
import threading
import zlib
from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin
from tests.backends import on_sqlite, postgres
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique

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


def test_no_secret_is_where_the_data_are(roomy: Server, owner: Admin) -> None:
    made = [owner.make(format=one)["key"] for one in FORMATS]
    made.append(owner.rotate(owner.make()["id"], 60)["key"])
    folder = roomy.data if on_sqlite() else postgres().folder
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
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
        ({"allowfrom": ["10.0.0.1"]}, ["allowfrom"]),
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
