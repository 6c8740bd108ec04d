"""`GET /v1/events/stream`: events as they come, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from time import monotonic
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
from gatepost.web.arrivals import Feed
from gatepost.web.contract import Call, Endpoint, free

CHUNK = 200
CHUNK_BYTES = 65_536
POLL_S = 1.0
WAVE_S = 1.0
WAVES_PER_S = 300
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


class _Seen(msgspec.Struct, frozen=True):
    """Matching events of one look, the place it reached, whether there is more, and whether some
    before these are left out.
    """

    events: list[Stored]
    place: int
    more: bool
    skipped: bool = False


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
    look = _Look(call, command)
    place = await services.database.read(lambda tx: look.begin(tx, command.place))
    yield b"retry: %d\nid: %b\n\n" % (RETRY_MS, _id(place).encode())
    heartbeat_s = services.settings.stream_heartbeat_s
    rest = heartbeat_s if call.caller.operator else min(POLL_S, heartbeat_s)
    said, free_at = monotonic(), 0.0
    async with services.arrivals.follow(call.caller.account_id, call.project_id) as feed:
        while True:
            await _check(call)
            seen = await look.next(feed, place)
            for chunk in _chunks(seen, feed):
                yield chunk
                said = monotonic()
                free_at = said + _wave_s(command, feed)
            place = seen.place
            if seen.more:
                continue
            if monotonic() - said >= heartbeat_s:
                yield b": heartbeat\nid: %b\n\n" % _id(place).encode()
                said = monotonic()
            await asyncio.sleep(max(0.0, free_at - monotonic()))
            await feed.wait(place, rest)


def _wave_s(command: Follow, feed: Feed) -> float:
    """How long who wants few rests after some: the more look, the longer, so that all of them
    together take no more of the process.
    """
    return max(WAVE_S, feed.followers / WAVES_PER_S) if command.most else 0.0


class _Look:
    """One stream's view of what there is."""

    def __init__(self, call: Call, command: Follow) -> None:
        self._call = call
        self._command = command
        self._filter = command.wanted.filter

    def begin(self, tx: Tx, place: int | None) -> int:
        """Learn the user's names, and where to start: never beyond the newest arrival."""
        self._filter = self._command.wanted.resolved(tx, self._call)
        last = store.last_seq(tx)
        return last if place is None else min(place, last)

    async def next(self, feed: Feed, place: int) -> _Seen:
        """Look at the next events: those that all followers share, or from before them."""
        if feed.covers(place):
            return self._of(feed.after(place), max(place, feed.place))
        seen = await self._call.services.database.read(lambda tx: self._stored(tx, place))
        if self._command.most is None or not seen.more:
            return seen
        return _Seen(seen.events, max(seen.place, feed.since), more=False, skipped=True)

    def _stored(self, tx: Tx, place: int) -> _Seen:
        found = store.after(tx, place, CHUNK, self._call.project_id, self._filter.narrow())
        more = len(found) == CHUNK
        reached = found[-1].seq if more else max(place, store.last_seq(tx))
        return self._of(found, reached, more=more)

    def _of(self, found: list[Stored], place: int, *, more: bool = False) -> _Seen:
        matches, most = self._filter.matches, self._command.most
        if most is None:
            return _Seen([one for one in found if matches(one.event)], place, more)
        newest = list(islice((one for one in reversed(found) if matches(one.event)), most + 1))
        return _Seen(newest[:most][::-1], place, more, skipped=len(newest) > most)


async def _check(call: Call) -> None:
    """Raise what a new request with the same key would now be refused with. An operator has none:
    their session is watched where it was let in.
    """
    if call.caller.operator is not None:
        return
    admission = call.services.admission
    secret = bearer(call.headers) or ""
    caller = admission.known(secret) or await admission.authenticate(secret)
    if caller is None:
        raise AppError(Code.UNAUTHENTICATED, "This key is no longer valid")
    admission.authorise(caller, Scope.EVENTS_READ, call.address)


def _chunks(seen: _Seen, feed: Feed) -> Iterator[bytes]:
    parts: list[bytes] = [SKIPPED] if seen.skipped else []
    size = 0
    for one in seen.events:
        parts.append(feed.frame(one, _frame))
        size += len(parts[-1])
        if size >= CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _frame(one: Stored) -> bytes:
    data = encode(show(one.event))
    return b"id: %b\nevent: event\ndata: %b\n\n" % (_id(one.seq).encode(), data)


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
