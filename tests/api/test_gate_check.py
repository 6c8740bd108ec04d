"""Checks: every reason, their order, what is charged, and what is left alone."""

from collections import Counter
from typing import Any

import httpx2
import pytest

from tests.api.admin import NOBODY, Admin, Hammer, instant
from tests.api.gates import (
    CHECK,
    KEYS,
    change_gate_key,
    check,
    check_many,
    make_customer,
    make_gate_key,
    reason,
)
from tests.dialects.native.wire import REPLAY, at_once, problems_of, refusal_of
from tests.server import Server, unique
from tests.waiting import wait_for


def used(server: Server, key: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What was metered of a gate key: route, status, requests, units."""
    return server.query(
        "SELECT route, status, sum(requests), sum(units) FROM usage_lines WHERE key_id = ?"
        " GROUP BY route, status ORDER BY route, status",
        bytes.fromhex(key["id"].removeprefix("gatekey_")),
    )


def quota_of(found: dict[str, Any], name: str = "key") -> int:
    (one,) = [quota for quota in found["quotas"] if quota["name"] == name]
    return int(one["remaining"])


def limit_of(found: dict[str, Any]) -> int:
    (one,) = found["limits"]
    return int(one["remaining"])


# What is answered


def test_an_allowed_check_tells_whose_key_it_is_and_what_is_left(owner: Admin) -> None:
    made = make_gate_key(
        owner,
        scopes=["estimates:*"],
        limit="5/60s",
        quota={"limit": 10, "period": "month"},
        metadata={"user": "ada"},
        expiresAt="2091-01-01T00:00:00Z",
    )
    found = check(owner, made["key"], scope="estimates:write", route="POST /estimates", cost=3)
    assert (found["allowed"], found["reason"], found["message"]) == (True, None, None)
    assert found["retryAfter"] is None
    assert found["key"] == {
        "id": made["id"],
        "name": made["name"],
        "scopes": ["estimates:*"],
        "metadata": {"user": "ada"},
        "customerId": None,
        "expiresAt": "2091-01-01T00:00:00.000Z",
    }
    (limit,) = found["limits"]
    assert (limit["name"], limit["limit"], limit["remaining"]) == ("5-60s", 5, 4)
    (quota,) = found["quotas"]
    assert (quota["name"], quota["limit"], quota["remaining"]) == ("key", 10, 7)
    assert quota["resetAt"].endswith("-01T00:00:00.000Z")


def test_a_key_without_anything_is_allowed(owner: Admin) -> None:
    found = check(owner, make_gate_key(owner)["key"])
    assert (found["allowed"], found["limits"], found["quotas"]) == (True, [], [])


@pytest.mark.parametrize("secret", ["", "nonsense", "key_" + "x" * 32, "ü" * 36, "key_" + "x" * 99])
def test_a_key_that_cannot_be_is_not_found(owner: Admin, secret: str) -> None:
    found = check(owner, secret)
    assert (found["allowed"], found["reason"], found["key"]) == (False, "key_not_found", None)
    assert found["message"]


def test_malformed_unknown_and_revoked_keys_cannot_be_told_apart(
    owner: Admin, stranger: Admin
) -> None:
    made = make_gate_key(owner)
    owner.send("DELETE", f"{KEYS}/{made['id']}")
    foreign = make_gate_key(stranger)["key"]
    told = [check(owner, one) for one in ("nonsense", made["key"], foreign)]
    assert told[0] == told[1] == told[2]
    assert reason(stranger, foreign) is None


@pytest.mark.parametrize(
    ("scopes", "granted", "missing"),
    [
        ([], [], ["estimates:read", "x"]),
        (["*"], ["estimates:read", "x"], []),
        (
            ["estimates:*"],
            ["estimates:read", "estimates:a/b"],
            ["estimates", "Estimates:a", "x", ""],
        ),
        (["estimates:read", "x"], ["estimates:read", "x"], ["estimates:reader", "y"]),
    ],
)
def test_scopes_grant_what_they_name_or_begin(
    owner: Admin, scopes: list[str], granted: list[str], missing: list[str]
) -> None:
    secret = make_gate_key(owner, scopes=scopes)["key"]
    assert reason(owner, secret) is None
    assert {reason(owner, secret, scope=one) for one in granted} <= {None}
    assert {reason(owner, secret, scope=one) for one in missing} <= {"scope_missing"}


def test_reasons_come_in_their_order(owner: Admin) -> None:
    """A key with which everything is wrong, put right step by step."""
    bound, other = make_customer(owner), make_customer(owner, name="other")["id"]
    made = make_gate_key(
        owner, customerId=bound["id"], limit="1/60s", quota={"limit": 0, "period": "month"}
    )
    soon = instant(seconds=1)
    change_gate_key(owner, made, expiresAt=soon, enabled=False)
    owner.send("PATCH", f"/v1/customers/{bound['id']}", {"status": "inactive"})
    secret = made["key"]
    wrong = {"scope": "a:b", "customer": other}
    assert reason(owner, f"{secret}x", **wrong) == "key_not_found"
    assert reason(owner, secret, **wrong) == "key_disabled"
    change_gate_key(owner, made, enabled=True)
    wait_for(lambda: reason(owner, secret, **wrong) == "key_expired", "the end of the key")
    change_gate_key(owner, made, expiresAt=None)
    assert reason(owner, secret, **wrong) == "scope_missing"
    change_gate_key(owner, made, scopes=["a:*"])
    assert reason(owner, secret, **wrong) == "customer_not_found"
    assert reason(owner, secret, scope="a:b") == "customer_inactive"
    owner.send("PATCH", f"/v1/customers/{bound['id']}", {"status": "active"})
    assert reason(owner, secret, scope="a:b") == "quota_exceeded"  # nothing was charged before
    assert reason(owner, secret, scope="a:b") == "rate_limited"
    change_gate_key(owner, made, limits=[], quota=None)
    assert reason(owner, secret, scope="a:b") is None


def test_a_check_may_name_a_customer(owner: Admin, stranger: Admin) -> None:
    secret = make_gate_key(owner)["key"]
    mine, foreign = make_customer(owner)["id"], make_customer(stranger)["id"]
    digits = mine.removeprefix("customer_")
    uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    assert [reason(owner, secret, customer=one) for one in (mine, uuid, uuid.upper())] == [None] * 3
    for nobody in (foreign, f"customer_{NOBODY}", NOBODY, "nonsense", ""):
        assert reason(owner, secret, customer=nobody) == "customer_not_found", nobody


def test_a_bound_keys_customer_counts_and_no_other(owner: Admin) -> None:
    bound, other = make_customer(owner)["id"], make_customer(owner)["id"]
    made = make_gate_key(owner, customerId=bound)
    assert reason(owner, made["key"]) is None
    assert reason(owner, made["key"], customer=bound) is None
    assert reason(owner, made["key"], customer=other) == "customer_not_found"
    assert check(owner, made["key"])["key"]["customerId"] == bound


# What is charged


def test_costs_are_charged_until_the_quota_is_used_up(roomy: Server, owner: Admin) -> None:
    made = make_gate_key(owner, quota={"limit": 10, "period": "month"})
    ask: dict[str, Any] = {"route": "POST /estimates", "cost": 4}
    assert [quota_of(check(owner, made["key"], **ask)) for _ in range(2)] == [6, 2]
    refused = check(owner, made["key"], **ask)
    assert (refused["reason"], quota_of(refused)) == ("quota_exceeded", 2)
    assert refused["retryAfter"] >= 1
    assert quota_of(check(owner, made["key"], cost=2)) == 0
    assert reason(owner, made["key"], cost=0) is None
    route = "gate:POST /estimates"
    assert used(roomy, made) == [
        ("gate", 200, 2, 2),
        (route, 200, 2, 8),
        (route, 429, 1, 0),
    ]


def test_what_is_refused_is_metered_without_units(roomy: Server, owner: Admin) -> None:
    made = make_gate_key(owner, limit="1/60s")
    check(owner, made["key"], scope="not:mine", cost=5)
    check(owner, made["key"], cost=7)
    check(owner, made["key"], cost=9)
    assert used(roomy, made) == [
        ("gate", 200, 1, 7),
        ("gate", 403, 1, 0),
        ("gate", 429, 1, 0),
    ]


def test_quotas_of_key_and_customer_are_charged_together_or_not_at_all(owner: Admin) -> None:
    customer = make_customer(owner)["id"]
    quota = {"metric": "units", "limit": 5, "period": "month", "mode": "hard"}
    assert owner.send("PUT", f"/v1/customers/{customer}/quota", quota).status_code == 200
    made = make_gate_key(owner, customerId=customer, quota={"limit": 7, "period": "month"})
    found = check(owner, made["key"], cost=3)
    assert (quota_of(found), quota_of(found, "customer")) == (4, 2)
    refused = check(owner, made["key"], cost=3)
    assert refused["reason"] == "quota_exceeded"
    assert (quota_of(refused), quota_of(refused, "customer")) == (4, 2)
    other = make_gate_key(owner, customerId=customer)
    assert reason(owner, other["key"], cost=2) is None
    assert reason(owner, made["key"], cost=1) == "quota_exceeded"


def test_a_dry_run_changes_nothing(roomy: Server, owner: Admin) -> None:
    made = make_gate_key(owner, limit="2/60s", quota={"limit": 5, "period": "month"})
    for _ in range(5):
        found = check(owner, made["key"], cost=5, dryRun=True)
        assert (found["allowed"], limit_of(found), quota_of(found)) == (True, 2, 5)
    assert reason(owner, made["key"], cost=6, dryRun=True) == "quota_exceeded"
    assert used(roomy, made) == []
    assert owner.get(f"{KEYS}/{made['id']}")["lastUsedAt"] is None
    found = check(owner, made["key"], cost=5)
    assert (found["allowed"], limit_of(found), quota_of(found)) == (True, 1, 0)


def test_windows_roll(owner: Admin) -> None:
    secret = make_gate_key(owner, limit="2/3s")["key"]
    told = [check(owner, secret) for _ in range(2)]
    assert [limit_of(one) for one in told] == [1, 0]
    refused = check(owner, secret)
    assert refused["reason"] == "rate_limited"
    assert refused["retryAfter"] in {1, 2, 3}
    wait_for(lambda: reason(owner, secret) is None, "room in the window")


def test_the_windows_of_a_key_are_its_own(owner: Admin) -> None:
    first, second = (make_gate_key(owner, limit="1/60s")["key"] for _ in range(2))
    assert [reason(owner, one) for one in (first, second)] == [None, None]
    assert [reason(owner, one) for one in (first, second)] == ["rate_limited"] * 2


# Many at once


def test_a_batch_is_checked_in_order_and_charged_as_it_goes(roomy: Server, owner: Admin) -> None:
    made = make_gate_key(owner, quota={"limit": 5, "period": "month"})
    free, bound = make_gate_key(owner)["key"], make_customer(owner)["id"]
    secret = made["key"]
    found = check_many(
        owner,
        {"key": secret, "cost": 3},
        {"key": "nonsense"},
        {"key": secret, "cost": 3},
        {"key": secret, "cost": 2, "dryRun": True},
        {"key": free, "customer": bound},
        {"key": secret, "cost": 2, "route": "r"},
        {"key": secret, "scope": "not:mine"},
    )
    assert [one["reason"] for one in found] == [
        None, "key_not_found", "quota_exceeded", None, None, None, "scope_missing",
    ]  # fmt: skip
    assert [quota_of(found[at]) for at in (0, 2, 3, 5)] == [2, 2, 2, 0]
    assert used(roomy, made) == [
        ("gate", 200, 1, 3), ("gate", 403, 1, 0), ("gate", 429, 1, 0), ("gate:r", 200, 1, 2),
    ]  # fmt: skip


def test_a_batch_has_one_to_a_hundred_checks(owner: Admin) -> None:
    assert len(check_many(owner, *[{"key": "none"}] * 100)) == 100
    for count in (0, 101):
        answer = owner.send("POST", f"{CHECK}/batch", {"checks": [{"key": "none"}] * count})
        assert problems_of(answer) == [["checks"]]
    answer = owner.send("POST", f"{CHECK}/batch", {"checks": [{"key": "none"}, {"cost": 1}]})
    assert problems_of(answer) == [["checks", 1]]


def test_repeated_checks_are_charged_once(roomy: Server, owner: Admin) -> None:
    made = make_gate_key(owner, limit="100/60s", quota={"limit": 5, "period": "month"})
    once, body = unique("once"), {"key": made["key"], "cost": 2}
    first = owner.send("POST", CHECK, body, once)
    for _ in range(3):
        again = owner.send("POST", CHECK, body, once)
        assert (again.content, again.headers[REPLAY]) == (first.content, "true")
    several, many = unique("once"), {"checks": [body]}
    batches = [owner.send("POST", f"{CHECK}/batch", many, several) for _ in range(3)]
    assert len({one.content for one in batches}) == 1
    found = check(owner, made["key"], dryRun=True)
    assert quota_of(found) == 1
    assert limit_of(found) == 100 - 4 - 3  # repetitions count in the windows
    assert used(roomy, made) == [("gate", 200, 2, 4)]
    changed = owner.send("POST", CHECK, body | {"cost": 1}, once)
    refusal_of(changed, 409, "idempotency_conflict", "Idempotency conflict")


def test_a_remembered_answer_comes_back_though_the_key_has_ended(owner: Admin) -> None:
    made, once = make_gate_key(owner), unique("once")
    first = owner.send("POST", CHECK, {"key": made["key"]}, once)
    owner.send("DELETE", f"{KEYS}/{made['id']}")
    assert owner.send("POST", CHECK, {"key": made["key"]}, once).content == first.content
    assert reason(owner, made["key"]) == "key_not_found"


def test_64_clients_are_granted_exactly_the_quota(owner: Admin) -> None:
    units = 150
    made = make_gate_key(owner, quota={"limit": units, "period": "month"})

    def ask(number: int) -> list[tuple[str | None, int]]:
        costs = [number % 3 + 1] * 4
        return [(reason(owner, made["key"], cost=cost), cost) for cost in costs]

    told = [one for several in at_once(64, ask) for one in several]
    granted = sum(cost for why, cost in told if why is None)
    last = [reason(owner, made["key"]) for _ in range(units - granted + 1)]
    assert last == [None] * (units - granted) + ["quota_exceeded"]
    assert units - granted < 3
    assert Counter(why for why, _ in told).keys() == {None, "quota_exceeded"}


def test_a_race_cannot_pass_a_window(owner: Admin) -> None:
    secret = make_gate_key(owner, limit="20/60s")["key"]
    told = Counter(at_once(64, lambda _: reason(owner, secret)))
    assert told == {None: 20, "rate_limited": 44}


# What ends


@pytest.mark.timeout(60)
def test_an_ended_key_is_refused_at_once(owner: Admin) -> None:
    made = make_gate_key(owner)

    def attempt() -> int:
        return 200 if reason(owner, made["key"]) is None else 401

    def rotate() -> httpx2.Response:
        return owner.send("POST", f"{KEYS}/{made['id']}/rotate")

    def disable() -> dict[str, Any]:
        return change_gate_key(owner, made, enabled=False)

    assert set(Hammer(attempt, threads=8).around(disable)) == {401}
    change_gate_key(owner, made, enabled=True)
    assert set(Hammer(attempt, threads=8).around(rotate)) == {401}


def test_an_inactive_customer_is_refused_at_once(owner: Admin) -> None:
    customer, secret = make_customer(owner)["id"], make_gate_key(owner)["key"]
    assert reason(owner, secret, customer=customer) is None
    owner.send("PATCH", f"/v1/customers/{customer}", {"status": "inactive"})
    assert reason(owner, secret, customer=customer) == "customer_inactive"
    owner.send("PATCH", f"/v1/customers/{customer}", {"status": "active"})
    assert reason(owner, secret, customer=customer) is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["key"]),
        ({"key": 1}, ["key"]),
        ({"key": "x", "cost": -1}, ["cost"]),
        ({"key": "x", "cost": 1_000_001}, ["cost"]),
        ({"key": "x", "scope": "x" * 65}, ["scope"]),
        ({"key": "x", "route": "x" * 201}, ["route"]),
        ({"key": "x", "dryrun": True}, ["dryrun"]),
        ({"key": "x", "route": "a\0b"}, ["route"]),
    ],
)
def test_faulty_checks_are_refused_with_the_path(
    owner: Admin, body: dict[str, Any], path: list[Any]
) -> None:
    assert problems_of(owner.send("POST", CHECK, body)) == [path]
