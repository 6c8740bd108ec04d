"""Numbers of today, and of the days before for comparison. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from gatepost.dashboard.desk import Page
from gatepost.dashboard.render import day_of

DAYS = 14
STORED = frozenset({"POST /v1/events", "POST /v1/events/batch"})
"""Endpoints whose units are events that were stored."""


class Span(msgspec.Struct, frozen=True):
    """The days that are shown, the last of which is today, in the visitor's zone."""

    days: tuple[date, ...]
    since: datetime
    tz: tzinfo

    @property
    def zone(self) -> str:
        """The zone's name."""
        return str(getattr(self.tz, "key", "UTC"))

    def is_today(self, iso: str) -> bool:
        """Whether a moment is of today."""
        return day_of(iso, self.tz) == self.days[-1]

    def by_day(self, moments: Iterable[str]) -> list[int]:
        """How many moments each day has."""
        found = Counter(day_of(one, self.tz) for one in moments)
        return [found[day] for day in self.days]


class Tile(msgspec.Struct, frozen=True):
    """A number of today, what it was in the days before, and where its page is. `more` says that
    there are more than were counted; `bad` numbers are to be nothing.
    """

    name: str
    value: int
    before: Sequence[int]
    path: str
    about: str
    more: bool = False
    bad: bool = False

    @property
    def words(self) -> str:
        """The same for whoever does not see the bars."""
        return f"{self.name}, the last {len(self.before)} days: {', '.join(map(str, self.before))}"


def span(now: int, zone: tzinfo) -> Span:
    """The days up to a moment (ms)."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    days = tuple(today - timedelta(days=DAYS - 1 - at) for at in range(DAYS))
    first = datetime(days[0].year, days[0].month, days[0].day, tzinfo=zone)
    return Span(days, first, zone)


def tiles(span: Span, usage: list[Any], failed: Page, alerts: Page) -> list[Tile]:
    """The numbers at the top."""
    stored = [one for one in usage if one["group"]["endpoint"] in STORED]
    units, requests = _sums(span, stored, "units"), _sums(span, usage, "requests")
    errors = _sums(span, usage, "errors")
    told = span.by_day(one["openedAt"] for one in alerts.items)
    fails = span.by_day(one["createdAt"] for one in failed.items)
    open_ = sum(one["status"] == "open" for one in alerts.items)
    return [
        Tile("Events today", units[-1], units, "feed", f"{sum(units):,} in {DAYS} days"),
        Tile(
            "Alerts today",
            told[-1],
            told,
            "alerts",
            f"{open_} open" if open_ else "None is open",
            more=bool(alerts.next),
            bad=bool(open_),
        ),
        Tile(
            "Failed deliveries today",
            fails[-1],
            fails,
            "deliveries?state=failed",
            f"{sum(fails):,} in {DAYS} days",
            more=bool(failed.next),
            bad=bool(fails[-1]),
        ),
        Tile(
            "Requests today",
            requests[-1] + errors[-1],
            [one + more for one, more in zip(requests, errors, strict=True)],
            "usage",
            f"{errors[-1]:,} of them failed" if errors[-1] else "None of them failed",
        ),
    ]


def _sums(span: Span, rows: Iterable[Any], name: str) -> list[int]:
    found: Counter[date] = Counter()
    for row in rows:
        found[day_of(row["start"], span.tz)] += row[name]
    return [found[day] for day in span.days]
