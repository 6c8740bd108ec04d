"""Which names and tags were counted: of an aggregator, or of a project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.base.ids import AggregatorId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import PageQuery
from gatepost.dialects.native.aggregators import parse_id
from gatepost.dialects.native.envelope import ok
from gatepost.domains.aggregators import counts, store
from gatepost.domains.aggregators.report import Seen
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.reports import Texts

Events = Annotated[
    Texts, Meta(description="Only these names, all on one page; repeatable, up to 50.")
]
Tags = Annotated[Texts, Meta(description="Only these tags, all on one page; repeatable, up to 50.")]


class SeenEventsQuery(PageQuery, frozen=True):
    """Which page, or which names."""

    event: Events = msgspec.field(default_factory=list)


class SeenTagsQuery(PageQuery, frozen=True):
    """Which page, or which tags."""

    tag: Tags = msgspec.field(default_factory=list)


class SeenEventOut(msgspec.Struct, rename="camel"):
    """A name, and how often it has been counted."""

    event: str
    count: int
    first_seen: str
    last_seen: str


class SeenTagOut(msgspec.Struct, rename="camel"):
    """A tag, and how many events had it."""

    tag: str
    count: int
    first_seen: str
    last_seen: str


class SeenEventsOut(msgspec.Struct, rename="camel"):
    """A page of names; `next_cursor` is null on the last one."""

    events: list[SeenEventOut]
    next_cursor: str | None


class SeenTagsOut(msgspec.Struct, rename="camel"):
    """A page of tags; `next_cursor` is null on the last one."""

    tags: list[SeenTagOut]
    next_cursor: str | None


class Listing(msgspec.Struct, frozen=True):
    """Which page of what was seen where; `wanted` are the only ones, if any are."""

    aggregator_id: AggregatorId
    of_project: bool
    after: bytes | None
    limit: int
    wanted: Sequence[str] = ()


def _place(call: Call, body: bytes) -> tuple[AggregatorId, bool]:
    """Where to look: the aggregator in the path, else the project; raises NOT_FOUND."""
    if "id" in call.params:
        return parse_id(call, body), False
    return counts.of_project(call.project_id), True


def parse_events(call: Call, body: bytes) -> Listing:
    """Read which names; raises INVALID, or NOT_FOUND."""
    query: SeenEventsQuery = queries.read(call, SeenEventsQuery)
    after = admin.read_cursor(query.cursor)
    return Listing(*_place(call, body), after, query.limit, query.event)


def parse_tags(call: Call, body: bytes) -> Listing:
    """Read which tags; raises INVALID, or NOT_FOUND."""
    query: SeenTagsQuery = queries.read(call, SeenTagsQuery)
    after = admin.read_cursor(query.cursor)
    return Listing(*_place(call, body), after, query.limit, query.tag)


def list_events(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the names there are."""
    page = _page(tx, call, command, counts.names, counts.some_names)
    rows = [SeenEventOut(*_seen(one)) for one in page.rows]
    return ok(call, SeenEventsOut(rows, page.next_cursor))


def list_tags(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the tags there are."""
    page = _page(tx, call, command, counts.tags, counts.some_tags)
    rows = [SeenTagOut(*_seen(one)) for one in page.rows]
    return ok(call, SeenTagsOut(rows, page.next_cursor))


def _page(
    tx: Tx,
    call: Call,
    command: Listing,
    find: Callable[[Tx, counts.Place, bytes | None, int], list[Seen]],
    some: Callable[[Tx, counts.Place, Sequence[str]], list[Seen]],
) -> paging.Page[Seen]:
    place = (call.caller.account_id, command.aggregator_id)
    if not command.of_project:
        store.get(tx, *place)
    if command.wanted:
        return paging.Page(some(tx, place, command.wanted), None)
    rows = find(tx, place, command.after, command.limit + 1)
    return paging.page(rows, command.limit, counts.position)


def _seen(one: Seen) -> tuple[str, int, str, str]:
    return one.text, one.events, clock.iso(one.first), clock.iso(one.last)


def _reading(operation: str, path: str, **more: Any) -> Endpoint:
    told = "In their own order, over the whole time; first and last seen by the quarter of an hour."
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.AGGREGATORS_READ,
        description=told,
        tag="Aggregators",
        charge=free,
        writes=False,
        project="{id}" not in path,
        **more,
    )


_EVENTS: dict[str, Any] = {
    "parse": parse_events,
    "run": list_events,
    "query": SeenEventsQuery,
    "response": SeenEventsOut,
    "summary": "Which names were counted",
}
_TAGS: dict[str, Any] = {
    "parse": parse_tags,
    "run": list_tags,
    "query": SeenTagsQuery,
    "response": SeenTagsOut,
    "summary": "Which tags were counted",
}

ENDPOINTS = (
    _reading("listAggregatorEvents", "/v1/aggregators/{id}/events", **_EVENTS),
    _reading("listAggregatorTags", "/v1/aggregators/{id}/tags", **_TAGS),
    _reading("listStatsEvents", "/v1/stats/events", **_EVENTS),
    _reading("listStatsTags", "/v1/stats/tags", **_TAGS),
)
