"""Periods are derived from the moment, so that none is skipped and none is counted twice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.clock import DAY_MS
from gatepost.domains.quotas.model import PERIOD_MS, Allowance, period, resets_at

YEAR_2100 = 4_102_444_800_000
MOMENTS = st.integers(min_value=0, max_value=YEAR_2100)
MONTHLY = Allowance("events", 1, frozenset({"event"}))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def anchored(anchor: int) -> Allowance:
    return Allowance("events", 1, frozenset({"event"}), anchor)


@pytest.mark.parametrize(
    ("moment", "reset"),
    [
        ("2026-01-01T00:00:00.000", "2026-02-01"),
        ("2026-01-31T23:59:59.999", "2026-02-01"),
        ("2026-02-01T00:00:00.000", "2026-03-01"),
        ("2028-02-29T12:00:00.000", "2028-03-01"),
        ("2026-12-31T23:59:59.999", "2027-01-01"),
    ],
)
def test_months_are_the_calendars(moment: str, reset: str) -> None:
    assert resets_at(MONTHLY, at(moment)) == at(reset)
    assert period(MONTHLY, at(reset)) == period(MONTHLY, at(moment)) + 1
    assert period(MONTHLY, at(reset) - 1) == period(MONTHLY, at(moment))


def test_thirty_days_count_from_the_anchor() -> None:
    anchor = at("2026-01-31T10:30:00")
    allowance = anchored(anchor)
    assert period(allowance, anchor) == 0
    assert period(allowance, anchor + PERIOD_MS - 1) == 0
    assert period(allowance, anchor + PERIOD_MS) == 1
    assert resets_at(allowance, anchor) == anchor + 30 * DAY_MS == at("2026-03-02T10:30:00")


@given(now=MOMENTS, later=MOMENTS, anchor=st.none() | MOMENTS)
def test_periods_follow_each_other_without_gaps(now: int, later: int, anchor: int | None) -> None:
    allowance = MONTHLY if anchor is None else anchored(anchor)
    reset = resets_at(allowance, now)
    assert reset > now
    assert period(allowance, reset - 1) == period(allowance, now)
    assert period(allowance, reset) == period(allowance, now) + 1
    if later >= now:
        assert period(allowance, later) >= period(allowance, now)
