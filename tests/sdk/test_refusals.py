"""What a client is told in headers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gatepost_client import Reason, Verdict, Window
from gatepost_client.refusals import Refusal, of_verdict, rate_headers, refusal_headers
from tests.sdk.values import allowed


def window(name: str, remaining: int, reset_s: float | None = 60) -> Window:
    moment = None if reset_s is None else datetime.now(UTC) + timedelta(seconds=reset_s)
    return Window(name, 100, remaining, moment)


def test_the_tightest_of_limits_and_quotas_is_told() -> None:
    verdict = Verdict(
        allowed=True,
        limits=(window("minute", 7), window("day", 50)),
        quotas=(window("month", 5, 90),),
    )
    told = dict(rate_headers(verdict))
    assert told[b"ratelimit-policy"] == b'"month";q=100'
    assert told[b"ratelimit"] == b'"month";r=5;t=90'
    assert (told[b"x-ratelimit-limit"], told[b"x-ratelimit-remaining"]) == (b"100", b"5")
    reset = int(told[b"x-ratelimit-reset"]) - datetime.now(UTC).timestamp()
    assert 85 < reset <= 90


def test_a_window_whose_end_is_past_or_unknown_is_told_as_well() -> None:
    past = Verdict(allowed=True, limits=(window("minute", 7, -5),))
    assert dict(rate_headers(past))[b"ratelimit"] == b'"minute";r=7;t=0'
    unknown = Verdict(allowed=True, limits=(window("minute", 7, None),))
    assert dict(rate_headers(unknown))[b"ratelimit"] == b'"minute";r=7'
    assert b"x-ratelimit-reset" not in dict(rate_headers(unknown))


def test_no_window_no_headers() -> None:
    assert rate_headers(allowed()) == []


def test_a_name_cannot_break_out_of_its_header() -> None:
    odd = Verdict(allowed=True, limits=(window('mi"n\r\nX: ü', 7, None),))
    assert dict(rate_headers(odd))[b"ratelimit"] == b'"minX";r=7'


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.KEY_NOT_FOUND, 401),
        (Reason.KEY_DISABLED, 401),
        (Reason.KEY_EXPIRED, 401),
        (Reason.SCOPE_MISSING, 403),
        (Reason.CUSTOMER_NOT_FOUND, 403),
        (Reason.CUSTOMER_INACTIVE, 403),
        (Reason.RATE_LIMITED, 429),
        (Reason.QUOTA_EXCEEDED, 429),
        ("of_a_later_version", 403),
    ],
)
def test_every_reason_has_a_status(reason: str, status: int) -> None:
    refused = of_verdict(Verdict(allowed=False, reason=reason, retry_after_s=2.1))
    assert (refused.status, refused.code) == (status, str(reason))
    assert refused.retry_after_s == (3 if status == 429 else None)
    assert (b"retry-after" in dict(refusal_headers(refused))) is (status == 429)


def test_a_wait_that_is_not_told_is_that_of_the_window() -> None:
    verdict = Verdict(allowed=False, reason="rate_limited", limits=(window("minute", 0, 30),))
    assert of_verdict(verdict).retry_after_s == 30
    assert of_verdict(replace(verdict, limits=())).retry_after_s is None
    assert of_verdict(replace(verdict, retry_after_s=0.0)).retry_after_s == 1


def test_only_401_asks_for_another_key() -> None:
    assert b"www-authenticate" not in dict(refusal_headers(Refusal(403, "scope_missing", "no")))
    assert b"www-authenticate" in dict(refusal_headers(Refusal(401, "key_expired", "no")))
