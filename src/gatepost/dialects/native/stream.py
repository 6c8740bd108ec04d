"""`GET /v1/events/stream`: events as they come, as server-sent events."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.errors import AppError, Code, invalid
from gatepost.dialects.native.envelope import bearer, encode
from gatepost.dialects.native.events import EventOut, show
from gatepost.dialects.native.listing import METADATA, FilterQuery, Text, Wanted, wanted
from gatepost.domains.events import store
from gatepost.domains.events.model import Stored
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.audience import Audience, Guest, Member
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.line import Line
from gatepost.web.view import View, Words

RETRY_MS = 2000
PLACE_BYTES = 8
GAUGE = "gatepost_streams"
SKIPPED = b'event: skipped\ndata: {"reason":"More came than were asked for"}\n\n'


class StreamQuery(FilterQuery, rename="camel", frozen=True):
    """Which events, and after which one to go on."""

    last_event_id: (
        Annotated[
            Text,
            Meta(description="As the `Last-Event-ID` header, which wins: go on after this id."),
        ]
        | UnsetType
    ) = UNSET
    max_per_second: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1000,
                description="Of more than these, the newest ones come after `event: skipped`.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Follow(msgspec.Struct, frozen=True):
    """What to follow, from after a place in the order of arrival; None: from now on. At `most` so
    many of a second; None: all.
    """

    wanted: Wanted
    place: int | None
    most: int | None = None


def parse(call: Call, _body: bytes) -> Follow:
    """Read the query and where to resume; raises INVALID."""
    query, metadata = queries.read_beside(call, StreamQuery, METADATA)
    header = call.headers.get(b"last-event-id", b"").decode("latin-1")
    given = header or ("" if query.last_event_id is UNSET else str(query.last_event_id))
    most = None if query.max_per_second is UNSET else query.max_per_second
    return Follow(wanted(query, metadata), _place(given) if given else None, most)


def _place(text: str) -> int:
    position = paging.decode(text, "lastEventId")
    if len(position) != PLACE_BYTES:
        raise invalid((["lastEventId"], "Not an id of this stream"))
    return min(int.from_bytes(position, "big"), 2**63 - 1)


def _id(place: int) -> str:
    return paging.encode(place.to_bytes(PLACE_BYTES, "big"))


async def follow(call: Call, command: Follow, line: Line) -> None:
    """Send frames of events in the order of arrival; heartbeats between them.

    Ends, saying why, when the key may no longer read them.
    """
    metrics = call.services.metrics
    metrics.level(GAUGE, 1)
    try:
        await _follow(call, command, line)
    except AppError as refusal:
        await line.send(_closed(refusal))
    finally:
        metrics.level(GAUGE, -1)


async def _follow(call: Call, command: Follow, line: Line) -> None:
    """Catch up by oneself, then be one of those who are shown the same, for as long as one keeps up
    with them.
    """
    services = call.services
    view, place = await services.database.read(lambda tx: _begin(tx, call, command))
    await line.send(b"retry: %d\nid: %b\n\n" % (RETRY_MS, _id(place).encode()))
    guest = _guest(call)
    async with services.hall.enter(view) as audience:
        while True:
            member = Member(line, guest, await _catch_up(audience, line, guest, place))
            await audience.attend(member)
            place = member.place
            await line.send(_beat(place))


def _begin(tx: Tx, call: Call, command: Follow) -> tuple[View, int]:
    """Learn the user's names, and where to start: never beyond the newest arrival."""
    chosen = command.wanted.resolved(tx, call)
    view = View(call.caller.account_id, call.project_id, chosen, command.most, WORDS)
    last = store.last_seq(tx)
    return view, last if command.place is None else min(command.place, last)


async def _catch_up(audience: Audience, line: Line, guest: Guest, place: int) -> int:
    """Send what came after a place, until that is as far as the audience is."""
    while True:
        seen = await audience.look(place)
        if guest.check is not None:
            await guest.check()
        for part in audience.parts(seen):
            await line.send(part)
        line.check()
        place = seen.place
        if place >= audience.place and not seen.more:
            return place


def _guest(call: Call) -> Guest:
    """Who reads. An operator's session is watched where it was let in."""
    if call.caller.operator is not None:
        return Guest(None, None)
    secret = bearer(call.headers) or ""
    return Guest((secret, call.address), partial(_check, call, secret))


async def _check(call: Call, secret: str) -> None:
    """Raise what a new request with the same key would now be refused with."""
    admission = call.services.admission
    caller = admission.known(secret) or await admission.authenticate(secret)
    if caller is None:
        raise AppError(Code.UNAUTHENTICATED, "This key is no longer valid")
    admission.authorise(caller, Scope.EVENTS_READ, call.address)


def _frame(one: Stored) -> bytes:
    data = encode(show(one.event))
    return b"id: %b\nevent: event\ndata: %b\n\n" % (_id(one.seq).encode(), data)


def _beat(place: int) -> bytes:
    return b": heartbeat\nid: %b\n\n" % _id(place).encode()


def _closed(refusal: AppError) -> bytes:
    data = encode({"code": str(refusal.code), "message": refusal.detail})
    return b"event: closed\ndata: %b\n\n" % data


WORDS = Words(_frame, _beat, SKIPPED)


def _unused(_tx: Tx, _call: Call, _command: Follow) -> None:
    """A stream reads by itself, again and again."""


ENDPOINTS = (
    Endpoint(
        operation="streamEvents",
        method="GET",
        path="/v1/events/stream",
        scope=Scope.EVENTS_READ,
        summary="Follow events as they come",
        description="Server-sent events: `event: event` with an Event as `data`, comments as "
        "heartbeats. Goes on after `Last-Event-ID`, or starts with the next event. A reader "
        "that stalls gets `event: dropped`; one whose key loses the right to read gets "
        "`event: closed`. With `maxPerSecond` a reader gets the newest ones when more come. "
        "Filters as in the list, `metadata.<path>=<value>` included.",
        tag="Events",
        parse=parse,
        run=_unused,
        stream=follow,
        charge=free,
        writes=False,
        query=StreamQuery,
        response=EventOut,
    ),
)
