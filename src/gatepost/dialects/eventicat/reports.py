"""`/api/v1/aggregators/{id}/report`, `/events` and `/tags`: what was counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock
from gatepost.base.ids import AggregatorId
from gatepost.base.periods import Bucket
from gatepost.dialects.eventicat.envelope import reply
from gatepost.dialects.eventicat.management import (
    CREDENTIAL,
    PATH,
    PageQuery,
    parse_id,
    parse_page,
)
from gatepost.domains.aggregators import counts, store
from gatepost.domains.aggregators.report import Filter, GroupBy, Seen
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import reports, sheet
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.reports import Group, RangeQuery, ReportLineOut, TagAll, TagAny, TagNone, Wanted


class ReportQuery(RangeQuery, frozen=True):
    """What to count and how."""

    group_by: Group = GroupBy.NONE
    tag_all: TagAll = msgspec.field(default_factory=list)
    tag_any: TagAny = msgspec.field(default_factory=list)
    tag_none: TagNone = msgspec.field(default_factory=list)


class ReportOut(msgspec.Struct):
    """A report. `total` counts every event once, though it may be in the rows of several tags."""

    from_: str = msgspec.field(name="from")
    to: str
    bucket: Bucket
    timezone: str
    total: int
    rows: list[ReportLineOut]
    previous_total: Annotated[
        int | UnsetType, Meta(description="Of as much time, just before; where it is asked for.")
    ] = UNSET


class SeenEventOut(msgspec.Struct):
    """A name, and how often it has been counted."""

    event: str
    count: int
    first_seen: str
    last_seen: str


class SeenTagOut(msgspec.Struct):
    """A tag, and how many events had it."""

    tag: str
    count: int
    first_seen: str
    last_seen: str


class SeenEventsOut(msgspec.Struct):
    """A page of names; `next_cursor` is null on the last one."""

    events: list[SeenEventOut]
    next_cursor: str | None


class SeenTagsOut(msgspec.Struct):
    """A page of tags; `next_cursor` is null on the last one."""

    tags: list[SeenTagOut]
    next_cursor: str | None


class Listing(msgspec.Struct, frozen=True):
    """Which page of what was seen in which aggregator."""

    aggregator_id: AggregatorId
    after: bytes | None
    limit: int


def parse(call: Call, body: bytes) -> Wanted:
    """Read a report's query; raises INVALID, or NOT_FOUND."""
    aggregator_id = parse_id(call, body)
    query: ReportQuery = queries.read(call, ReportQuery, beside=CREDENTIAL)
    chosen = Filter(
        names=tuple(query.event),
        tag_all=tuple(query.tag_all),
        tag_any=tuple(query.tag_any),
        tag_none=tuple(query.tag_none),
    )
    return reports.wanted(call, aggregator_id, query, query.group_by, chosen)


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
        ask.zone,
        made.report.total,
        reports.lines(made),
        made.previous_total,
    )
    return reply(call, shown)


def parse_listing(call: Call, body: bytes) -> Listing:
    """Read which page; raises INVALID, or NOT_FOUND."""
    return Listing(parse_id(call, body), *parse_page(call, body))


def list_events(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the names there are."""
    page = _page(tx, call, command, counts.names)
    rows = [SeenEventOut(*_seen(one)) for one in page.rows]
    return reply(call, SeenEventsOut(rows, page.next_cursor))


def list_tags(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the tags there are."""
    page = _page(tx, call, command, counts.tags)
    rows = [SeenTagOut(*_seen(one)) for one in page.rows]
    return reply(call, SeenTagsOut(rows, page.next_cursor))


def _page(
    tx: Tx,
    call: Call,
    command: Listing,
    find: Callable[[Tx, counts.Place, bytes | None, int], list[Seen]],
) -> paging.Page[Seen]:
    found = store.get(tx, call.caller.account_id, command.aggregator_id)
    place = (found.account_id, found.id)
    rows = find(tx, place, command.after, command.limit + 1)
    return paging.page(rows, command.limit, counts.position)


def _seen(one: Seen) -> tuple[str, int, str, str]:
    return one.text, one.events, clock.iso(one.first), clock.iso(one.last)


def _reading(operation: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=f"{PATH}/{{id}}{path}",
        scope=Scope.AGGREGATORS_READ,
        tag="Aggregators",
        charge=free,
        writes=False,
        project=False,
        **more,
    )


ENDPOINTS = (
    _reading(
        "reportAggregator",
        "/report",
        summary="What was counted",
        description="Counts are kept by the quarter of an hour: `from` and `to` count whole "
        "ones, those that begin in the range. Periods are those of the time zone's clocks and "
        "calendar; ungrouped, those without events are there as well. `prefix` groups tags by "
        "what is before their first `:` or `-`. As CSV, a text that a spreadsheet would take for "
        "a formula begins with an apostrophe.",
        parse=parse,
        run=run,
        query=ReportQuery,
        response=ReportOut,
        also=(sheet.CSV,),
    ),
    _reading(
        "listAggregatorEvents",
        "/events",
        summary="Which names were counted",
        description="In their own order, over the whole time.",
        parse=parse_listing,
        run=list_events,
        query=PageQuery,
        response=SeenEventsOut,
    ),
    _reading(
        "listAggregatorTags",
        "/tags",
        summary="Which tags were counted",
        description="In their own order, over the whole time. An event with several tags counts "
        "for each of them.",
        parse=parse_listing,
        run=list_tags,
        query=PageQuery,
        response=SeenTagsOut,
    ),
)
