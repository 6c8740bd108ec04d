"""New events of a project, read once for all who follow it in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import NamedTuple

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


class News(NamedTuple):
    """What was read: all after a place, as far as another one; whether there is more."""

    since: int
    found: list[Stored]
    place: int
    more: bool = False


class Feed:
    """The newest arrivals of one project: all that came after the place `since`, as far as
    `place`. A reader who is behind `since` reads from the database until it is not. `gone` is the
    place of the newest one that is kept no more. Nothing is read while nobody waits for it.
    """

    def __init__(self) -> None:
        """Nothing has been read yet."""
        self.since = 0
        self.place = 0
        self.gone = 0
        self.followers = 0
        self.thorough = 0
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._kept: deque[tuple[Stored, int]] = deque()
        self._bytes = 0
        self._frames: dict[int, bytes] = {}
        self._fault: Exception | None = None
        self._news = asyncio.Event()

    def begin(self, place: int) -> None:
        """Know of all that comes after a place."""
        self.since = self.place = place
        self._tell()

    def take(self, news: News) -> None:
        """Keep what was read; wakes all who wait for something."""
        found = news.found
        if news.since > self.place:
            self._forget(news.since)
        self.place = news.place
        for one in found:
            size = _size(one.event)
            self._kept.append((one, size))
            self._bytes += size
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            gone, size = self._kept.popleft()
            self._bytes -= size
            self._frames.pop(gone.seq, None)
            self.since = self.gone = gone.seq
        if found:
            self._tell()

    def _forget(self, since: int) -> None:
        self._kept.clear()
        self._frames.clear()
        self._bytes = 0
        self.since = self.gone = since

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
            with self._wants(), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await news.wait()
        if self._fault is not None:
            raise self._fault

    async def wanted(self) -> None:
        """Wait until somebody waits for news."""
        await self._wanted.wait()

    @contextlib.contextmanager
    def _wants(self) -> Iterator[None]:
        self._waiting += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted.clear()

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
    async def follow(
        self, account_id: AccountId, project_id: ProjectId, *, thorough: bool
    ) -> AsyncIterator[Feed]:
        """Follow a project of an account. Where many come at once, all of them are read only for
        who is `thorough`. Raises FORBIDDEN, now or while one waits, once the project is gone.
        """
        feed = self._feeds.get(project_id)
        if feed is None:
            feed = self._feeds[project_id] = Feed()
            reading = self._read(account_id, project_id, feed)
            self._tasks[feed] = asyncio.create_task(reading)
            await feed.wait(0, POLL_S)
        feed.followers += 1
        feed.thorough += thorough
        try:
            yield feed
        finally:
            feed.followers -= 1
            feed.thorough -= thorough
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
                    await feed.wanted()
                    where = (account_id, project_id, feed.place)
                    news = await read(partial(_look, *where, thorough=bool(feed.thorough)))
                    feed.take(news)
                    if not news.more and await bell.wait(POLL_S):
                        await asyncio.sleep(GATHER_S)
        except Exception as fault:  # noqa: BLE001 # each follower raises it, and tells its client
            self._feeds.pop(project_id, None)
            feed.end(fault)


def _look(
    account_id: AccountId, project_id: ProjectId, place: int, tx: Tx, *, thorough: bool
) -> News:
    """The next arrivals; of too many for once, where nobody needs all, the newest."""
    if projects.find(tx, account_id, project_id) is None:
        raise AppError(Code.FORBIDDEN, "The project was deleted")
    found = store.after(tx, place, CHUNK, project_id)
    if len(found) < CHUNK:
        return News(place, found, max(place, store.last_seq(tx)))
    if thorough:
        return News(place, found, found[-1].seq, more=True)
    since = max(place, store.place_before(tx, CHUNK, project_id))
    found = store.after(tx, since, CHUNK, project_id)
    return News(since, found, store.last_seq(tx))


def _size(event: Event) -> int:
    return len(event.metadata_json) + len(event.tags_json) + len(event.description or "") + 200
