"""How often events come: thresholds, changes and silence. Pure.

Each function takes what is remembered of a rule, the moments of further events in the order of
their arrival, and now (all ms), and gives what is to be remembered and what is to be told. What
has a moment that lies ahead has come now: so a clock that is set back neither tells a second time
nor waits until it has caught up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from gatepost.base.clock import MINUTE_MS, SECOND_MS
from gatepost.base.ids import AlertId
from gatepost.domains.rules.model import Absence, Change, Threshold

EXACT = 1000
"""So many moments are told apart to the millisecond, further ones to a thousandth of a window."""
REMEMBERED = 32
"""Of the latest periods it is known that they were told."""
SKEW_MS = 10 * SECOND_MS
"""A clock that is this far behind another one was not set back."""
HOURS_LOOKED_AT = 400


class Tally(msgspec.Struct, frozen=True):
    """When the latest events came, as pairs of a moment and how many; whether there were enough
    of them last.
    """

    moments: tuple[tuple[int, int], ...] = ()
    above: bool = False


class Crossed(msgspec.Struct, frozen=True):
    """There were enough events, at a moment; the one with this index made them enough."""

    at: int
    count: int
    index: int = 0


Crosses = list[Crossed]


def cross(when: Threshold, tally: Tally, times: Sequence[int], now: int) -> tuple[Tally, Crosses]:
    """Count on, and tell of each time that there are enough after there were fewer."""
    window = window_ms(when.minutes)
    counted = _Counted(tally, now)
    above, found = tally.above, []
    for index, one in enumerate(times):
        at = max(min(one, now), counted.latest)
        counted.forget(at - window, when.count)
        above = above and counted.total >= when.count
        counted.add(at, window)
        if not above and counted.total >= when.count:
            above = True
            found.append(Crossed(at, counted.total, index))
    counted.forget(0, when.count)
    return Tally(tuple(counted.moments), above), found


def over_at(when: Threshold, tally: Tally) -> int:
    """When nothing of it need be remembered any more (ms)."""
    return tally.moments[-1][0] + window_ms(when.minutes) if tally.moments else 0


def window_ms(minutes: float) -> int:
    """Minutes as milliseconds: at least one."""
    return max(1, round(minutes * MINUTE_MS))


class _Counted:
    """The moments of a tally, and how many events there are in all."""

    def __init__(self, tally: Tally, now: int) -> None:
        self.moments = deque((min(at, now), many) for at, many in tally.moments)
        self.total = sum(many for _, many in self.moments)

    @property
    def latest(self) -> int:
        return self.moments[-1][0] if self.moments else 0

    def forget(self, until: int, enough: int) -> None:
        """Forget what came up to a moment, and what there are enough later ones without."""
        moments = self.moments
        while moments and (moments[0][0] <= until or self.total - moments[0][1] >= enough):
            self.total -= moments.popleft()[1]

    def add(self, at: int, window: int) -> None:
        grain = 1 if len(self.moments) < EXACT else max(1, window // EXACT)
        self.total += 1
        if self.moments and at - self.latest < grain:
            last, many = self.moments[-1]
            self.moments[-1] = (last, many + 1)
        else:
            self.moments.append((at, 1))


class Periods(msgspec.Struct, frozen=True):
    """How many events came in the period that begins at `start` (ms), and in the one before: None
    where it was not counted from its beginning. `told` are those of the latest that were told.
    """

    since: int
    start: int
    current: int = 0
    previous: int | None = None
    told: tuple[int, ...] = ()


class Changed(msgspec.Struct, frozen=True):
    """A period that is over, up to a moment, has so many events; the one before had others."""

    at: int
    count: int
    previous: int


def begin_periods(when: Change, now: int) -> Periods:
    """Begin to count: the first whole period is the next one."""
    return Periods(now, _period(when, now))


def compare(
    when: Change, state: Periods, times: Sequence[int], now: int
) -> tuple[Periods, list[Changed]]:
    """Count on, and tell of the periods that events have ended and that differ enough."""
    found = list[Changed]()
    state = _rewound(when, state, now)
    for one in times:
        state = _roll(when, state, _period(when, min(one, now)), found)
        state = msgspec.structs.replace(state, current=state.current + 1)
    return state, found


def ended(when: Change, state: Periods, now: int) -> tuple[Periods, list[Changed]]:
    """Tell of the periods that have ended by now and differ enough: no event of them is to come."""
    found = list[Changed]()
    state = _roll(when, _rewound(when, state, now), _period(when, now), found)
    return state, found


def ends_at(when: Change, state: Periods) -> int | None:
    """When there is something to compare (ms), None while nothing comes."""
    idle = not state.current and not state.previous
    return None if idle else state.start + window_ms(when.minutes)


def _rewound(when: Change, state: Periods, now: int) -> Periods:
    """Begin again where the clock was set back."""
    if now >= state.start - max(window_ms(when.minutes), SKEW_MS):
        return state
    return msgspec.structs.replace(begin_periods(when, now), told=state.told)


def _roll(when: Change, state: Periods, until: int, found: list[Changed]) -> Periods:
    """End the periods that begin before a moment. Two without events are like all that follow."""
    length = window_ms(when.minutes)
    while state.start < until and (state.current or state.previous != 0):
        state = _end(when, state, length, found)
    return msgspec.structs.replace(state, start=until) if state.start < until else state


def _end(when: Change, state: Periods, length: int, found: list[Changed]) -> Periods:
    told, end = state.told, state.start + length
    differs = state.previous is not None and _differs(when, state.current, state.previous)
    if state.previous is not None and differs and state.start not in told:
        found.append(Changed(end, state.current, state.previous))
        told = (*told, state.start)[-REMEMBERED:]
    whole = state.start >= state.since
    return Periods(state.since, end, 0, state.current if whole else None, told)


def _differs(when: Change, count: int, previous: int) -> bool:
    if max(count, previous) < when.minimum:
        return False
    if not previous:
        return when.percent > 0 and count > 0
    change = (count - previous) * 100
    wanted = when.percent * previous
    return change >= wanted if when.percent > 0 else change <= wanted


def _period(when: Change, at: int) -> int:
    return at - at % window_ms(when.minutes)


class Silence(msgspec.Struct, frozen=True):
    """Since when (ms) there was no event, whether that is told, and by which alert."""

    since: int
    silent: bool = False
    alert: AlertId | None = None


class Missed(NamedTuple):
    """There was nothing from a moment up to another."""

    since: int
    at: int


def silent_at(when: Absence, state: Silence, muted_until: int | None = None) -> int | None:
    """When the silence is to be told (ms), None for never unless something comes."""
    if state.silent:
        return None
    length = window_ms(when.minutes)
    for start, end in _counted(when, state.since):
        due = max(start, state.since) + length
        if due <= end:
            return due if muted_until is None else max(due, muted_until)
    return None


def heard(
    when: Absence, state: Silence, at: int, now: int, muted_until: int | None = None
) -> tuple[Silence, Missed | None, bool]:
    """Take an event in: tells of a silence that it has ended, and whether it ends one at all."""
    at = min(at, now)
    state, missed = missing(when, state, at - 1, muted_until)
    ended = state.silent
    return Silence(max(at, min(state.since, now))), missed, ended


def missing(
    when: Absence, state: Silence, now: int, muted_until: int | None = None
) -> tuple[Silence, Missed | None]:
    """Tell of a silence that has lasted long enough, once."""
    due = silent_at(when, state, muted_until)
    if due is None or now < due:
        return state, None
    silent = msgspec.structs.replace(state, silent=True)
    return silent, Missed(due - window_ms(when.minutes), due)


def rewound(state: Silence, now: int) -> Silence:
    """What is to be remembered after the clock was set back to a moment (ms)."""
    return msgspec.structs.replace(state, since=min(state.since, now))


def _counted(when: Absence, since: int) -> Iterator[tuple[int, int]]:
    if when.during is None:
        return iter([(0, 1 << 62)])
    return islice(when.during.hours.ending_after(since), HOURS_LOOKED_AT)
