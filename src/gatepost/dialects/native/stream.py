"""`GET /v1/events/stream`: events as they come, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.errors import AppError, Code, invalid
from gatepost.dialects.native.envelope import bearer, encode
from gatepost.dialects.native.events import EventOut, show
from gatepost.dialects.native.listing import METADATA, FilterQuery, Text, Wanted, read_query, wanted
from gatepost.domains.events import store
from gatepost.domains.events.model import Stored
from gatepost.domains.projects import store as projects
from gatepost.gate.scopes import Scope
from gatepost.signals.contract import Bell
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free

CHUNK = 200
CHUNK_BYTES = 65_536
POLL_S = 1.0
GATHER_S = 0.02
RETRY_MS = 2000
PLACE_BYTES = 8
GAUGE = "gatepost_streams"


class StreamQuery(FilterQuery, rename="camel", frozen=True):
    """Which events, and after which one to go on."""

    last_event_id: (
        Annotated[
            Text,
            Meta(description="As the `Last-Event-ID` header, which wins: go on after this id."),
        ]
        | UnsetType
    ) = UNSET


class Follow(msgspec.Struct, frozen=True):
    """What to follow, from after a place in the order of arrival; None: from now on."""

    wanted: Wanted
    place: int | None


class _Seen(msgspec.Struct, frozen=True):
    """Matching events of one look, the place it reached, and whether there is more."""

    events: list[Stored]
    place: int
    more: bool


def parse(call: Call, _body: bytes) -> Follow:
    """Read the query and where to resume; raises INVALID."""
    query, metadata = read_query(call, StreamQuery, METADATA)
    header = call.headers.get(b"last-event-id", b"").decode("latin-1")
    given = header or ("" if query.last_event_id is UNSET else str(query.last_event_id))
    return Follow(wanted(query, metadata), _place(given) if given else None)


def _place(text: str) -> int:
    position = paging.decode(text, "lastEventId")
    if len(position) != PLACE_BYTES:
        raise invalid((["lastEventId"], "Not an id of this stream"))
    return min(int.from_bytes(position, "big"), 2**63 - 1)


def _id(place: int) -> str:
    return paging.encode(place.to_bytes(PLACE_BYTES, "big"))


async def follow(call: Call, command: Follow) -> AsyncGenerator[bytes]:
    """Frames of events in the order of arrival; heartbeats between them.

    Ends, saying why, when the key may no longer read them.
    """
    metrics = call.services.metrics
    metrics.level(GAUGE, 1)
    try:
        async with contextlib.aclosing(_frames(call, command)) as frames:
            async for frame in frames:
                yield frame
    except AppError as refusal:
        yield _closed(refusal)
    finally:
        metrics.level(GAUGE, -1)


async def _frames(call: Call, command: Follow) -> AsyncGenerator[bytes]:
    services = call.services
    look = _Look(call, command.wanted)
    place = await services.database.read(lambda tx: look.begin(tx, command.place))
    yield b"retry: %d\nid: %b\n\n" % (RETRY_MS, _id(place).encode())
    said = monotonic()
    with services.signals.listen(call.project_id) as bell:
        while True:
            await _check(call)
            seen = await services.database.read(partial(look.on, place=place))
            for chunk in _chunks(seen.events):
                yield chunk
                said = monotonic()
            place = seen.place
            if seen.more:
                continue
            if monotonic() - said >= services.settings.stream_heartbeat_s:
                yield b": heartbeat\nid: %b\n\n" % _id(place).encode()
                said = monotonic()
            await _pause(bell, services.settings.stream_heartbeat_s)


class _Look:
    """One stream's view of the database."""

    def __init__(self, call: Call, command: Wanted) -> None:
        self._call = call
        self._command = command
        self._filter = command.filter

    def begin(self, tx: Tx, place: int | None) -> int:
        """Learn the user's names, and where to start: never beyond the newest arrival."""
        self._filter = self._command.resolved(tx, self._call)
        last = store.last_seq(tx)
        return last if place is None else min(place, last)

    def on(self, tx: Tx, place: int) -> _Seen:
        """Look at the next events; raises FORBIDDEN once the project is gone."""
        call, chosen = self._call, self._filter
        if projects.find(tx, call.caller.account_id, call.project_id) is None:
            raise AppError(Code.FORBIDDEN, "The project was deleted")
        found = store.after(tx, place, CHUNK, call.project_id, chosen.narrow())
        more = len(found) == CHUNK
        reached = found[-1].seq if more else max(place, store.last_seq(tx))
        return _Seen([one for one in found if chosen.matches(one.event)], reached, more)


async def _check(call: Call) -> None:
    """Raise what a new request with the same key would now be refused with."""
    admission = call.services.admission
    secret = bearer(call.headers) or ""
    caller = admission.known(secret) or await admission.authenticate(secret)
    if caller is None:
        raise AppError(Code.UNAUTHENTICATED, "This key is no longer valid")
    admission.authorise(caller, Scope.EVENTS_READ, call.address)


async def _pause(bell: Bell, heartbeat_s: float) -> None:
    """Wait for the doorbell; a ring may be lost, so look again before long anyway."""
    if await bell.wait(min(POLL_S, heartbeat_s)):
        await asyncio.sleep(GATHER_S)


def _chunks(found: list[Stored]) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for one in found:
        data = encode(show(one.event))
        parts.append(b"id: %b\nevent: event\ndata: %b\n\n" % (_id(one.seq).encode(), data))
        size += len(data)
        if size >= CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _closed(refusal: AppError) -> bytes:
    data = encode({"code": str(refusal.code), "message": refusal.detail})
    return b"event: closed\ndata: %b\n\n" % data


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
        "`event: closed`. Filters as in the list, `metadata.<path>=<value>` included.",
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
