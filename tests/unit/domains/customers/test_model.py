"""Quotas of customers: when a period begins, and which thresholds lie on the way."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.ids import CustomerId
from gatepost.base.periods import Bucket
from gatepost.domains.customers.model import CustomerQuota, Metric, reached, slot_name

QUARTER = timedelta(minutes=15)


def quota(
    period: Bucket = Bucket.DAY, zone: str = "UTC", limit: int = 10, *thresholds: int
) -> CustomerQuota:
    return CustomerQuota(
        metric=Metric.REQUESTS,
        limit=limit,
        period=period,
        timezone=zone,
        thresholds=thresholds,
    )


def bounds(of: CustomerQuota, moment: str) -> tuple[str, str]:
    """The bounds of the period a moment lies in, all in the quota's own zone."""
    zone = ZoneInfo(of.timezone)
    at = datetime.fromisoformat(moment).replace(tzinfo=zone)
    start, end = of.bounds(round(at.timestamp() * 1000))
    shown = [datetime.fromtimestamp(one / 1000, UTC).astimezone(zone) for one in (start, end)]
    return shown[0].isoformat(" "), shown[1].isoformat(" ")


@pytest.mark.parametrize("moment", ["2026-03-10T00:00", "2026-03-10T12:34", "2026-03-10T23:59"])
def test_a_day_of_a_half_hour_zone(moment: str) -> None:
    of = quota(Bucket.DAY, "Asia/Kolkata")
    assert bounds(of, moment) == ("2026-03-10 00:00:00+05:30", "2026-03-11 00:00:00+05:30")


@pytest.mark.parametrize("moment", ["2026-02-01T00:00", "2026-02-14T12:00", "2026-02-28T23:59"])
def test_a_month_of_a_quarter_hour_zone(moment: str) -> None:
    of = quota(Bucket.MONTH, "Asia/Kathmandu")
    assert bounds(of, moment) == ("2026-02-01 00:00:00+05:45", "2026-03-01 00:00:00+05:45")


def test_days_and_months_in_which_the_clock_is_set() -> None:
    day = quota(Bucket.DAY, "Europe/Berlin")
    assert bounds(day, "2026-03-29T12:00") == (
        "2026-03-29 00:00:00+01:00",
        "2026-03-30 00:00:00+02:00",
    )
    month = quota(Bucket.MONTH, "Australia/Lord_Howe")  # half an hour of daylight saving
    assert bounds(month, "2026-10-20T00:00") == (
        "2026-10-01 00:00:00+10:30",
        "2026-11-01 00:00:00+11:00",
    )


def test_the_turn_of_the_year() -> None:
    of = quota(Bucket.MONTH, "Asia/Kolkata")
    assert bounds(of, "2026-12-31T23:59")[1] == bounds(of, "2027-01-01T00:00")[0]


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # hypothesis wants naive bounds
    st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]),
    st.sampled_from([Bucket.DAY, Bucket.MONTH]),
)
def test_every_moment_is_in_one_period(moment: datetime, zone: str, period: Bucket) -> None:
    of = quota(period, zone)
    at = round(moment.timestamp() * 1000)
    start, end = of.bounds(at)
    assert start <= at < end
    assert of.bounds(start) == of.bounds(end - 1) == (start, end)
    assert of.bounds(end)[0] == end
    assert start % (QUARTER / timedelta(milliseconds=1)) == 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 4, []),
        (0, 5, [50]),
        (4, 5, [50]),
        (5, 6, []),
        (0, 100, [50, 80, 100, 250]),
        (9, 25, [100, 250]),
        (7, 8, [80]),
        (8, 3, []),
    ],
)
def test_thresholds_that_are_crossed(before: int, after: int, expected: list[int]) -> None:
    of = quota(Bucket.DAY, "UTC", 10, 50, 80, 100, 250)
    assert reached(of, before, after) == expected


def test_of_nothing_the_first_one_crosses_all() -> None:
    of = quota(Bucket.DAY, "UTC", 0, 50, 100)
    assert [reached(of, *steps) for steps in ((0, 0), (0, 2), (2, 3))] == [[], [50, 100], []]


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 200), st.integers(1, 1000))
def test_however_it_grows_a_threshold_is_crossed_once(
    steps: list[int], limit: int, threshold: int
) -> None:
    of = quota(Bucket.DAY, "UTC", limit, threshold)
    used, crossed = 0, 0
    for step in steps:
        crossed += len(reached(of, used, used + step))
        used += step
    assert crossed == (used * 100 >= limit * threshold)


def test_another_metric_or_period_is_another_counter() -> None:
    customer_id = CustomerId(bytes(15) + b"\x01")
    names = {
        slot_name(customer_id, CustomerQuota(metric=metric, limit=1, period=period, timezone=zone))
        for metric in Metric
        for period in (Bucket.DAY, Bucket.MONTH)
        for zone in ("UTC", "Asia/Kolkata")
    }
    assert len(names) == 4
