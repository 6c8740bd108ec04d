"""Reports of usage: by period, customer, endpoint, method, status, key or project. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from gatepost.base import clock
from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import CustomerId, ProjectId
from gatepost.base.periods import Bucket, periods
from gatepost.domains.usage.model import ERROR_FROM

QUARTERS_DAYS = 60
"""Days the quarters of an hour are kept apart; then their hours are."""
HOURS_DAYS = 400
"""Days hours are kept apart, which is more than 13 months; then their days (UTC) are, for ever."""
HOURS_ASKED_MAX = 31
DAYS_ASKED_MAX = 400


class Dimension(StrEnum):
    """What is told apart."""

    CUSTOMER = "customer"
    ENDPOINT = "endpoint"
    METHOD = "method"
    STATUS = "status"
    KEY = "key"
    PROJECT = "project"


class Row(msgspec.Struct, frozen=True, gc=False):
    """Requests with one status of one slot (ms, 0 where slots are not told apart), and their
    units; what is not told apart is empty.
    """

    slot: int
    status: int
    requests: int
    units: int
    customer_id: bytes = b""
    key_id: bytes = b""
    project_id: bytes = b""
    route: str = ""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked for: moments in ms, `since` inside, `until` outside.

    Of these customers alone, or of all; `named` leaves out what was done for none. `endpoints`
    are methods with path templates. Of one project alone, or of all.
    """

    since: int
    until: int
    zone: str = "UTC"
    bucket: Bucket = Bucket.NONE
    group_by: tuple[Dimension, ...] = ()
    customers: tuple[CustomerId, ...] = ()
    endpoints: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    project_id: ProjectId | None = None
    named: bool = False


class Figures(msgspec.Struct, frozen=True):
    """Requests that succeeded, the units they were worth, and requests that failed."""

    requests: int = 0
    units: int = 0
    errors: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Add two up."""
        return Figures(
            self.requests + other.requests,
            self.units + other.units,
            self.errors + other.errors,
        )


Value = str | int | bytes


class Line(msgspec.Struct, frozen=True):
    """The figures of one period and group; `group` has a value for each dimension asked for."""

    start: int
    end: int
    group: tuple[Value, ...]
    figures: Figures


class Report(msgspec.Struct, frozen=True):
    """All lines by time and group, and the figures of the whole range."""

    lines: list[Line]
    totals: Figures


def check(ask: Ask, now: int) -> None:
    """Raise INVALID for a range that is none or lies before what is kept so finely, and
    RANGE_TOO_LARGE for one with too many periods.
    """
    if ask.since >= ask.until:
        raise invalid((["from"], "Must be before to"))
    days = (ask.until - ask.since) / DAY_MS
    # A day of slack: the clocks of a zone may be set within the range.
    if ask.bucket is Bucket.HOUR and days > HOURS_ASKED_MAX + 1 / 24:
        detail = f"Hours are told for at most {HOURS_ASKED_MAX} days"
        raise AppError(Code.RANGE_TOO_LARGE, detail)
    if ask.bucket is Bucket.DAY and days > DAYS_ASKED_MAX + 1 / 24:
        detail = f"Days are told for at most {DAYS_ASKED_MAX} days"
        raise AppError(Code.RANGE_TOO_LARGE, detail)
    for bound in (*periods(ask.since, ask.until, ask.bucket, ask.zone), ask.until):
        _check_kept(bound, now)


def _check_kept(bound: int, now: int) -> None:
    """A period must not begin or end within what has been added up."""
    for kept_days, whole_ms, what in (
        (HOURS_DAYS, DAY_MS, "days (UTC)"),
        (QUARTERS_DAYS, HOUR_MS, "hours (UTC)"),
    ):
        oldest = kept_since(now, kept_days)
        if bound < oldest and bound % whole_ms:
            earliest = clock.iso(oldest)
            raise invalid((["from"], f"Before {earliest} only whole {what} are kept"))


def kept_since(now: int, days: int) -> int:
    """The moment (ms) from which on something is kept for so many days: a whole hour."""
    return (now - days * DAY_MS) // HOUR_MS * HOUR_MS


def report(ask: Ask, rows: Iterable[Row]) -> Report:
    """Add rows up. Without groups every period has a line."""
    starts = periods(ask.since, ask.until, ask.bucket, ask.zone)
    ends = [*starts[1:], ask.until]
    sums: dict[tuple[int, tuple[Value, ...]], Figures] = {}
    totals = Figures()
    for row in rows:
        figures = _figures(row)
        totals += figures
        at = bisect_right(starts, row.slot) - 1 if len(starts) > 1 else 0
        where = (at, tuple(_value(one, row) for one in ask.group_by))
        sums[where] = sums.get(where, Figures()) + figures
    if not ask.group_by:
        for at in range(len(starts)):
            sums.setdefault((at, ()), Figures())
    lines = [Line(starts[at], ends[at], group, sums[at, group]) for at, group in sorted(sums)]
    return Report(lines, totals)


def highest_first(lines: Sequence[Line]) -> list[Line]:
    """Lines by their requests, then units, most of them first."""
    return sorted(lines, key=lambda one: (-one.figures.requests, -one.figures.units, one.group))


def _figures(row: Row) -> Figures:
    if row.status >= ERROR_FROM:
        return Figures(errors=row.requests)
    return Figures(row.requests, row.units)


def _value(dimension: Dimension, row: Row) -> Value:
    match dimension:
        case Dimension.CUSTOMER:
            return row.customer_id
        case Dimension.ENDPOINT:
            return row.route
        case Dimension.METHOD:
            return row.route.partition(" ")[0]
        case Dimension.STATUS:
            return row.status
        case Dimension.KEY:
            return row.key_id
        case Dimension.PROJECT:
            return row.project_id
