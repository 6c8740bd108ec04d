"""The search index, kept close behind the events without standing in their way."""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol

from gatepost.base.metrics import Metrics
from gatepost.domains.events import search
from gatepost.storage.db import Database, Tx

CHUNK_MIN = 64
CHUNK_MAX = 1000
IDLE_S = 1.0
REST_S = 1.0
BUSY = 0.05
GIVE_WAY = 120
LAG_MAX = 500_000
LOOK_S = 0.5
GLANCE_S = 0.005


class Kit(Protocol):
    """What the index needs of a process."""

    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...


class Index:
    """Enters events into the index, chunk by chunk, with rests for the writer's other work."""

    def __init__(self, kit: Kit) -> None:
        """Show how far behind it is as a metric."""
        self._database = kit.database
        self._lag = 0
        self._looked = 0.0
        self._chunk = CHUNK_MIN
        self._caught_up = False
        self._rested = Mark(time.monotonic(), kit.database.busy_s())
        kit.metrics.gauge("gatepost_search_lag_events", lambda: self._lag)

    async def run(self) -> float:
        """Index a chunk; returns the rest (seconds) that is due before the next. Once it has caught
        up, the writer is not asked until there is something to index.
        """
        if self._caught_up and not await self._database.read(lambda tx: search.lag(tx, 1)):
            self._rested = Mark(time.monotonic(), self._database.busy_s())
            return IDLE_S
        busy, chunk = self._busy(), self._chunk
        before_s = self._database.busy_s()
        done, took_s = await self._database.write(lambda tx: _advance(tx, chunk))
        self._rested = Mark(time.monotonic(), self._database.busy_s())
        # SQLite does most of it as it commits.
        work_s = max(took_s, self._rested.busy_s - before_s)
        self._caught_up = done < chunk
        if self._caught_up:
            self._chunk, self._lag = CHUNK_MIN, 0
            return IDLE_S
        await self._look_ahead()
        self._chunk = CHUNK_MIN if busy > BUSY else min(chunk * 2, CHUNK_MAX)
        return rest_s(work_s, busy, self._lag)

    def _busy(self) -> float:
        """The share of the rest in which the writer worked: all of it was for others."""
        slept_s = time.monotonic() - self._rested.at_s
        return min((self._database.busy_s() - self._rested.busy_s) / max(slept_s, 1e-6), 1.0)

    async def _look_ahead(self) -> None:
        """Learn, now and then, how many events are still to come."""
        if self._rested.at_s >= self._looked + LOOK_S:
            self._looked = self._rested.at_s
            self._lag = await self._database.read(lambda tx: search.lag(tx, LAG_MAX + 1))


class Mark(NamedTuple):
    """A moment (seconds of the monotonic clock), and how long the writer had worked by then."""

    at_s: float
    busy_s: float


def _advance(tx: Tx, chunk: int) -> tuple[int, float]:
    """Index a chunk; returns how many events it was and the seconds it took."""
    started = time.monotonic()
    return search.advance(tx, chunk), time.monotonic() - started


def rest_s(work_s: float, busy: float, lag: int) -> float:
    """How long to leave the writer to others, in seconds.

    `work_s` is what the last chunk took, `busy` the share of the last rest in which the writer
    worked. The busier it is, the longer the rest, so that a burst is answered first and indexed
    after; but an index far behind works half of the time, whoever waits.
    """
    if lag > LAG_MAX:
        return work_s
    return min(max(work_s * GIVE_WAY * busy, GLANCE_S), REST_S)
