"""Slots and periods: how time is cut for counting, and into hours, days, weeks and months of any
zone. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from gatepost.base.clock import HOUR_MS, MINUTE_MS
from gatepost.base.errors import invalid

PERIODS_MAX = 10_000
SLOT_MS = 15 * MINUTE_MS
"""Counts are kept by the quarter of an hour: every zone's hours and days are made of whole ones."""


class Bucket(StrEnum):
    """How long a period is; NONE makes one of the whole range. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    NONE = "none"


def slot_of(at: int) -> int:
    """Return the start of the slot a moment lies in (both ms)."""
    return at - at % SLOT_MS


def check_zone(name: str) -> str:
    """Return the name of a time zone; raises INVALID for any other."""
    if name not in _zones():
        raise invalid((["timezone"], "Must be a time zone's name, as Europe/Berlin"))
    return name


@cache
def _zones() -> set[str]:
    return available_timezones()


def periods(since: int, until: int, bucket: Bucket, zone: str) -> list[int]:
    """Where periods start (ms), the first one at `since`; raises INVALID for too many of them."""
    found: list[int] = [since]
    for start in _starts(since, bucket, zone):
        if start >= until:
            break
        if start > since:
            found.append(start)
        if len(found) > PERIODS_MAX:
            raise invalid((["from"], f"The range has more than {PERIODS_MAX:,} periods"))
    return found


def period_at(at: int, bucket: Bucket, zone: str) -> tuple[int, int]:
    """The start and the end (ms) of the day, week or month a moment lies in."""
    where = ZoneInfo(zone)
    day = _first_day(_local(at, where).date(), bucket)
    return _midnight(day, where), _midnight(_next_day(day, bucket), where)


def day_before(at: int, days: int, zone: str) -> int:
    """Where the day begins (ms) that is so many days before the one a moment lies in."""
    where = ZoneInfo(zone)
    return _midnight(_local(at, where).date() - timedelta(days=days), where)


def _starts(since: int, bucket: Bucket, zone: str) -> Iterator[int]:
    """Starts of whole periods of the zone, from one that is not after `since`, without end."""
    if bucket is Bucket.NONE:
        return
    where = ZoneInfo(zone)
    if bucket is Bucket.HOUR:
        yield from _hours(since, where)
        return
    day = _first_day(_local(since, where).date(), bucket)
    while True:
        yield _midnight(day, where)
        day = _next_day(day, bucket)


def _hours(since: int, zone: ZoneInfo) -> Iterator[int]:
    """Where the clock on the wall begins an hour, or is set to the middle of one."""
    at = since
    while True:
        yield at
        minutes = _local(at, zone).minute
        at += HOUR_MS - minutes * MINUTE_MS - at % MINUTE_MS


def _first_day(day: date, bucket: Bucket) -> date:
    if bucket is Bucket.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if bucket is Bucket.MONTH else day


def _next_day(day: date, bucket: Bucket) -> date:
    if bucket is Bucket.MONTH:
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if bucket is Bucket.WEEK else 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first moment of a day. Where midnight is skipped, that is when the clock is set."""
    naive = datetime(day.year, day.month, day.day, tzinfo=zone)
    return round(naive.timestamp() * 1000)


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
