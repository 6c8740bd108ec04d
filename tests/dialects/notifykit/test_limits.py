"""Requests in sixty seconds, and accepted messages in thirty days."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from gatepost.base import ids
from gatepost.dialects.notifykit import rules
from tests.delivery.receiver import Receiver
from tests.dialects.notifykit.keeper import Keeper, sentence
from tests.dialects.notifykit.sending import (
    JOBS,
    email,
    ended,
    post,
    refused,
    retry,
    try_email,
    try_webhook,
    webhook,
)
from tests.server import Server
from tests.waiting import wait_for

PING = "/api/v1/ping"
EXCEEDED = "Rate limit exceeded"
LIMITS = {"notifykit-free": 5, "notifykit-indie": 50, "notifykit-startup": 200}


def used(keeper: Keeper) -> int:
    query = "SELECT coalesce(sum(used), 0) FROM quota_usage WHERE account_id = ?"
    return int(keeper.server.query(query, ids.parse("account", keeper.id))[0][0])


def spend(keeper: Keeper, units: int) -> None:
    """Let so many units be used of what the account has begun to use."""
    change = "UPDATE quota_usage SET used = ? WHERE account_id = ?"
    keeper.server.query(change, units, ids.parse("account", keeper.id))


def spent(answer: httpx2.Response, limit: int) -> None:
    """It is refused because as much was used as there is; the day is in a month of thirty days."""
    again = datetime.now(UTC) + timedelta(days=30)
    days = {f"{day.month}/{day.day}/{day.year}" for day in (again - timedelta(minutes=1), again)}
    status, words = sentence(answer)
    told, _, day = words.removesuffix(".").rpartition(" ")
    assert (status, told) == (
        403,
        f"Monthly usage limit exceeded ({limit}/{limit}). Upgrade your plan or wait for reset on",
    )
    assert day in days
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("plan", "limit"), LIMITS.items())
def test_so_many_requests_pass(quick: Server, http: httpx2.Client, plan: str, limit: int) -> None:
    keeper = Keeper(quick, http, plan=plan, limit=None)
    statuses = [keeper.send("GET", PING).status_code for _ in range(limit)]
    assert set(statuses) == {200}
    answer = keeper.send("GET", JOBS)
    refused(answer, 429, EXCEEDED)
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def test_two_keys_have_windows_of_their_own(poor: Keeper) -> None:
    first, second = (poor.make_key(limit=None) for _ in range(2))
    for _ in range(5):
        assert poor.send("GET", PING, key=first.secret).status_code == 200
    refused(poor.send("GET", PING, key=first.secret), 429, EXCEEDED)
    assert poor.send("GET", PING, key=second.secret).status_code == 200


def test_a_refused_request_does_not_lengthen_the_window(poor: Keeper) -> None:
    """Of a window of 2 s, with a client that does not rest."""
    key = poor.make_key(limit="5/2s")
    began = time.monotonic()
    for _ in range(5):
        assert poor.send("GET", PING, key=key.secret).status_code == 200
    refused(poor.send("GET", PING, key=key.secret), 429, EXCEEDED)
    admitted = wait_for(
        lambda: poor.send("GET", PING, key=key.secret).status_code == 200, "one more to pass"
    )
    assert admitted
    assert time.monotonic() - began >= 1.9


def test_the_free_plan_counts_both(poor: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    for number in range(50):
        assert try_email(poor).status_code == 202, number
        assert try_webhook(poor, url).status_code == 202, number
    assert used(poor) == 100
    spent(try_email(poor), 100)
    spent(try_webhook(poor, url), 100)
    # It is told before what is wrong with a body, and reads go on.
    spent(post(poor, "webhook", {"nothing": 1}), 100)
    assert poor.send("GET", JOBS).status_code == 200
    assert used(poor) == 100


def test_a_paid_plan_counts_webhooks_alone(
    quick: Server, http: httpx2.Client, receiver: Receiver
) -> None:
    keeper = Keeper(quick, http, plan="notifykit-indie")
    url, _ = receiver.place()
    webhook(keeper, url)
    spend(keeper, 3999)
    webhook(keeper, url)
    spent(try_webhook(keeper, url), 4000)
    refused(try_email(keeper), 403, rules.NO_PROVIDER)
    assert used(keeper) == 4000


def test_what_is_refused_is_not_counted(poor: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    webhook(poor, url, idempotencyKey="one")
    assert used(poor) == 1
    refusals: list[Any] = [
        (post(poor, "webhook", {"url": url}), 400),
        (post(poor, "email", {}), 400),
        (try_email(poor, provider="RESEND"), 403),
        (try_webhook(poor, url, idempotencyKey="one"), 409),
    ]
    assert [answer.status_code for answer, _ in refusals] == [status for _, status in refusals]
    assert used(poor) == 1


def test_a_retry_is_free(poor: Keeper) -> None:
    """The sender's own name server knows no such host."""
    mine = webhook(poor, "https://nowhere.invalid/")
    assert ended(poor, mine)["status"] == "failed"
    assert retry(poor, mine).status_code == 200
    email(poor)
    assert used(poor) == 2
