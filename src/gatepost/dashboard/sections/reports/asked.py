"""What a report's address asks for: all that is seen stands in it."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.dashboard.desk import Query
from gatepost.dashboard.forms import Fields
from gatepost.dashboard.sections.reports import ranges
from gatepost.dashboard.sections.reports.ranges import Span

GROUPS = {
    "event": "by event",
    "tag": "by tag",
    "prefix": "by kind of tag",
    "none": "together",
}
VIEWS = {"time": "Over time", "events": "Events", "tags": "Tags", "grid": "Events by tags"}
FILTERS = {
    "event": "Event is any of",
    "tagAll": "Tags: has all of",
    "tagAny": "Tags: has any of",
    "tagNone": "Tags: has none of",
}
NAMES = frozenset(
    {"view", "period", "from", "until", "bucket", "timezone", "by", "against", "hide", *FILTERS}
)
"""What of an address is about the report."""
CUSTOM = "custom"
BEFORE = "before"
OTHERS = "others"
NAMED = "="
"""Before the name of a group that is hidden: no name is taken for the others."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the address has it; `zone` is a name, "" the usual one of what is shown."""

    view: str = "time"
    period: str = ranges.USUAL
    first: str = ""
    last: str = ""
    bucket: str = ""
    zone: str = ""
    by: str = "event"
    against: str = ""
    event: tuple[str, ...] = ()
    tag_all: tuple[str, ...] = ()
    tag_any: tuple[str, ...] = ()
    tag_none: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """Whose events count, as the API names it."""
        values = (self.event, self.tag_all, self.tag_any, self.tag_none)
        return dict(zip(FILTERS, values, strict=True))

    @property
    def narrowed(self) -> bool:
        """Whether not all events count."""
        return any(self.filters.values())

    def query(self, span: Span, zone: str, **more: Any) -> Query:
        """What the API is asked, for a span of time."""
        between = {"from": span.since.isoformat(), "to": span.until.isoformat(), "timezone": zone}
        return {**between, **self.filters, **more}


def read(query: Fields) -> Asked:
    """Read an address; what is unknown is as if it were not there."""
    typed = "from" in query or "until" in query
    return Asked(
        view=_known(query.get("view"), VIEWS, "time"),
        period=CUSTOM if typed else _known(query.get("period"), ranges.PERIODS, ranges.USUAL),
        first=query.get("from"),
        last=query.get("until"),
        bucket=_known(query.get("bucket"), ranges.BUCKETS, ""),
        zone=query.get("timezone"),
        by=_known(query.get("by"), GROUPS, "event"),
        against=query.get("against"),
        event=_all(query, "event"),
        tag_all=_all(query, "tagAll"),
        tag_any=_all(query, "tagAny"),
        tag_none=_all(query, "tagNone"),
        hide=_all(query, "hide"),
    )


def about(query: Fields) -> dict[str, list[str]]:
    """What of an address is about the report, and not about the page."""
    kept: dict[str, list[str]] = {}
    for name, value in query.pairs:
        if name in NAMES:
            kept.setdefault(name, []).append(value)
    return kept


def added(query: Fields) -> dict[str, list[str]]:
    """A filter that was just typed, with those of its kind that stand already."""
    kind, text = query.get("add"), query.get("text")
    return {kind: [*_all(query, kind), text]} if kind in FILTERS and text else {}


def _known(value: str, among: Any, otherwise: str) -> str:
    return value if value in among else otherwise


def _all(query: Fields, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(query.all(name)))
