"""`/v1/aggregators`: sets of counters, made, changed and ended."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import AggregatorId
from gatepost.base.periods import Bucket, day_before
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.domains.aggregators import counts, model, store
from gatepost.domains.aggregators.model import Aggregator
from gatepost.domains.aggregators.report import Ask
from gatepost.engine import aggregate
from gatepost.engine.aggregate import AggregatorChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call
from gatepost.web.validate import Body

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Description = Annotated[str, Meta(max_length=model.DESCRIPTION_MAX)]
Zone = Annotated[str, Meta(description="Whose days its reports show: an IANA time zone.")]
Archived = Annotated[
    bool, Meta(description="Whether it takes no more events. Its counts can still be read.")
]


LastSeen = Annotated[
    str | None,
    Meta(description="When the last quarter of an hour began that has events; given with `days`."),
]
Daily = Annotated[
    list[int],
    Meta(description="Events of each of these days of its time zone, today's last."),
]
Days = Annotated[
    int, Meta(ge=1, le=31, description="Adds the events of so many days, and the last one's time.")
]


class DaysQuery(msgspec.Struct, frozen=True):
    """Whether to say what was counted lately."""

    days: Days | UnsetType = UNSET


class AggregatorsQuery(PageQuery, frozen=True):
    """Which page, and whether to say what was counted lately."""

    days: Days | UnsetType = UNSET


class NewAggregatorIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """An aggregator to be."""

    name: Name
    description: Description = ""
    timezone: Zone = "UTC"


class AggregatorChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    archived: Archived | UnsetType = UNSET


class AggregatorOut(msgspec.Struct, rename="camel"):
    """An aggregator. Its id is what events are sent to."""

    id: str
    name: str
    description: str
    timezone: Zone
    archived: Archived
    created_at: str
    updated_at: str

    last_seen: LastSeen | UnsetType = UNSET
    daily: Daily | UnsetType = UNSET


class AggregatorsOut(msgspec.Struct, rename="camel"):
    """A page of aggregators; `next_cursor` is null on the last one."""

    aggregators: list[AggregatorOut]
    next_cursor: str | None


class Change(msgspec.Struct, frozen=True):
    """What to change of which aggregator."""

    aggregator_id: AggregatorId
    changes: AggregatorChanges


_new_body = Body(NewAggregatorIn)
_changes_body = Body(AggregatorChangesIn)


def parse_new(_call: Call, body: bytes) -> NewAggregatorIn:
    """Read an aggregator to be; raises INVALID."""
    new: NewAggregatorIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, command: NewAggregatorIn) -> Reply:
    """Make an aggregator."""
    admin.grantor(tx, call)
    made = aggregate.create_aggregator(
        tx,
        call.caller.account_id,
        command.name,
        call.actor,
        call.now,
        description=command.description,
        timezone=command.timezone,
    )
    return ok(call, show(made), 201)


def parse_page(call: Call, _body: bytes) -> AggregatorsQuery:
    """Read which page; raises INVALID."""
    query: AggregatorsQuery = queries.read(call, AggregatorsQuery)
    return query


def list_(tx: Tx, call: Call, query: AggregatorsQuery) -> Reply:
    """A page of the account's aggregators."""
    after, limit = admin.read_cursor(query.cursor), query.limit
    last = None if after is None else AggregatorId(after)
    found = store.list_(tx, call.caller.account_id, after=last, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    rows = [lately(tx, call, one, query.days) for one in page.rows]
    return ok(call, AggregatorsOut(rows, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> AggregatorId:
    """Read the id in the path; raises NOT_FOUND."""
    return AggregatorId(ids.parse("aggregator", call.params["id"]))


def parse_one(call: Call, body: bytes) -> tuple[AggregatorId, int | UnsetType]:
    """Read which one; raises INVALID, or NOT_FOUND."""
    return parse_id(call, body), queries.read(call, DaysQuery).days


def get(tx: Tx, call: Call, command: tuple[AggregatorId, int | UnsetType]) -> Reply:
    """Read one aggregator."""
    aggregator_id, days = command
    found = store.get(tx, call.caller.account_id, aggregator_id)
    return ok(call, lately(tx, call, found, days))


def lately(tx: Tx, call: Call, one: Aggregator, days: int | UnsetType) -> AggregatorOut:
    """Write an aggregator, with what was counted on so many days where that is asked for."""
    shown = show(one)
    if days is UNSET:
        return shown
    place = (one.account_id, one.id)
    since = day_before(call.now, int(days) - 1, one.timezone)
    ask = Ask(since=since, until=call.now + 1, zone=one.timezone, bucket=Bucket.DAY)
    shown.daily = [line.events for line in counts.report(tx, place, ask).lines]
    shown.last_seen = admin.moment(counts.last(tx, place))
    return shown


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    aggregator_id = parse_id(call, body)
    given = _changes_body.decode(body)
    return Change(
        aggregator_id,
        AggregatorChanges(
            name=given.name,
            description=given.description,
            timezone=given.timezone,
            archived=given.archived,
        ),
    )


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change an aggregator."""
    admin.grantor(tx, call)
    changed = aggregate.update_aggregator(
        tx,
        call.caller.account_id,
        command.aggregator_id,
        command.changes,
        call.actor,
        call.now,
    )
    return ok(call, show(changed))


def delete(tx: Tx, call: Call, aggregator_id: AggregatorId) -> Reply:
    """End an aggregator."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    gone = aggregate.delete_aggregator(tx, account_id, aggregator_id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show("aggregator", gone.id), gone.name))


def show(aggregator: Aggregator) -> AggregatorOut:
    """Write an aggregator for the wire."""
    return AggregatorOut(
        ids.show("aggregator", aggregator.id),
        aggregator.name,
        aggregator.description,
        aggregator.timezone,
        aggregator.archived_at is not None,
        clock.iso(aggregator.created_at),
        clock.iso(aggregator.updated_at),
    )


_endpoint = admin.managing("Aggregators", Scope.AGGREGATORS_READ, Scope.AGGREGATORS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createAggregator",
        "POST",
        "/v1/aggregators",
        summary="Make an aggregator",
        parse=parse_new,
        run=create,
        status=201,
        request=NewAggregatorIn,
        response=AggregatorOut,
        example={"name": "web shop", "timezone": "Europe/Berlin"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listAggregators",
        "GET",
        "/v1/aggregators",
        summary="List aggregators",
        description="Oldest first, archived ones too.",
        parse=parse_page,
        run=list_,
        query=AggregatorsQuery,
        response=AggregatorsOut,
    ),
    _endpoint(
        "getAggregator",
        "GET",
        "/v1/aggregators/{id}",
        summary="Read an aggregator",
        parse=parse_one,
        run=get,
        query=DaysQuery,
        response=AggregatorOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateAggregator",
        "PATCH",
        "/v1/aggregators/{id}",
        summary="Rename, describe, archive or revive an aggregator",
        parse=parse_changes,
        run=update,
        request=AggregatorChangesIn,
        response=AggregatorOut,
        example={"archived": True},
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteAggregator",
        "DELETE",
        "/v1/aggregators/{id}",
        summary="End an aggregator and forget its counts",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
