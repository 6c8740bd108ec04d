"""Usage reports against a naive recount: any zone, any period, any groups, folded or not."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.periods import SLOT_MS, Bucket
from gatepost.domains.usage.report import (
    Ask,
    Dimension,
    Figures,
    Row,
    check,
    highest_first,
    kept_since,
    report,
)

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo")
FIRST = int(datetime(2017, 1, 1, tzinfo=UTC).timestamp()) * 1000
DAYS = {Bucket.HOUR: 31, Bucket.DAY: 400, Bucket.MONTH: 1500, Bucket.NONE: 900}
NOW = FIRST + 2000 * DAY_MS


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    bucket = draw(st.sampled_from(list(DAYS)))
    since = FIRST + draw(st.integers(0, 400 * 96)) * SLOT_MS
    length = draw(st.integers(1, DAYS[bucket] * 96)) * SLOT_MS
    groups = draw(st.lists(st.sampled_from(list(Dimension)), max_size=3, unique=True))
    zone = draw(st.sampled_from(ZONES))
    return Ask(since=since, until=since + length, zone=zone, bucket=bucket, group_by=tuple(groups))


@st.composite
def used(draw: st.DrawFn) -> tuple[Ask, list[Row]]:
    ask = draw(asks())
    slot = st.integers(ask.since // SLOT_MS, (ask.until - 1) // SLOT_MS)
    row = st.builds(
        Row,
        slot=slot.map(lambda number: number * SLOT_MS),
        status=st.sampled_from([200, 201, 404, 503]),
        requests=st.integers(1, 50),
        units=st.integers(0, 900),
        customer_id=st.sampled_from([b"a", b"b"]),
        key_id=st.sampled_from([b"k", b"l"]),
        project_id=st.just(b"p"),
        route=st.sampled_from(["POST /x", "GET /x", "GET /y"]),
    )
    return ask, draw(st.lists(row, max_size=40))


def period_start(at: int, ask: Ask) -> int:
    """Where the period begins that a moment lies in, asked of the calendar alone."""
    if ask.bucket is Bucket.NONE:
        return ask.since
    zone = ZoneInfo(ask.zone)
    start = at
    while start > ask.since and label(start - SLOT_MS, ask, zone) == label(at, ask, zone):
        start -= SLOT_MS
    return start


def label(at: int, ask: Ask, zone: ZoneInfo) -> tuple[object, ...]:
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    if ask.bucket is Bucket.HOUR:
        return (local.date(), local.hour, local.utcoffset())
    return (local.date(),) if ask.bucket is Bucket.DAY else (local.year, local.month)


@settings(deadline=None)  # the recount by the calendar takes its time
@given(used())
def test_every_request_is_in_its_period_and_group_once(found: tuple[Ask, list[Row]]) -> None:
    ask, rows = found
    expected: Counter[tuple[int, tuple[object, ...], str]] = Counter()
    value = {
        Dimension.CUSTOMER: lambda row: row.customer_id,
        Dimension.ENDPOINT: lambda row: row.route,
        Dimension.METHOD: lambda row: row.route.split(" ")[0],
        Dimension.STATUS: lambda row: row.status,
        Dimension.KEY: lambda row: row.key_id,
        Dimension.PROJECT: lambda row: row.project_id,
    }
    for row in rows:
        where = (period_start(row.slot, ask), tuple(value[one](row) for one in ask.group_by))
        if row.status < 400:
            expected[*where, "requests"] += row.requests
            expected[*where, "units"] += row.units
        else:
            expected[*where, "errors"] += row.requests
    made = report(ask, rows)
    told = Counter(
        {
            (line.start, line.group, name): amount
            for line in made.lines
            for name, amount in zip(
                ("requests", "units", "errors"),
                (line.figures.requests, line.figures.units, line.figures.errors),
                strict=True,
            )
        }
    )
    assert +told == +expected
    assert made.totals == sum((line.figures for line in made.lines), Figures())


@given(asks())
def test_ungrouped_periods_follow_each_other_without_a_gap(ask: Ask) -> None:
    ungrouped = Ask(since=ask.since, until=ask.until, zone=ask.zone, bucket=ask.bucket)
    lines = report(ungrouped, []).lines
    assert [line.start for line in lines] == [ask.since, *(line.end for line in lines[:-1])]
    assert lines[-1].end == ask.until


@given(used(), st.sampled_from([HOUR_MS, DAY_MS]))
def test_what_is_folded_is_told_alike_or_refused(found: tuple[Ask, list[Row]], whole: int) -> None:
    """A range whose bounds do not cut through what is kept together has the same figures."""
    ask, rows = found
    now = ask.until + (401 if whole == DAY_MS else 61) * DAY_MS
    before = kept_since(now, 400 if whole == DAY_MS else 60) // whole * whole
    folded = [
        Row(
            slot=row.slot // whole * whole if row.slot < before else row.slot,
            status=row.status,
            requests=row.requests,
            units=row.units,
            customer_id=row.customer_id,
            key_id=row.key_id,
            project_id=row.project_id,
            route=row.route,
        )
        for row in rows
    ]
    refused = refusal(ask, now)
    if refused is None:
        assert report(ask, folded) == report(ask, rows)
    else:
        assert refused.code is Code.INVALID
        assert "are kept" in refused.detail


def refusal(ask: Ask, now: int) -> AppError | None:
    try:
        check(ask, now)
    except AppError as refused:
        return refused
    return None


@pytest.mark.parametrize(
    ("bucket", "days", "code"),
    [
        (Bucket.HOUR, 31, None),
        (Bucket.HOUR, 32, Code.RANGE_TOO_LARGE),
        (Bucket.DAY, 400, None),
        (Bucket.DAY, 401, Code.RANGE_TOO_LARGE),
        (Bucket.NONE, 0, Code.INVALID),
    ],
)
def test_a_range_has_bounds(bucket: Bucket, days: int, code: Code | None) -> None:
    start = datetime(2022, 3, 1, tzinfo=UTC)
    since = int(start.timestamp() * 1000)
    ask = Ask(since=since, until=since + days * DAY_MS, bucket=bucket)
    now = int((start + timedelta(days=20)).timestamp() * 1000)
    refused = refusal(ask, now)
    assert (refused and refused.code) is code


def test_the_highest_come_first() -> None:
    ask = Ask(since=FIRST, until=FIRST + DAY_MS, group_by=(Dimension.CUSTOMER,))
    rows = [
        Row(slot=FIRST, status=200, requests=requests, units=units, customer_id=name)
        for name, requests, units in [(b"a", 1, 5), (b"b", 9, 1), (b"c", 1, 6)]
    ]
    lines = highest_first(report(ask, rows).lines)
    assert [line.group for line in lines] == [(b"b",), (b"c",), (b"a",)]
