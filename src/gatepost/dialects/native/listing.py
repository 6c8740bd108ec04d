"""`GET /v1/events`: the newest events first, and how a query says which ones."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, invalid
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.events import EventOut, show
from gatepost.domains.channels.model import normalise
from gatepost.domains.events import search, terms
from gatepost.engine.identify import known_names
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

METADATA = "metadata."

Text = Annotated[str, Meta(max_length=255)]
Limit = Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX)]


class NoQuery(msgspec.Struct):
    """No parameter is known here."""


class FilterQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which events. All that is given must hold; so must every `metadata.<path>=<value>`."""

    channel: Annotated[Text, Meta(description="The channel's name.")] | UnsetType = UNSET
    tag: Annotated[
        list[Text], Meta(max_length=20, description="Repeat it to ask for several tags at once.")
    ] = []
    user_id: (
        Annotated[Text, Meta(description="A user id, or any alias of that user.")] | UnsetType
    ) = UNSET
    q: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=500,
                description="Words in title or description, in any order; case and accents do "
                "not matter.",
            ),
        ]
        | UnsetType
    ) = UNSET


class ListQuery(FilterQuery, rename="camel", frozen=True):
    """Which events, and which page of them."""

    since: Annotated[Text, Meta(description="ISO 8601, inclusive.")] | UnsetType = UNSET
    before: (
        Annotated[Text, Meta(description="ISO 8601, exclusive; or a `nextCursor`.")] | UnsetType
    ) = UNSET
    cursor: Annotated[Text, Meta(description="The `nextCursor` of a page.")] | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


class EventsOut(msgspec.Struct, rename="camel"):
    """A page of events; `next_cursor` is null on the last one."""

    events: list[EventOut]
    next_cursor: str | None


class Wanted(msgspec.Struct, frozen=True):
    """Which events: a filter whose `user` is still any name of the person."""

    filter: search.Filter
    user: str | None
    limit: int = paging.LIMIT_DEFAULT

    def resolved(self, tx: Tx, call: Call) -> search.Filter:
        """The filter with every name the user's events may carry."""
        if self.user is None:
            return self.filter
        users = tuple(known_names(tx, call.caller.account_id, self.user))
        return msgspec.structs.replace(self.filter, users=users)


def parse(call: Call, _body: bytes) -> Wanted:
    """Read a list's query; raises INVALID."""
    query, metadata = queries.read_beside(call, ListQuery, METADATA)
    since = None if query.since is UNSET else ids.floor_at(queries.moment(query.since, "since"))
    return wanted(query, metadata, (since, _end(query)), query.limit)


def _end(query: ListQuery) -> bytes | None:
    if query.cursor is not UNSET:
        if query.before is not UNSET:
            raise invalid((["cursor"], "Give before or cursor, not both"))
        return paging.decode_id(query.cursor, "cursor")
    return None if query.before is UNSET else _before(query.before)


def wanted(
    query: FilterQuery,
    metadata: list[tuple[str, str]],
    between: tuple[bytes | None, bytes | None] = (None, None),
    limit: int = paging.LIMIT_DEFAULT,
) -> Wanted:
    """Make a filter of a query's parameters; raises INVALID for one that can match nothing."""
    since, before = between
    chosen = search.Filter(
        channel=None if query.channel is UNSET else _channel(str(query.channel)),
        tags=tuple(dict.fromkeys(query.tag)),
        words=() if query.q is UNSET else _words(str(query.q)),
        metadata=tuple(dict.fromkeys(metadata)),
        since=since,
        before=before,
    )
    user = None if query.user_id is UNSET else query.user_id
    if user == "":
        raise invalid((["userId"], "Must not be empty"))
    return Wanted(chosen, user, limit)


def _channel(name: str) -> str:
    channel = normalise(name)
    if not channel:
        raise invalid((["channel"], "Names no channel"))
    return channel


def _words(text: str) -> tuple[str, ...]:
    words = terms.words(text)
    if not words:
        raise invalid((["q"], "Must contain a word"))
    return tuple(words)


def _before(text: str) -> bytes:
    try:
        return paging.decode_id(text, "before")
    except AppError:
        return ids.floor_at(queries.moment(text, "before", instead="a nextCursor"))


def run(tx: Tx, call: Call, command: Wanted) -> Reply:
    """Find a page of events."""
    found = search.find(tx, call.project_id, command.resolved(tx, call), command.limit + 1)
    page = paging.page(found, command.limit, lambda event: event.id)
    return ok(call, EventsOut([show(event) for event in page.rows], page.next_cursor))


ENDPOINTS = (
    Endpoint(
        operation="listEvents",
        method="GET",
        path="/v1/events",
        scope=Scope.EVENTS_READ,
        summary="List and search events",
        description="Newest first. Beside the parameters below, `metadata.<path>=<value>` asks "
        "for a value in the metadata, compared as text: `metadata.plan=pro`, "
        "`metadata.user.age=42`. The first 256 values of an event, at most 32 objects deep, can "
        "be found so.",
        tag="Events",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        query=ListQuery,
        response=EventsOut,
    ),
)
