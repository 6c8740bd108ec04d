"""Which time a report is of: what the address says, in the viewer's calendar."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from gatepost.dashboard.desk import Query
from gatepost.dashboard.forms import Fields

SPANS = (
    ("month", "This month"),
    ("last-month", "Last month"),
    ("today", "Today"),
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
)
GRANULARITIES = (("", "As it fits"), ("hour", "Hours"), ("day", "Days"), ("month", "Months"))
HOURS_UP_TO = 2
DAYS_UP_TO = 92


class Span(msgspec.Struct, frozen=True):
    """Days from the first up to, and without, the last one; `name` is "" for those of one's own."""

    name: str
    since: date
    until: date
    granularity: str

    @property
    def before(self) -> Span:
        """As much time just before; of a month, the month before."""
        if self.name in {"month", "last-month"}:
            first = (self.since - timedelta(days=1)).replace(day=1)
            return msgspec.structs.replace(self, since=first, until=self.since)
        return msgspec.structs.replace(
            self, since=self.since - (self.until - self.since), until=self.since
        )

    def query(self, zone: str) -> Query:
        """The same as the API takes it."""
        return {"from": str(self.since), "to": str(self.until), "timezone": zone}


def read(query: Fields, today: date) -> Span:
    """Read an address. What is no day there is left out."""
    since, until = _day(query.get("from")), _day(query.get("until"))
    asked = query.get("granularity")
    if since is not None or until is not None:
        end = (until or today) + timedelta(days=1)
        start = since if since is not None and since < end else end - timedelta(days=30)
        return Span("", start, end, _granularity(asked, start, end))
    name = query.get("span") if query.get("span") in dict(SPANS) else "month"
    start, end = _named(name, today)
    return Span(name, start, end, _granularity(asked, start, end))


def _named(name: str, today: date) -> tuple[date, date]:
    tomorrow, first = today + timedelta(days=1), today.replace(day=1)
    if name == "month":
        return first, (first + timedelta(days=32)).replace(day=1)
    if name == "last-month":
        return (first - timedelta(days=1)).replace(day=1), first
    days = 1 if name == "today" else int(name)
    return tomorrow - timedelta(days=days), tomorrow


def _granularity(asked: str, since: date, until: date) -> str:
    if asked in dict(GRANULARITIES) and asked:
        return asked
    days = (until - since).days
    return "hour" if days <= HOURS_UP_TO else "day" if days <= DAYS_UP_TO else "month"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
