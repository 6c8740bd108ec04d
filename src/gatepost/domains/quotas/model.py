"""Which period a moment belongs to. Derived, never counted by a timer, so none is skipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId

PERIOD_MS = 30 * DAY_MS
MONTHS_FROM = 20_000
"""Periods of thirty days have smaller numbers than this, months larger ones."""
DAYS_FROM = 10**6
"""Months have smaller numbers than this, days larger ones."""
STARTS_FROM = 10**9
"""Days have smaller numbers than this; larger ones are the moments (ms) that periods begin at."""

Spans = tuple[tuple[int, int], ...]


class Allowance(msgspec.Struct, frozen=True):
    """One quota as the gate charges it: at most `limit` units in its period.

    `anchor` is None for calendar months, else the moment (ms) periods of 30 days count from; a
    `daily` one has days. Months and days are those of UTC.
    """

    name: str
    limit: int
    counts: frozenset[str]
    anchor: int | None = None
    daily: bool = False


class Slot(NamedTuple):
    """What is charged: an account's quota in one period."""

    account_id: AccountId
    quota: str
    period: int


def period(allowance: Allowance, now: int) -> int:
    """Number the period `now` falls into; a new number starts from nothing."""
    if allowance.daily:
        return DAYS_FROM + now // DAY_MS
    if allowance.anchor is not None:
        return (now - allowance.anchor) // PERIOD_MS
    moment = datetime.fromtimestamp(now / 1000, UTC)
    return moment.year * 12 + moment.month - 1


def resets_at(allowance: Allowance, now: int) -> int:
    """When the next period begins (ms)."""
    number = period(allowance, now) + 1
    if allowance.daily:
        return (number - DAYS_FROM) * DAY_MS
    if allowance.anchor is not None:
        return allowance.anchor + number * PERIOD_MS
    year, month = divmod(number, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000)


def ended(before: int, anchor: int) -> Spans:
    """Which numbers (from, to before) mean a period that had ended at a moment (ms), or begun
    before it if moments are what it is named by. Those of thirty days count from an anchor (ms).
    """
    none: frozenset[str] = frozenset()
    thirty_days, month = Allowance("", 0, none, anchor), Allowance("", 0, none)
    day = Allowance("", 0, none, daily=True)
    return (
        (-MONTHS_FROM, period(thirty_days, before)),
        (MONTHS_FROM, period(month, before)),
        (DAYS_FROM, period(day, before)),
        (STARTS_FROM, before),
    )
