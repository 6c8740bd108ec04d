"""What each view of a report reads, and what it shows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Any

import msgspec

from gatepost.dashboard.desk import Query, at
from gatepost.dashboard.sections.reports import figures
from gatepost.dashboard.sections.reports.asked import BEFORE, Asked
from gatepost.dashboard.sections.reports.manage import AGGREGATORS
from gatepost.dashboard.sections.reports.ranges import Span
from gatepost.dashboard.sections.reports.source import Source

ROWS = 50
AGAINST_WORDS = {BEFORE: "The time before"}


class Wanted(msgspec.Struct, frozen=True):
    """A report: of what, how, of which time. `get` reads from the API."""

    source: Source
    asked: Asked
    span: Span
    bucket: str
    zone_name: str
    zone: tzinfo
    get: Callable[..., Awaitable[Any]]

    def query(self, span: Span | None = None, **more: Any) -> Query:
        """What the API is asked."""
        return self.asked.query(span or self.span, self.zone_name, **more)

    async def report(self, span: Span | None = None, **more: Any) -> Any:
        """Read one; raises Refused."""
        return await self.get(self.source.report, self.query(span, **more))

    @property
    def before(self) -> Span:
        """The time that this one is held against."""
        return self.span.year_before if self.bucket == "month" else self.span.before


def exported(wanted: Wanted) -> Query:
    """What the API is asked for the rows that the view shows."""
    if wanted.asked.view == "time":
        return wanted.query(**_grouped(wanted))
    if wanted.asked.view == "grid":
        return wanted.query(groupBy="event_tag")
    return wanted.query(groupBy=wanted.asked.view.removesuffix("s"), top=ROWS)


def _grouped(wanted: Wanted) -> dict[str, Any]:
    by = wanted.asked.by
    cut = {} if by == "none" else {"groupBy": by, "top": figures.TOP}
    return {"bucket": wanted.bucket, **cut}


async def time(wanted: Wanted) -> dict[str, Any]:
    """Bars over the time, of names or tags, beside an earlier time or another aggregator."""
    periods, grouped, before = await asyncio.gather(
        wanted.report(bucket=wanted.bucket),
        _maybe(wanted.asked.by != "none", wanted.report(**_grouped(wanted))),
        _maybe(bool(wanted.asked.against), _against(wanted)),
    )
    was = () if before is None else [row["count"] for row in before["rows"]]
    made = figures.chart(
        f"Events by {wanted.bucket}",
        periods,
        grouped,
        wanted.zone,
        hide=wanted.asked.hide,
        before=was,
    )
    total = periods["total"]
    earlier = None if before is None else before["total"]
    return {
        "chart": made,
        "hidden": figures.hidden(wanted.asked.hide),
        "tokens": [figures.token(one) for one in made.lines],
        "total": total,
        "earlier": earlier,
        "change": figures.change(total, earlier),
        "against": AGAINST_WORDS.get(wanted.asked.against, "The other aggregator"),
        "twice": grouped is not None and sum(row["count"] for row in grouped["rows"]) > total,
    }


async def _against(wanted: Wanted) -> Any:
    """The totals to compare with; raises Refused."""
    if wanted.asked.against == BEFORE:
        return await wanted.report(wanted.before, bucket=wanted.bucket)
    path = at(AGGREGATORS, wanted.asked.against, "report")
    return await wanted.get(path, wanted.query(bucket=wanted.bucket))


async def _maybe(wished: bool, reading: Awaitable[Any]) -> Any:  # noqa: FBT001 # the question
    if wished:
        return await reading
    reading.close()  # type: ignore[attr-defined] # a coroutine that nobody starts
    return None


async def events(wanted: Wanted) -> dict[str, Any]:
    """Names, the most frequent first."""
    now = await wanted.report(groupBy="event", top=ROWS)
    names = [row["event"] for row in now["rows"] if "event" in row]
    before, seen = await asyncio.gather(
        wanted.report(wanted.before, groupBy="event", **({"event": names} if names else {})),
        _seen(wanted, "events", "event", names),
    )
    return {"rows": figures.table(now, before, seen, "event"), "total": now["total"]}


async def tags(wanted: Wanted) -> dict[str, Any]:
    """Tags, the most frequent first."""
    now = await wanted.report(groupBy="tag", top=ROWS)
    names = [row["tag"] for row in now["rows"] if "tag" in row]
    before, seen = await asyncio.gather(
        wanted.report(wanted.before, groupBy="tag"), _seen(wanted, "tags", "tag", names)
    )
    return {"rows": figures.table(now, before, seen, "tag"), "total": now["total"]}


async def _seen(wanted: Wanted, what: str, member: str, names: list[str]) -> Any:
    if not names:
        return []
    return (await wanted.get(wanted.source.listing(what), {member: names}))[what]


async def grid(wanted: Wanted) -> dict[str, Any]:
    """How often each tag was on each name."""
    made = await wanted.report(groupBy="event_tag")
    return {"grid": figures.grid(made), "total": made["total"]}
