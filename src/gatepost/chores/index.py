"""The search index, kept close behind the events without standing in their way."""

from __future__ import annotations

import time
from typing import Protocol

from gatepost.base.metrics import Metrics
from gatepost.domains.events import search
from gatepost.storage.db import Database, Tx

CHUNK = 500
CHUNK_BUSY = 24
IDLE_S = 0.2
REST_S = 1.0
BUSY = 0.05
GIVE_WAY = 60
LAG_MAX = 100_000
LOOK_S = 0.5


class Kit(Protocol):
    """What the index needs of a process."""

    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...


class Index:
    """Enters events into the index, chunk by chunk."""

    def __init__(self, kit: Kit) -> None:
        """Show how far behind it is as a metric."""
        self._database = kit.database
        self._lag = 0
        self._busy = 0.0
        self._since = time.monotonic()
        self._looked = 0.0
        self._writer_s = kit.database.busy_s()
        self._work_s = 0.0
        kit.metrics.gauge("gatepost_search_lag_events", lambda: self._lag)

    async def run(self) -> float:
        """Index a chunk; returns the rest (seconds) that is due before the next."""
        chunk = CHUNK_BUSY if self._busy > BUSY else CHUNK
        done = await self._database.write(lambda tx: self._advance(tx, chunk))
        self._look_around()
        if done < chunk:
            self._lag = 0
            return IDLE_S
        await self._look_ahead()
        return rest_s(self._work_s, self._busy, self._lag)

    async def _look_ahead(self) -> None:
        """Learn, now and then, how many events are still to come."""
        if self._since >= self._looked + LOOK_S:
            self._looked = self._since
            self._lag = await self._database.read(search.lag)

    def _advance(self, tx: Tx, chunk: int) -> int:
        started = time.monotonic()
        try:
            return search.advance(tx, chunk)
        finally:
            self._work_s = time.monotonic() - started

    def _look_around(self) -> None:
        """Learn which share of the time since the last chunk the writer worked for others."""
        now, writer_s = time.monotonic(), self._database.busy_s()
        others_s = max(writer_s - self._writer_s - self._work_s, 0.0)
        self._busy = others_s / max(now - self._since, 1e-6)
        self._since, self._writer_s = now, writer_s


def rest_s(work_s: float, busy: float, lag: int) -> float:
    """How long to leave the writer to others, in seconds.

    `work_s` is what the last chunk took, `busy` the share of the time the writer spent on others.
    The busier it is, the longer the rest, so that a burst is answered first and indexed after;
    but an index far behind works half of the time, whoever waits.
    """
    if lag > LAG_MAX:
        return work_s
    return min(work_s * GIVE_WAY * busy, REST_S)
