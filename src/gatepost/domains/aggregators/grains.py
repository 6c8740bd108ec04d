"""Grains: in what pieces of time sums are kept, and of which of them a report is made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise

import msgspec

from gatepost.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, iso
from gatepost.base.errors import AppError, invalid
from gatepost.base.periods import SLOT_MS
from gatepost.domains.aggregators.report import Ask, GroupBy

QUARTERS_DAYS = 62
"""Sixty, and as much as days begin earlier elsewhere, or a report is asked for later."""
HOURS_DAYS = 400
"""Thirteen months, and the same."""
GRACE_MS = MINUTE_MS
"""After the end of a slot: those who count may have clocks of their own."""
FEW = 64
"""So many periods are added up one by one, more of them in one go."""


class Grain(IntEnum):
    """How many minutes a sum is of. Hours and days are those of UTC."""

    QUARTER = 15
    HOUR = 60
    DAY = 1440

    @property
    def ms(self) -> int:
        """As milliseconds."""
        return self * MINUTE_MS


class Facet(IntEnum):
    """Of what a sum is: of all events, of those of a name, or of those with a tag."""

    ALL = 0
    NAME = 1
    TAG = 2


KEPT_OF: Mapping[int, tuple[Grain, ...]] = {
    Facet.ALL: (Grain.QUARTER, Grain.HOUR, Grain.DAY),
    Facet.NAME: (Grain.HOUR, Grain.DAY),
    Facet.TAG: (Grain.HOUR, Grain.DAY),
}
"""By the quarter, names and tags are added up when they are asked for: there are too many."""
FINER = {Grain.DAY: Grain.HOUR, Grain.HOUR: Grain.QUARTER}
"""What the ends of a period are made of that are no whole days, or hours."""


class Kept(msgspec.Struct, frozen=True):
    """What there is of an aggregator's past (ms): from when on quarters and hours are kept, and
    the first slot of all.
    """

    quarters_from: int = 0
    hours_from: int = 0
    first: int | None = None


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Sums of one grain, from a moment to another (ms). All of them are in one period, or not."""

    grain: Grain
    since: int
    until: int
    one: bool


def finished(now: int) -> int:
    """Before which moment (ms) slots are over."""
    return _down(now - GRACE_MS, SLOT_MS)


def quarters_cut(now: int, begun: int) -> int:
    """Before which moment (ms) no quarters are kept, where counters are moved on since `begun`."""
    return _cut(now, begun, QUARTERS_DAYS)


def hours_cut(now: int, begun: int) -> int:
    """Before which moment (ms) no hours are kept, where counters are moved on since `begun`."""
    return _cut(now, begun, HOURS_DAYS)


def _cut(now: int, begun: int, days: int) -> int:
    """What came all at once, however old, is kept as long as what is new."""
    at = now - days * DAY_MS
    return _down(at, DAY_MS) if begun <= at else 0


def facet_of(ask: Ask) -> Facet | None:
    """Which sums answer a report; None where names and sets of tags must be looked at."""
    chosen, by = ask.filter, ask.group_by
    if chosen.about_tags:
        one = len({*chosen.tag_all, *chosen.tag_any}) == 1
        simple = one and not chosen.tag_none and not chosen.names and by is GroupBy.NONE
        return Facet.TAG if simple else None
    whole = {GroupBy.PREFIX, GroupBy.PAIR}
    if by in whole or (by is GroupBy.TAG and chosen.names):
        return None
    if by is GroupBy.TAG:
        return Facet.TAG
    return Facet.NAME if chosen.names or by is GroupBy.EVENT else Facet.ALL


def bounds(starts: Sequence[int], until: int) -> list[int]:
    """Where periods begin and the last one ends, in slots: one belongs where it begins."""
    return [-(-at // SLOT_MS) * SLOT_MS for at in (*starts, until)]


def check(cuts: Sequence[int], kept: Kept) -> None:
    """Refuse periods that begin or end within what is no more told apart; raises INVALID."""
    if kept.first is None:
        return
    hour, day = _down(kept.first, HOUR_MS), _down(kept.first, DAY_MS)
    quarters, hours = kept.quarters_from, kept.hours_from
    wrong = [
        at
        for at in cuts
        if (at % HOUR_MS and hour < at < quarters) or (at % DAY_MS and day < at < hours)
    ]
    if wrong:
        days = max(wrong) < kept.hours_from
        raise _gone("days", kept.hours_from) if days else _gone("hours", kept.quarters_from)


def _gone(whole: str, since: int) -> AppError:
    told = f"Before {iso(since)} only whole {whole} of UTC are kept: begin then, or ask for these"
    return invalid((["from"], told))


def pieces(cuts: Sequence[int]) -> list[Piece]:
    """Cover periods, each between two neighbours, with as few sums as possible.

    Where there are many periods, sums of the same grain that follow each other are one piece.
    """
    few = len(cuts) <= FEW
    found: list[Piece] = []
    for since, until in pairwise(cuts):
        for grain, low, high in _parts(since, until):
            last = found[-1] if found else None
            if few or last is None or last.grain is not grain or last.until != low:
                found.append(Piece(grain, low, high, one=True))
            else:
                found[-1] = Piece(grain, last.since, high, one=False)
    return found


def _parts(since: int, until: int) -> Iterable[tuple[Grain, int, int]]:
    """Cover one period; there may be thousands of an hour each."""
    if until - since == HOUR_MS and not since % HOUR_MS:
        return ((Grain.HOUR, since, until),)
    return _cover(since, until, Grain.DAY)


def _cover(since: int, until: int, grain: Grain) -> Iterator[tuple[Grain, int, int]]:
    """Cover one period with whole sums of a grain, and its ends with finer ones."""
    low, high = -(-since // grain.ms) * grain.ms, _down(until, grain.ms)
    if low >= high:
        if since < until:
            yield from _cover(since, until, FINER[grain])
        return
    if since < low:
        yield from _cover(since, low, FINER[grain])
    yield grain, low, high
    if high < until:
        yield from _cover(high, until, FINER[grain])


def _down(at: int, unit: int) -> int:
    return at - at % unit
