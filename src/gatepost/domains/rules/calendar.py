"""Hours of the week and times of the day, as the clock on the wall of a zone shows them. Pure.

A time of a day has come as soon as the clock on the wall shows it or a later one: one that is
skipped has come right after the gap, one that is shown twice when it is shown first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
DAY_MINUTES = 1440
FOREVER = 1 << 62
INSTANTS = 16_384
LOOK_BACK_DAYS = 9
"""Hours that follow each other without a break may have begun so long ago: six days, or seven
where one of them was skipped.
"""


class Daily(msgspec.Struct, frozen=True):
    """A time of some days, in minutes since midnight; day 0 is Monday."""

    minute: int
    zone: str
    days: tuple[int, ...] = EVERY_DAY

    def next_after(self, at: int) -> int:
        """When it comes next, after a moment (both ms)."""
        days = count(_day(self.zone, at) - 1)
        return next(one for one in self._moments(days) if one > at)

    def last_until(self, at: int) -> int:
        """When it came last, up to a moment (both ms)."""
        days = count(_day(self.zone, at) + 1, -1)
        return next(one for one in self._moments(days) if one <= at)

    def _moments(self, days: Iterator[int]) -> Iterator[int]:
        for day in days:
            if _weekday(day) in self.days:
                yield moment(self.zone, day, self.minute)


class Span(NamedTuple):
    """From a moment up to another (ms)."""

    start: int
    end: int


class Hours(msgspec.Struct, frozen=True):
    """Hours of some days, in minutes since midnight; day 0 is Monday.

    They end on the day after where the end is not after the start: with both alike they are a
    whole day. The days are those on which they begin.
    """

    start: int
    end: int
    zone: str
    days: tuple[int, ...] = EVERY_DAY

    @property
    def always(self) -> bool:
        """Whether they never end."""
        return self.start == self.end and set(self.days) == set(EVERY_DAY)

    @property
    def longest_minutes(self) -> int:
        """How long they go on without a break, on days of 24 hours."""
        length = (self.end - self.start) % DAY_MINUTES or DAY_MINUTES
        return length if length < DAY_MINUTES else _run(self.days) * DAY_MINUTES

    def at(self, at: int) -> Span | None:
        """The hours that a moment lies in."""
        first = next(self.ending_after(at))
        return first if first.start <= at else None

    def ending_after(self, at: int) -> Iterator[Span]:
        """Those that end after a moment, in their order, without end; what touches is one."""
        if self.always:
            yield Span(0, FOREVER)
            return
        open_: Span | None = None
        for one in self._single(_day(self.zone, at) - LOOK_BACK_DAYS):
            if open_ is not None and one.start <= open_.end:
                open_ = Span(open_.start, one.end)
                continue
            if open_ is not None and open_.end > at:
                yield open_
            open_ = one

    def _single(self, first: int) -> Iterator[Span]:
        over_night = 1 if self.end <= self.start else 0
        for day in count(first):
            if _weekday(day) not in self.days:
                continue
            start = moment(self.zone, day, self.start)
            end = moment(self.zone, day + over_night, self.end)
            if start < end:
                yield Span(start, end)


@lru_cache(INSTANTS)
def moment(zone: str, day: int, minute: int) -> int:
    """When (ms) it is so late on a day, which is counted as Python's `date.toordinal` does."""
    where = ZoneInfo(zone)
    local = datetime.combine(date.fromordinal(day), time()) + timedelta(minutes=minute)
    at = int(local.replace(tzinfo=where).timestamp())
    if _wall(where, at) != local:
        at = _gap_end(where, int(local.replace(tzinfo=where, fold=1).timestamp()), at)
    return at * 1000


def _gap_end(where: ZoneInfo, before: int, after: int) -> int:
    """The second at which a clock is set forward, after one and not after another."""
    target = _offset(where, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(where, middle) == target:
            after = middle
        else:
            before = middle
    return after


def _offset(where: ZoneInfo, at: int) -> timedelta | None:
    return datetime.fromtimestamp(at, where).utcoffset()


def _wall(where: ZoneInfo, at: int) -> datetime:
    return datetime.fromtimestamp(at, where).replace(tzinfo=None)


def _day(zone: str, at: int) -> int:
    return datetime.fromtimestamp(at // 1000, ZoneInfo(zone)).toordinal()


def _weekday(day: int) -> int:
    return (day - 1) % 7


def _run(days: tuple[int, ...]) -> int:
    """How many of them follow each other, over the end of the week."""
    chosen, longest, run = set(days), 0, 0
    for day in (*EVERY_DAY, *EVERY_DAY):
        run = run + 1 if day in chosen else 0
        longest = max(longest, run)
    return min(longest, len(EVERY_DAY))
