"""Quotas of customers over HTTP: hard and soft, what they count, and thresholds told once each."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx2
import pytest

from tests.api.admin import NOBODY, Admin
from tests.dialects.native.wire import an_event, at_once, data_of, problems_of, refusal_of
from tests.server import unique
from tests.waiting import wait_for

PATH = "/v1/customers"
DAY = {"metric": "requests", "period": "day", "mode": "hard"}


def make(admin: Admin, **quota: Any) -> str:
    """A customer, with a quota if one is given."""
    body = {"identifier": unique("customer")}
    made = str(data_of(admin.send("POST", PATH, body), 201)["id"])
    if quota:
        put(admin, made, **quota)
    return made


def put(admin: Admin, customer_id: str, **quota: Any) -> dict[str, Any]:
    return data_of(admin.send("PUT", f"{PATH}/{customer_id}/quota", {**DAY, **quota}), 200)


def standing(admin: Admin, customer_id: str) -> dict[str, Any]:
    return admin.get(f"{PATH}/{customer_id}/quota")


def ask(admin: Admin, customer_id: str, **event: Any) -> httpx2.Response:
    return admin.wire.post("/v1/events", an_event(**event), named(admin, customer_id))


def named(admin: Admin, customer_id: str) -> dict[str, str]:
    return {"X-Customer-ID": customer_id, "X-Project-ID": admin.project}


def batch(admin: Admin, customer_id: str, size: int) -> httpx2.Response:
    body = {"events": [an_event() for _ in range(size)]}
    return admin.wire.post("/v1/events/batch", body, named(admin, customer_id))


def adjust(admin: Admin, customer_id: str, **body: Any) -> dict[str, Any]:
    path = f"{PATH}/{customer_id}/adjustments"
    return data_of(admin.send("POST", path, {"reason": "by hand", **body}), 201)


def notices(admin: Admin) -> list[str]:
    """Titles of what was told, oldest first."""
    return [one["title"] for one in reversed(admin.wire.events_in("usage"))]


def is_told(admin: Admin, titles: list[str]) -> bool:
    return notices(admin) == titles


# Hard


def test_a_hard_quota_admits_exactly_so_many_at_once(owner: Admin) -> None:
    customer_id = make(owner, limit=20)
    answers = at_once(64, lambda _: ask(owner, customer_id))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(429)) == (20, 44)
    remaining = [int(one.headers["X-Quota-Remaining"]) for one in answers if one.is_success]
    assert len(remaining) == 20
    assert min(remaining) == 0
    assert standing(owner, customer_id)["used"] == 20
    assert owner.get(f"{PATH}/{customer_id}/usage")["totals"]["requests"] == 20


def test_a_quota_that_is_used_up_says_so(owner: Admin) -> None:
    customer_id = make(owner, limit=1)
    first = ask(owner, customer_id)
    assert first.status_code == 201
    resets = int(datetime.fromisoformat(standing(owner, customer_id)["resetsAt"]).timestamp())
    shown = {name: first.headers[f"X-Quota-{name}"] for name in ("Limit", "Remaining", "Reset")}
    assert shown == {"Limit": "1", "Remaining": "0", "Reset": str(resets)}
    refused = ask(owner, customer_id)
    body = refusal_of(refused, 429, "quota_exceeded", "Quota exceeded")
    assert body["data"] == {
        "quota": "customer",
        "limit": 1,
        "used": 1,
        "requested": 1,
        "resets_at": resets * 1000,
    }
    left_s = resets - time.time()
    assert left_s - 5 <= int(refused.headers["Retry-After"]) <= left_s + 5
    assert standing(owner, customer_id)["used"] == 1


def test_a_refused_request_and_a_replay_cost_nothing(owner: Admin) -> None:
    customer_id = make(owner, limit=2)
    bad = owner.wire.post("/v1/events", {"title": "x"}, named(owner, customer_id))
    assert bad.status_code == 400
    once = {**named(owner, customer_id), "Idempotency-Key": unique("once")}
    event = an_event()
    for _ in range(3):
        assert owner.wire.post("/v1/events", event, once).status_code == 201
    assert standing(owner, customer_id)["used"] == 1


def test_for_another_customer_it_is_another_request(owner: Admin) -> None:
    first, second = make(owner, limit=9), make(owner, limit=9)
    event, once = an_event(), {"Idempotency-Key": unique("once")}
    done = owner.wire.post("/v1/events", event, once | named(owner, first))
    assert done.status_code == 201
    other = owner.wire.post("/v1/events", event, once | named(owner, second))
    refusal_of(other, 409, "idempotency_conflict", "Idempotency conflict")
    assert [standing(owner, one)["used"] for one in (first, second)] == [1, 0]


def test_units_are_what_a_request_is_worth(owner: Admin) -> None:
    customer_id = make(owner, metric="units", limit=10)
    assert batch(owner, customer_id, 7).status_code == 200
    assert batch(owner, customer_id, 4).status_code == 429
    assert batch(owner, customer_id, 3).status_code == 200
    assert ask(owner, customer_id).status_code == 429
    assert standing(owner, customer_id)["used"] == 10


def test_nobody_elses_quota_is_charged(owner: Admin) -> None:
    mine, other = make(owner, limit=1), make(owner, limit=1)
    assert ask(owner, mine).status_code == 201
    assert ask(owner, mine).status_code == 429
    assert ask(owner, other).status_code == 201
    unnamed = {"X-Project-ID": owner.project}
    assert owner.wire.post("/v1/events", an_event(), unnamed).status_code == 201


def test_a_quota_of_nothing_refuses_everything(owner: Admin) -> None:
    assert ask(owner, make(owner, limit=0)).status_code == 429


# Soft


def test_a_soft_quota_counts_on(owner: Admin) -> None:
    customer_id = make(owner, limit=2, mode="soft")
    for _ in range(3):
        answer = ask(owner, customer_id)
        assert answer.status_code == 201
        assert "X-Quota-Limit" not in answer.headers
    shown = standing(owner, customer_id)
    assert (shown["used"], shown["remaining"], shown["overage"]) == (3, 0, 1)


# Set, changed and removed


def test_a_quota_counts_what_was_used_before_it(owner: Admin) -> None:
    customer_id = make(owner)
    assert batch(owner, customer_id, 3).status_code == 200
    assert ask(owner, customer_id).status_code == 201
    assert put(owner, customer_id, limit=5)["used"] == 2
    assert put(owner, customer_id, limit=5, metric="units")["used"] == 4
    assert put(owner, customer_id, limit=5, metric="units", period="month")["used"] == 4
    assert ask(owner, customer_id).status_code == 201
    assert ask(owner, customer_id).status_code == 429


def test_a_change_holds_at_once(owner: Admin) -> None:
    customer_id = make(owner)
    assert ask(owner, customer_id).status_code == 201
    put(owner, customer_id, limit=1)
    assert ask(owner, customer_id).status_code == 429
    put(owner, customer_id, limit=2)
    assert ask(owner, customer_id).status_code == 201
    assert ask(owner, customer_id).status_code == 429
    put(owner, customer_id, limit=2, mode="soft")
    assert ask(owner, customer_id).status_code == 201
    put(owner, customer_id, limit=3)
    assert ask(owner, customer_id).status_code == 429
    gone = data_of(owner.send("DELETE", f"{PATH}/{customer_id}/quota"), 200)
    assert gone == {"customerId": customer_id, "deleted": True}
    assert ask(owner, customer_id).status_code == 201
    for method in ("GET", "DELETE"):
        answer = owner.send(method, f"{PATH}/{customer_id}/quota")
        refusal_of(answer, 404, "not_found", "Not found")


def test_a_quota_set_amid_requests_has_counted_all_of_them(owner: Admin) -> None:
    customer_id = make(owner)
    total = 48

    def one(number: int) -> int:
        if number == total:
            put(owner, customer_id, limit=1000)
            return 0
        return int(ask(owner, customer_id).status_code == 201)

    assert sum(at_once(total + 1, one)) == total
    wait_for(
        lambda: standing(owner, customer_id)["used"] == total,
        "those that came before the quota to be counted",
        timeout_s=60,
    )


def test_what_a_quota_is_made_of(owner: Admin) -> None:
    customer_id = make(owner)
    body = {"metric": "units", "limit": 7, "period": "month"}
    shown = data_of(owner.send("PUT", f"{PATH}/{customer_id}/quota", body), 200)
    resets = shown.pop("resetsAt")
    assert shown == {
        **body,
        "timezone": "UTC",
        "mode": "soft",
        "thresholds": [50, 80, 100],
        "used": 0,
        "remaining": 7,
        "overage": 0,
        "reached": [],
    }
    moment = datetime.fromisoformat(resets)
    now = datetime.now(UTC)
    assert (moment.day, moment.hour, moment.minute) == (1, 0, 0)
    assert 0 < (moment - now).days + 1 <= 31
    assert put(owner, customer_id, limit=1, thresholds=[90, 10, 90])["thresholds"] == [10, 90]


def test_periods_are_those_of_the_zone(owner: Admin) -> None:
    customer_id = make(owner, limit=1, timezone="Asia/Kathmandu")
    resets = datetime.fromisoformat(standing(owner, customer_id)["resetsAt"])
    assert (resets.hour, resets.minute) == (18, 15)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": 10**16}, "limit"),
        ({"limit": None}, "limit"),
        ({"metric": "bytes"}, "metric"),
        ({"period": "week"}, "period"),
        ({"period": "none"}, "period"),
        ({"mode": "firm"}, "mode"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"thresholds": [0]}, "thresholds"),
        ({"thresholds": [1001]}, "thresholds"),
        ({"thresholds": list(range(1, 12))}, "thresholds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_quota(owner: Admin, change: dict[str, Any], name: str) -> None:
    customer_id = make(owner)
    body = {**DAY, "limit": 1, **change}
    answer = owner.send("PUT", f"{PATH}/{customer_id}/quota", body)
    assert [problem[0] for problem in problems_of(answer)] == [name]
    assert owner.wire.get(f"{PATH}/{customer_id}/quota").status_code == 404


# Thresholds


def test_each_threshold_is_told_once(fresh: Admin) -> None:
    customer_id = make(fresh, limit=4, mode="soft", thresholds=[50, 75, 100, 150])
    name = fresh.get(f"{PATH}/{customer_id}")["name"]
    titles = [f"Quota at {at} %: {name}" for at in (50, 75, 100, 150)]
    for number in range(1, 8):
        assert ask(fresh, customer_id).status_code == 201
        due = titles[: sum(number * 100 >= 4 * at for at in (50, 75, 100, 150))]
        wait_for(partial(is_told, fresh, due), "what is due to be told")
    assert standing(fresh, customer_id)["reached"] == [50, 75, 100, 150]
    (first, *_) = reversed(fresh.wire.events_in("usage"))
    assert first["tags"] == ["quota"]
    assert first["notify"] is True
    shown = first["metadata"]
    start = datetime.fromisoformat(shown.pop("start"))
    assert (start.hour, start.minute) == (0, 0)
    assert shown == {
        "customerId": customer_id,
        "identifier": name,
        "metric": "requests",
        "limit": 4,
        "used": 2,
        "threshold": 50,
        "period": "day",
    }


def test_thresholds_crossed_together_are_told_each(fresh: Admin) -> None:
    customer_id = make(fresh, limit=10, metric="units", thresholds=[50, 80, 100])
    assert batch(fresh, customer_id, 9).status_code == 200
    wait_for(lambda: len(notices(fresh)) == 2, "two thresholds")
    assert [one.partition(":")[0] for one in notices(fresh)] == ["Quota at 50 %", "Quota at 80 %"]
    put(fresh, customer_id, limit=100, metric="units")
    put(fresh, customer_id, limit=10, metric="units")
    assert ask(fresh, customer_id).status_code == 201
    wait_for(lambda: len(notices(fresh)) == 3, "the last threshold")
    assert standing(fresh, customer_id)["reached"] == [50, 80, 100]


def test_what_is_reached_when_a_quota_is_set_is_told(fresh: Admin) -> None:
    customer_id = make(fresh)
    assert batch(fresh, customer_id, 9).status_code == 200
    assert put(fresh, customer_id, limit=10, metric="units")["reached"] == [50, 80]
    wait_for(lambda: len(notices(fresh)) == 2, "two thresholds")


def test_what_many_reach_at_once_is_told_once(fresh: Admin) -> None:
    customer_id = make(fresh, limit=30, thresholds=[50, 100])
    assert {one.status_code for one in at_once(40, lambda _: ask(fresh, customer_id))} == {201, 429}
    wait_for(lambda: len(notices(fresh)) == 2, "both thresholds")
    later = make(fresh, limit=1, thresholds=[100])
    assert ask(fresh, later).status_code == 201
    wait_for(lambda: len(notices(fresh)) >= 3, "what came after them")
    assert len(notices(fresh)) == 3


# Corrections


def test_a_correction_changes_what_is_left(owner: Admin) -> None:
    customer_id = make(owner, limit=2)
    for _ in range(2):
        assert ask(owner, customer_id).status_code == 201
    assert ask(owner, customer_id).status_code == 429
    made = adjust(owner, customer_id, requests=-1, reason=" a retry of ours ")
    assert (made["requests"], made["units"], made["reason"]) == (-1, 0, "a retry of ours")
    assert standing(owner, customer_id)["used"] == 1
    assert ask(owner, customer_id).status_code == 201
    assert ask(owner, customer_id).status_code == 429
    adjust(owner, customer_id, requests=-100)
    assert standing(owner, customer_id)["used"] == 0
    report = owner.get(f"{PATH}/{customer_id}/usage")
    assert (report["totals"]["requests"], report["adjustments"]["requests"]) == (3, -101)


def test_one_of_another_period_does_not(owner: Admin) -> None:
    customer_id = make(owner, limit=5)
    adjust(owner, customer_id, requests=3, at="2020-01-15T10:07:00Z")
    assert standing(owner, customer_id)["used"] == 0
    adjust(owner, customer_id, requests=3)
    assert standing(owner, customer_id)["used"] == 3
    first, second = owner.get(f"{PATH}/{customer_id}/adjustments")["adjustments"]
    assert (first["at"], first["requests"]) == ("2020-01-15T10:00:00.000Z", 3)
    path = f"{PATH}/{customer_id}/adjustments"
    of_2020 = owner.get(f"{path}?from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z")
    assert of_2020["adjustments"] == [first]
    assert owner.get(f"{path}?from=2021-01-01T00:00:00Z")["adjustments"] == [second]
    put(owner, customer_id, limit=5, period="month")
    assert standing(owner, customer_id)["used"] == 3


def test_corrections_amid_requests_lose_none(owner: Admin) -> None:
    customer_id = make(owner, limit=1000)

    def one(number: int) -> int:
        if number % 4:
            return ask(owner, customer_id).status_code
        adjust(owner, customer_id, requests=2 if number % 8 else -1)
        return 0

    answers = at_once(64, one)
    assert answers.count(201) == 48
    assert standing(owner, customer_id)["used"] == 48 + 8 * 2 - 8


def test_corrections_come_in_pages(owner: Admin) -> None:
    customer_id = make(owner)
    for number in range(5):
        adjust(owner, customer_id, units=number + 1)
    found = owner.all_of(f"{PATH}/{customer_id}/adjustments", "adjustments", 2)
    assert [one["units"] for one in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"reason": "r"}, "requests"),
        ({"requests": 1}, "reason"),
        ({"requests": 1, "reason": " "}, "reason"),
        ({"requests": 1, "reason": "x" * 501}, "reason"),
        ({"requests": 10**12 + 1, "reason": "r"}, "requests"),
        ({"units": -(10**12) - 1, "reason": "r"}, "units"),
        ({"requests": 1, "reason": "r", "at": "2999-01-01T00:00:00Z"}, "at"),
        ({"requests": 1, "reason": "r", "at": "1066-01-01T00:00:00Z"}, "at"),
        ({"requests": 1, "reason": "r", "at": "yesterday"}, "at"),
    ],
)
def test_what_is_no_correction(owner: Admin, body: dict[str, Any], name: str) -> None:
    customer_id = make(owner)
    answer = owner.send("POST", f"{PATH}/{customer_id}/adjustments", body)
    assert [problem[0] for problem in problems_of(answer)] == [name]
    assert owner.get(f"{PATH}/{customer_id}/adjustments")["adjustments"] == []


# Who is meant


def test_a_customer_must_be_named_well(owner: Admin, fresh: Admin) -> None:
    foreign = make(fresh)
    invalid = ask(owner, "acme")
    refusal_of(invalid, 400, "customer_invalid", "Customer invalid")
    for customer_id in (foreign, f"customer_{NOBODY}"):
        refusal_of(ask(owner, customer_id), 404, "not_found", "Not found")
