"""New events of a project, read once for all who follow it in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.events import store
from gatepost.domains.events.model import Event, Stored
from gatepost.domains.projects import store as projects
from gatepost.signals.contract import Signals
from gatepost.storage.db import Database, Tx

CHUNK = 200
POLL_S = 1.0
GATHER_S = 0.02
KEPT = 500
KEPT_BYTES = 1 << 20


class Feed:
    """The newest arrivals of one project: all that came after the place `since`, as far as
    `place`. A reader who is behind `since` reads from the database until it is not.
    """

    def __init__(self) -> None:
        """Nothing has been read yet."""
        self.since = 0
        self.place = 0
        self.followers = 0
        self._kept: deque[tuple[Stored, int]] = deque()
        self._bytes = 0
        self._frames: dict[int, bytes] = {}
        self._fault: Exception | None = None
        self._news = asyncio.Event()

    def begin(self, place: int) -> None:
        """Know of all that comes after a place."""
        self.since = self.place = place
        self._tell()

    def take(self, found: Sequence[Stored], place: int) -> None:
        """Keep what was read, as far as a place; wakes all who wait for something."""
        self.place = place
        for one in found:
            size = _size(one.event)
            self._kept.append((one, size))
            self._bytes += size
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            gone, size = self._kept.popleft()
            self._bytes -= size
            self._frames.pop(gone.seq, None)
            self.since = gone.seq
        if found:
            self._tell()

    def end(self, fault: Exception) -> None:
        """Nothing more can be read."""
        self._fault = fault
        self._tell()

    def covers(self, place: int) -> bool:
        """Whether all that came after a place is here."""
        return place >= self.since

    def after(self, place: int) -> list[Stored]:
        """What came after a place, oldest first."""
        found: list[Stored] = []
        for one, _ in reversed(self._kept):
            if one.seq <= place:
                break
            found.append(one)
        found.reverse()
        return found

    def frame(self, one: Stored, write: Callable[[Stored], bytes]) -> bytes:
        """What `write` makes of an event, made once for all followers while it is kept."""
        made = self._frames.get(one.seq)
        if made is None:
            made = write(one)
            if self.since < one.seq <= self.place:
                self._frames[one.seq] = made
        return made

    async def wait(self, place: int, timeout_s: float) -> None:
        """Wait until something came after a place, or the time is up. Raises what ended it."""
        news = self._news
        if self._fault is None and not (self._kept and self._kept[-1][0].seq > place):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), timeout_s)
        if self._fault is not None:
            raise self._fault

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class Arrivals:
    """The feeds of all projects that are followed now. Used from the event loop alone."""

    def __init__(self, database: Database, signals: Signals) -> None:
        """Begin with nobody following."""
        self._database = database
        self._signals = signals
        self._feeds: dict[ProjectId, Feed] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def follow(self, account_id: AccountId, project_id: ProjectId) -> AsyncIterator[Feed]:
        """Follow a project of an account. Raises FORBIDDEN, now or while one waits, once the
        project is gone.
        """
        feed = self._feeds.get(project_id)
        if feed is None:
            feed = self._feeds[project_id] = Feed()
            reading = self._read(account_id, project_id, feed)
            self._tasks[feed] = asyncio.create_task(reading)
            await feed.wait(0, POLL_S)
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                self._forget(project_id, feed)

    def _forget(self, project_id: ProjectId, feed: Feed) -> None:
        if self._feeds.get(project_id) is feed:
            del self._feeds[project_id]
        task = self._tasks.pop(feed, None)
        if task is not None:
            task.cancel()

    async def _read(self, account_id: AccountId, project_id: ProjectId, feed: Feed) -> None:
        """Read on until nobody follows; a ring may be lost, so look again before long anyway."""
        read = self._database.read
        try:
            with self._signals.listen(project_id) as bell:
                feed.begin(await read(store.last_seq))
                while True:
                    look = partial(_look, account_id, project_id, feed.place)
                    found, reached = await read(look)
                    feed.take(found, reached)
                    if len(found) < CHUNK and await bell.wait(POLL_S):
                        await asyncio.sleep(GATHER_S)
        except Exception as fault:  # noqa: BLE001 # each follower raises it, and tells its client
            self._feeds.pop(project_id, None)
            feed.end(fault)


def _look(
    account_id: AccountId, project_id: ProjectId, place: int, tx: Tx
) -> tuple[list[Stored], int]:
    """The next arrivals, and how far that is."""
    if projects.find(tx, account_id, project_id) is None:
        raise AppError(Code.FORBIDDEN, "The project was deleted")
    found = store.after(tx, place, CHUNK, project_id)
    return found, found[-1].seq if len(found) == CHUNK else max(place, store.last_seq(tx))


def _size(event: Event) -> int:
    return len(event.metadata_json) + len(event.tags_json) + len(event.description or "") + 200
