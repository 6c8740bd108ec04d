"""Hours and times of the day against a walk from minute to minute, over every kind of change."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.domains.rules import calendar
from gatepost.domains.rules.calendar import DAY_MINUTES, EVERY_DAY, Daily, Hours, Span

MINUTE = 60_000
DAY = 1440 * MINUTE


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


# Days in whose middle something happens to the clocks of a zone.
CHANGES = {
    ("Europe/Berlin", "2026-03-29"): "an hour skipped",
    ("Europe/Berlin", "2026-10-25"): "an hour twice",
    ("America/New_York", "2026-03-08"): "an hour skipped",
    ("America/New_York", "2026-11-01"): "an hour twice",
    ("Australia/Lord_Howe", "2026-04-05"): "half an hour twice",
    ("Australia/Lord_Howe", "2026-10-04"): "half an hour skipped",
    ("America/Sao_Paulo", "2018-11-04"): "midnight skipped",
    ("America/Sao_Paulo", "2018-02-18"): "the hour before midnight twice",
    ("America/St_Johns", "2010-11-07"): "a minute after midnight back to the day before",
    ("Pacific/Apia", "2011-12-30"): "a day skipped",
    ("Africa/Casablanca", "2026-02-15"): "back for Ramadan",
    ("Asia/Kolkata", "2026-06-30"): "nothing, half an hour off",
    ("Asia/Kathmandu", "2024-02-29"): "nothing, three quarters off, a leap day",
    ("UTC", "2026-12-31"): "nothing, the end of a year",
}

places = st.sampled_from(sorted(CHANGES))
minutes = st.one_of(
    st.integers(0, DAY_MINUTES - 1), st.sampled_from([0, 1, 59, 60, 90, 120, 150, 180, 1439])
)
weekdays = st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days)))


@cache
def walk(zone: str, day: str) -> list[tuple[int, datetime]]:
    """Each minute of some days around one, and what the clock on the wall shows."""
    first = utc(day) - 3 * DAY
    where = ZoneInfo(zone)
    return [
        (at, datetime.fromtimestamp(at / 1000, where).replace(tzinfo=None))
        for at in range(first, first + 6 * DAY, MINUTE)
    ]


def comes(walked: list[tuple[int, datetime]], local: datetime) -> int | None:
    """The first minute at which the clock shows a time or a later one."""
    first = walked[0]
    if first[1] >= local:
        return None
    return next((at for at, wall in walked if wall >= local), None)


def times(zone: str, day: str, daily: Daily) -> list[int]:
    """When a time of the day comes within the walk."""
    walked = walk(zone, day)
    start = datetime.fromisoformat(day) - timedelta(days=5)
    found = set()
    for number in range(12):
        date = start + timedelta(days=number)
        at = comes(walked, date + timedelta(minutes=daily.minute))
        if at is not None and date.weekday() in daily.days:
            found.add(at)
    return sorted(found)


@given(place=places, minute=minutes, days=weekdays)
@settings(max_examples=40, deadline=None)
def test_a_time_of_the_day_comes_as_in_a_walk(
    place: tuple[str, str], minute: int, days: tuple[int, ...]
) -> None:
    zone, day = place
    daily = Daily(minute, zone, days)
    walked = walk(zone, day)
    first, last = walked[0][0], walked[-1][0]
    found, at = [], first
    while (at := daily.next_after(at)) <= last:
        found.append(at)
    assert found == times(zone, day, daily)
    for earlier, later in itertools.pairwise(found):
        assert daily.last_until(later - 1) == earlier
        assert daily.last_until(later) == later


@given(place=places, start=minutes, end=minutes, days=weekdays)
@settings(max_examples=40, deadline=None)
def test_hours_hold_as_in_a_walk(
    place: tuple[str, str], start: int, end: int, days: tuple[int, ...]
) -> None:
    zone, day = place
    hours = Hours(start, end, zone, days)
    walked = walk(zone, day)
    inside = set()
    begins = datetime.fromisoformat(day) - timedelta(days=6)
    for number in range(13):
        date = begins + timedelta(days=number)
        until = date + timedelta(days=1 if end <= start else 0, minutes=end)
        since = date + timedelta(minutes=start)
        if date.weekday() in days:
            inside |= covered(walked, since, until)
    for at, _wall in walked[::7]:
        span = hours.at(at)
        assert (span is not None) == (at in inside), (at, span)


def covered(walked: list[tuple[int, datetime]], since: datetime, until: datetime) -> set[int]:
    """The minutes from when a time has come up to when another one has."""
    found, begun, ended = set(), False, False
    for at, wall in walked:
        begun = begun or wall >= since
        ended = ended or wall >= until
        if begun and not ended:
            found.add(at)
    return found


@given(place=places, start=minutes, end=minutes, days=weekdays, later=st.integers(0, 5 * 1440))
@settings(max_examples=200, deadline=None)
def test_hours_come_in_order_and_apart(
    place: tuple[str, str], start: int, end: int, days: tuple[int, ...], later: int
) -> None:
    zone, day = place
    hours, at = Hours(start, end, zone, days), utc(day) + later * MINUTE
    if hours.always:
        assert hours.at(at) == Span(0, calendar.FOREVER)
        return
    coming = hours.ending_after(at)
    found = [next(coming) for _ in range(5)]
    assert all(one.end > at and one.start < one.end for one in found)
    assert all(one.end < two.start for one, two in itertools.pairwise(found))
    for one in found:
        assert hours.at(one.start) == one
        assert hours.at(one.end - 1) == one
        assert hours.at(one.end) != one


def test_a_skipped_time_comes_right_after_the_gap() -> None:
    daily = Daily(150, "Europe/Berlin")
    assert daily.next_after(utc("2026-03-28T12:00")) == utc("2026-03-29T01:00")
    assert daily.next_after(utc("2026-03-29T01:00")) == utc("2026-03-30T00:30")


def test_a_time_that_is_shown_twice_comes_once() -> None:
    daily = Daily(150, "Europe/Berlin")
    assert daily.next_after(utc("2026-10-24T12:00")) == utc("2026-10-25T00:30")
    assert daily.next_after(utc("2026-10-25T00:30")) == utc("2026-10-26T01:30")


def test_whole_days_that_follow_each_other_are_one() -> None:
    weekdays = Hours(0, 0, "Europe/Berlin", (0, 1, 2, 3, 4))
    span = weekdays.at(utc("2026-11-19T12:00"))
    assert span == Span(utc("2026-11-15T23:00"), utc("2026-11-20T23:00"))
    assert weekdays.longest_minutes == 5 * 1440
    assert weekdays.at(utc("2026-11-21T12:00")) is None


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    nights = Hours(1320, 420, "Europe/Berlin", (4,))
    assert nights.at(utc("2026-11-21T05:59")) == Span(
        utc("2026-11-20T21:00"), utc("2026-11-21T06:00")
    )
    assert nights.at(utc("2026-11-21T06:00")) is None
    assert nights.longest_minutes == 540


@pytest.mark.parametrize(
    ("days", "longest"), [((5, 6, 0), 3), ((0, 2, 4), 1), ((0, 1, 2, 3, 4, 5, 6), 7)]
)
def test_the_longest_run_goes_over_the_end_of_the_week(days: tuple[int, ...], longest: int) -> None:
    assert Hours(60, 60, "UTC", days).longest_minutes == longest * 1440
