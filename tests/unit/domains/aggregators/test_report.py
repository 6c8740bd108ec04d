"""Reports against a naive recount: any zone, any period, any filter."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.errors import AppError
from gatepost.base.periods import SLOT_MS, Bucket, periods
from gatepost.domains.aggregators.report import Ask, Filter, GroupBy, Row, report

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",  # once skipped midnight
    "Asia/Kolkata",  # half an hour
    "Asia/Kathmandu",  # three quarters
    "Australia/Lord_Howe",  # summer is half an hour
    "Pacific/Apia",  # once skipped a day
    "America/New_York",
)
# In these years each of the zones above did what it is known for.
FIRST = int(datetime(2011, 1, 1, tzinfo=UTC).timestamp()) * 1000
LAST = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1000
DAYS = {Bucket.HOUR: 20, Bucket.DAY: 400, Bucket.WEEK: 800, Bucket.MONTH: 1500, Bucket.NONE: 900}

slots = st.integers(FIRST // SLOT_MS, LAST // SLOT_MS).map(lambda number: number * SLOT_MS)
tags = st.lists(st.sampled_from(["a", "b:1", "b:2", "c-d", "-e"]), unique=True, max_size=3)
names = st.sampled_from(["one", "two", "three"])


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    bucket = draw(st.sampled_from(Bucket))
    since = draw(slots)
    length = draw(st.integers(1, DAYS[bucket] * 96))
    return Ask(
        since=since,
        until=since + length * SLOT_MS,
        zone=draw(st.sampled_from(ZONES)),
        bucket=bucket,
        group_by=draw(st.sampled_from(GroupBy)),
        filter=Filter(
            tag_all=tuple(draw(tags)[:1]), tag_any=tuple(draw(tags)), tag_none=tuple(draw(tags)[:1])
        ),
    )


@st.composite
def rows(draw: st.DrawFn, ask: Ask) -> list[Row]:
    where = st.integers(ask.since // SLOT_MS, (ask.until - 1) // SLOT_MS)
    made = st.builds(
        Row,
        where.map(lambda number: number * SLOT_MS),
        st.integers(1, 1000),
        names,
        tags.map(lambda found: tuple(sorted(found))),
    )
    return draw(st.lists(made, max_size=40))


def label(at: int, ask: Ask) -> object:
    """What a calendar and a clock on the wall call the period of a moment."""
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(ask.zone))
    day = local.date()
    return {
        Bucket.HOUR: (day, local.hour, local.utcoffset()),
        Bucket.DAY: day,
        Bucket.WEEK: day - timedelta(days=day.weekday()),
        Bucket.MONTH: (day.year, day.month),
        Bucket.NONE: None,
    }[ask.bucket]


def holds(row: Row, chosen: Filter) -> bool:
    mine = set(row.tags)
    return (
        all(tag in mine for tag in chosen.tag_all)
        and (not chosen.tag_any or any(tag in mine for tag in chosen.tag_any))
        and not any(tag in mine for tag in chosen.tag_none)
    )


def groups(row: Row, by: GroupBy) -> set[tuple[str, str]]:
    if by is GroupBy.TAG:
        return {(tag, "") for tag in row.tags}
    if by is GroupBy.PREFIX:
        return {(prefix(tag), "") for tag in row.tags}
    if by is GroupBy.PAIR:
        return {(row.name, tag) for tag in row.tags}
    return {(row.name if by is GroupBy.EVENT else "", "")}


def prefix(tag: str) -> str:
    return {"b:1": "b", "b:2": "b", "c-d": "c"}.get(tag, tag)


@given(st.data())
def test_a_report_is_what_counting_one_by_one_gives(data: st.DataObject) -> None:
    ask = data.draw(asks())
    found = data.draw(rows(ask))
    naive: Counter[tuple[object, tuple[str, str]]] = Counter()
    total = 0
    for row in found:
        if holds(row, ask.filter):
            total += row.events
            for group in groups(row, ask.group_by):
                naive[label(row.slot, ask), group] += row.events
    made = report(ask, found)
    assert made.total == total
    shown: Counter[tuple[object, tuple[str, str]]] = Counter()
    for line in made.lines:
        shown[label(line.start, ask), (line.group, line.tag)] += line.events
    assert +shown == naive


@given(asks())
def test_periods_cover_the_range_and_each_is_one_of_the_calendar(ask: Ask) -> None:
    starts = periods(ask.since, ask.until, ask.bucket, ask.zone)
    assert starts[0] == ask.since
    assert starts == sorted(set(starts))
    assert starts[-1] < ask.until
    labels = [label(start, ask) for start in starts]
    assert len(labels) == len(set(labels))
    for start, end in zip(starts, [*starts[1:], ask.until], strict=True):
        assert label(start, ask) == label(end - 1, ask)


def test_without_groups_every_period_has_a_line() -> None:
    ask = Ask(since=FIRST, until=FIRST + 3 * 86_400_000, bucket=Bucket.DAY)
    assert [line.events for line in report(ask, [Row(FIRST + 86_400_000, 5)]).lines] == [0, 5, 0]


def test_a_range_with_too_many_periods_is_refused() -> None:
    ask = Ask(since=FIRST, until=LAST, bucket=Bucket.HOUR)
    with pytest.raises(AppError):
        periods(ask.since, ask.until, ask.bucket, ask.zone)
