"""Streams that show the same, written to together: what comes is looked at, encoded and framed once
for all of them, and none has a task that wakes for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from time import monotonic
from typing import NamedTuple

from gatepost.base.errors import AppError
from gatepost.storage.db import Database
from gatepost.web.arrivals import Arrivals, Feed
from gatepost.web.line import Line
from gatepost.web.pace import Allowance, rest_s
from gatepost.web.protocol import chunk
from gatepost.web.view import Seen, View, shared, stored

PIECE_BYTES = 65_536
SLICE = 50
"""So many are written to before others of the process have their turn."""
CHECK_S = 1.0


class Guest(NamedTuple):
    """Who reads a stream: `check` raises AppError once they may no longer, for all who have the
    same `ticket`. Without a check they are watched elsewhere.
    """

    ticket: Hashable
    check: Callable[[], Awaitable[None]] | None


class Piece(NamedTuple):
    """Part of a wave: `parts` tell, each with its place, all that came after a place and as far as
    another one.
    """

    after: int
    place: int
    parts: list[tuple[int, bytes]]
    framed: bytes

    def since(self, place: int) -> bytes:
        """The same for who has seen some of it: framed, empty where nothing is left."""
        rest = b"".join(part for at, part in self.parts if at > place)
        return chunk(rest) if rest else b""


class Member:
    """A stream in an audience. It has been shown what came up to its place."""

    __slots__ = ("fate", "guest", "line", "place")

    def __init__(self, line: Line, guest: Guest, place: int) -> None:
        """Enter with what has been shown already."""
        self.line = line
        self.guest = guest
        self.place = place
        self.fate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def show(self, pieces: list[Piece]) -> None:
        """Write what this one has not seen; who cannot take it falls behind."""
        for piece in pieces:
            if self.place >= piece.place:
                continue
            whole = self.place <= piece.after
            self.place = max(self.place, piece.after)
            framed = piece.framed if whole else piece.since(self.place)
            if framed and not self.put(framed):
                return
            self.place = piece.place

    def put(self, framed: bytes) -> bool:
        """Write; False: this one is no longer one of the audience."""
        if self.fate.done():
            return False
        if not self.line.push(framed):
            self.fate.set_result(None)
            return False
        return True

    def end(self, fault: Exception) -> None:
        """Leave for a reason."""
        if not self.fate.done():
            self.fate.set_exception(fault)


class Audience:
    """All streams of one view. Used from the event loop alone."""

    def __init__(self, view: View, hall: Hall) -> None:
        """Nobody is there yet, and nothing is known."""
        self.view = view
        self.streams = 0
        self.place = 0
        self._hall = hall
        self._feed = Feed()
        self._members: dict[Member, None] = {}
        self._guests: dict[Hashable, dict[Member, None]] = {}
        self._allowance = Allowance(view.most)
        self._ready = asyncio.Event()
        self._fault: Exception | None = None
        self._said = monotonic()

    async def ready(self) -> None:
        """Wait until arrivals are followed. Raises what ended that."""
        await self._ready.wait()
        if self._fault is not None:
            raise self._fault

    async def look(self, place: int) -> Seen:
        """Look at what comes after a place, for one who is behind: at least as far as this is."""
        feed, most = self._feed, self.view.most
        seen = shared(self.view, feed, place, most) if feed.place >= self.place else None
        return seen or await stored(self._hall.database, self.view, feed, place, most)

    def parts(self, seen: Seen) -> Iterator[bytes]:
        """What a look is sent as to one who is behind."""
        for piece in _pieces(seen, 0, self._feed, self.view):
            yield b"".join(part for _, part in piece.parts)

    async def attend(self, member: Member) -> None:
        """Be shown what comes, until that is more than the client takes. Who has seen less than the
        audience must not enter. Raises what ends the audience or this guest, and Over.
        """
        if self._fault is not None:
            raise self._fault
        over = member.line.over
        with self._seated(member):
            await asyncio.wait({member.fate, over}, return_when=asyncio.FIRST_COMPLETED)
        if member.fate.done():
            member.fate.result()
        member.line.check()

    @contextlib.contextmanager
    def _seated(self, member: Member) -> Iterator[None]:
        guests = self._guests.setdefault(member.guest.ticket, {})
        self._members[member] = guests[member] = None
        self._hall.members += 1
        try:
            yield
        finally:
            self._hall.members -= 1
            del self._members[member], guests[member]
            if not guests:
                self._guests.pop(member.guest.ticket, None)

    async def run(self) -> None:
        """Show what comes for as long as anybody follows."""
        view = self.view
        try:
            thorough = view.most is None
            where = (view.account_id, view.project_id)
            async with self._hall.arrivals.follow(*where, thorough=thorough) as feed:
                self._feed, self.place = feed, feed.place
                self._ready.set()
                while True:
                    await self._turn(feed)
        except Exception as fault:  # noqa: BLE001 # each stream raises it, and tells its client
            self._hall.forget(self)
            self._fault = fault
            self._ready.set()
            for member in self._members:
                member.end(fault)

    async def _turn(self, feed: Feed) -> None:
        await feed.wait(self.place, self._idle_s())
        now = monotonic()
        left = self._allowance.left(now)
        if left == 0:  # a timer may come a little early
            return await self._rest()
        seen = shared(self.view, feed, self.place, left)
        if seen is None:
            seen = await stored(self._hall.database, self.view, feed, self.place, left)
        pieces = list(_pieces(seen, self.place, feed, self.view))
        self.place = seen.place
        self._allowance.take(len(seen.events), now)
        await self._admit()
        if pieces:
            self._said = monotonic()
            await self._each(lambda member: member.show(pieces))
        elif monotonic() - self._said >= self._hall.heartbeat_s:
            await self._beat()
        return None if seen.more else await self._rest()

    def _idle_s(self) -> float:
        """How long to wait for news: until there is something to say or to check."""
        beat = max(0.0, self._said + self._hall.heartbeat_s - monotonic())
        checks = any(self._checked())
        return min(beat, CHECK_S) if checks else beat

    async def _rest(self) -> None:
        now = monotonic()
        until = now + rest_s(self._hall.audiences, self._hall.members)
        until = max(until, self._allowance.free_at(now))
        await asyncio.sleep(until - now)

    def _checked(self) -> Iterator[Member]:
        """One of each ticket that must be checked."""
        firsts = (next(iter(guests)) for guests in self._guests.values())
        return (one for one in firsts if one.guest.check is not None)

    async def _admit(self) -> None:
        """Let those go who may not read any more."""
        for member in list(self._checked()):
            try:
                await member.guest.check()  # type: ignore[misc] # it has one
            except AppError as refusal:
                for one in self._guests.get(member.guest.ticket, ()):
                    one.end(refusal)

    async def _beat(self) -> None:
        """Say that all is well, and how far everything has been shown."""
        self._said = monotonic()
        beat, place = self.view.words.beat, self.place
        usual = chunk(beat(place))

        def say(member: Member) -> None:
            ahead = member.place > place
            if member.put(chunk(beat(member.place)) if ahead else usual) and not ahead:
                member.place = place

        await self._each(say)

    async def _each(self, do: Callable[[Member], None]) -> None:
        """Do something for all who are there now, a part of them at a time."""
        for number, member in enumerate(list(self._members)):
            if number and number % SLICE == 0:
                await asyncio.sleep(0)
            do(member)


class Hall:
    """All audiences of a process."""

    def __init__(self, database: Database, arrivals: Arrivals, heartbeat_s: float) -> None:
        """Begin empty."""
        self.database = database
        self.arrivals = arrivals
        self.heartbeat_s = heartbeat_s
        self.members = 0
        self._audiences: dict[View, tuple[Audience, asyncio.Task[None]]] = {}

    @property
    def audiences(self) -> int:
        """How many there are."""
        return len(self._audiences)

    @contextlib.asynccontextmanager
    async def enter(self, view: View) -> AsyncIterator[Audience]:
        """Come to those who are shown the same. Raises FORBIDDEN, now or while one attends, once
        the project is gone.
        """
        audience = self._find(view)
        audience.streams += 1
        try:
            await audience.ready()
            yield audience
        finally:
            audience.streams -= 1
            if not audience.streams:
                self.forget(audience)

    def _find(self, view: View) -> Audience:
        found = self._audiences.get(view)
        if found is not None:
            return found[0]
        audience = Audience(view, self)
        self._audiences[view] = (audience, asyncio.create_task(audience.run()))
        return audience

    def forget(self, audience: Audience) -> None:
        """Let an audience end that nobody is in, or that has failed."""
        found = self._audiences.get(audience.view)
        if found is None or found[0] is not audience:
            return
        del self._audiences[audience.view]
        if found[1] is not asyncio.current_task():
            found[1].cancel()


def _pieces(seen: Seen, after: int, feed: Feed, view: View) -> Iterator[Piece]:
    """Cut a look into pieces of some size."""
    parts = [(0, view.words.skipped)] if seen.skipped else []
    size = 0
    for one in seen.events:
        part = feed.frame(one, view.words.event)
        parts.append((one.seq, part))
        size += len(part)
        if size >= PIECE_BYTES:
            yield _piece(after, one.seq, parts)
            after, parts, size = one.seq, [], 0
    if parts:
        yield _piece(after, seen.place, parts)


def _piece(after: int, place: int, parts: list[tuple[int, bytes]]) -> Piece:
    return Piece(after, place, parts, chunk(b"".join(part for _, part in parts)))
