"""Reports of what was counted, by period, name or tag: of an aggregator, or of a project."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import AggregatorId
from gatepost.base.periods import Bucket
from gatepost.dialects.native.aggregators import parse_id
from gatepost.dialects.native.envelope import ok
from gatepost.domains.aggregators import counts
from gatepost.domains.aggregators.report import Filter, GroupBy
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import reports, sheet
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.reports import Group, RangeQuery, ReportLineOut, TagAll, TagAny, TagNone, Wanted


class ReportQuery(RangeQuery, rename="camel", frozen=True):
    """What to count and how."""

    group_by: Group = GroupBy.NONE
    top: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=100,
                description="So many groups, those of the most events; all others of a period "
                "are one line, marked `other`.",
            ),
        ]
        | UnsetType
    ) = UNSET
    tag_all: TagAll = msgspec.field(default_factory=list)
    tag_any: TagAny = msgspec.field(default_factory=list)
    tag_none: TagNone = msgspec.field(default_factory=list)


class StatsQuery(ReportQuery, rename="camel", frozen=True):
    """What to count, where and how."""

    aggregator: (
        Annotated[str, Meta(description="An aggregator's id, instead of the project's events.")]
        | UnsetType
    ) = UNSET


class ReportOut(msgspec.Struct, rename="camel"):
    """A report. `total` counts every event once, though it may be in the lines of several tags."""

    from_: str = msgspec.field(name="from")
    to: str
    bucket: Bucket
    group_by: GroupBy
    timezone: str
    total: int
    rows: list[ReportLineOut]
    previous_total: Annotated[
        int | UnsetType, Meta(description="Of as much time, just before; where it is asked for.")
    ] = UNSET


def parse(call: Call, body: bytes) -> Wanted:
    """Read a report's query; raises INVALID, or NOT_FOUND."""
    return _wanted(call, parse_id(call, body), queries.read(call, ReportQuery))


def parse_stats(call: Call, _body: bytes) -> Wanted:
    """Read a query for statistics; raises INVALID, or NOT_FOUND."""
    query: StatsQuery = queries.read(call, StatsQuery)
    if query.aggregator is not UNSET:
        named = AggregatorId(ids.parse("aggregator", str(query.aggregator)))
        return _wanted(call, named, query)
    of_project = _wanted(call, counts.of_project(call.project_id), query)
    return msgspec.structs.replace(of_project, of_project=True)


def _wanted(call: Call, aggregator_id: AggregatorId, query: ReportQuery) -> Wanted:
    chosen = Filter(
        names=tuple(query.event),
        tag_all=tuple(query.tag_all),
        tag_any=tuple(query.tag_any),
        tag_none=tuple(query.tag_none),
    )
    made = reports.wanted(call, aggregator_id, query, query.group_by, chosen)
    top = None if query.top is UNSET else int(query.top)
    return msgspec.structs.replace(made, top=top)


def run(tx: Tx, call: Call, wanted: Wanted) -> Reply:
    """Add up what was counted."""
    made = reports.make(tx, call, wanted)
    if wanted.as_csv:
        return reports.as_csv(wanted, made)
    ask = made.ask
    shown = ReportOut(
        clock.iso(ask.since),
        clock.iso(ask.until),
        ask.bucket,
        ask.group_by,
        ask.zone,
        made.report.total,
        reports.lines(made),
        made.previous_total,
    )
    return ok(call, shown)


ENDPOINTS = (
    Endpoint(
        operation="reportAggregator",
        method="GET",
        path="/v1/aggregators/{id}/report",
        scope=Scope.AGGREGATORS_READ,
        summary="What was counted",
        description="Counts are kept by the quarter of an hour: `from` and `to` count whole "
        "ones, those that begin in the range. Periods are those of the time zone's clocks and "
        "calendar; ungrouped, those without events are there as well. `prefix` groups tags by "
        "what is before their first `:` or `-`; `event_tag` tells every tag of every name apart. "
        "As CSV, a text that a spreadsheet would take for "
        "a formula begins with an apostrophe.",
        tag="Aggregators",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        project=False,
        query=ReportQuery,
        response=ReportOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
    Endpoint(
        operation="getStats",
        method="GET",
        path="/v1/stats",
        scope=Scope.AGGREGATORS_READ,
        summary="How many events there were",
        description="A report of a project that is `counting`: its events by channel (in the "
        "place of a name) and tags. Or, with `aggregator`, what was counted in that one.",
        tag="Aggregators",
        parse=parse_stats,
        run=run,
        charge=free,
        writes=False,
        query=StatsQuery,
        response=ReportOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
)
