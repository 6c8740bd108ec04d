"""Which period a moment belongs to. Derived, never counted by a timer, so none is skipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId

PERIOD_MS = 30 * DAY_MS


class Allowance(msgspec.Struct, frozen=True):
    """One quota as the gate charges it: at most `limit` units in its period.

    `anchor` is None for calendar months, else the moment (ms) periods of 30 days count from.
    """

    name: str
    limit: int
    counts: frozenset[str]
    anchor: int | None = None


class Slot(NamedTuple):
    """What is charged: an account's quota in one period."""

    account_id: AccountId
    quota: str
    period: int


def period(allowance: Allowance, now: int) -> int:
    """Number the period `now` falls into; a new number starts from nothing."""
    if allowance.anchor is not None:
        return (now - allowance.anchor) // PERIOD_MS
    moment = datetime.fromtimestamp(now / 1000, UTC)
    return moment.year * 12 + moment.month - 1


def resets_at(allowance: Allowance, now: int) -> int:
    """When the next period begins (ms)."""
    number = period(allowance, now) + 1
    if allowance.anchor is not None:
        return allowance.anchor + number * PERIOD_MS
    year, month = divmod(number, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000)
