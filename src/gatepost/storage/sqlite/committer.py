"""SQLite's writer: what is light is done in the event loop, on a quick disk with its commit."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from gatepost.base.metrics import Metrics
from gatepost.storage.committer import Gathering
from gatepost.storage.db import Tx
from gatepost.storage.group import Carrier, Hooks, Job, tell
from gatepost.storage.sqlite.writer import WriteConnection

LIGHT_MAX = 128
SLOW_S = 0.02
AWAY_S = 1.0
QUICK_S = 0.002
"""Where half of the commits take no longer, the loop waits for them."""
STEP_S = 0.00005
"""By so much a commit moves what is held to be usual."""
STUCK_S = 0.1


class _Group(NamedTuple):
    """What is to be committed. With a `tx` it has been done, and but for the commit is complete."""

    jobs: list[Job]
    tx: Tx | None
    since: float


class SqliteCommitter(Gathering):
    """Commits one group after the other, while the next one gathers.

    A thread that runs statements beside the event loop takes the interpreter from it, and has to
    win it back, at every single one of them. So a group that is `light` is run in the loop. Where
    commits are quick, the loop commits it too: to wake the thread, and to be told by it, takes as
    long. Otherwise the thread does, which needs no interpreter for it. Where a group took long, the
    thread does all of it for a while.
    """

    def __init__(self, connect: Callable[[], WriteConnection], metrics: Metrics) -> None:
        """Take a factory of the write connection; it is called in the thread."""
        super().__init__()
        self._connect = connect
        self._connection: WriteConnection | None = None
        self._metrics = metrics
        self._carrier = Carrier(metrics)
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        self._under_way = False
        self._done = asyncio.Event()
        self._away_until = 0.0
        self._busy_s = 0.0
        self._usual_s = math.inf
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        """Start the thread for the running event loop."""
        super().start()
        self._thread.start()

    async def close(self) -> None:
        """Commit what waits, then end the thread."""
        self._closing = True
        self._hand_over()
        while self._under_way or self._queue:
            self._done.clear()
            await self._done.wait()
        if self._thread.is_alive():
            self._groups.put(None)
            await asyncio.to_thread(self._thread.join)

    def busy_s(self) -> float:
        """Seconds the writer has worked since the start."""
        return self._busy_s

    def _enqueue(self, fresh: list[Job]) -> None:
        self._queue.extend(fresh)
        self._next()

    def _next(self) -> None:
        if not self._queue or self._under_way:
            return
        self._under_way = True
        jobs, since = self._mixture(), time.monotonic()
        group = _Group(jobs, self._done_here(jobs, since), since)
        connection = self._connection
        if connection is None or connection.is_due or self._usual_s > QUICK_S:
            self._groups.put(group)
            return
        hooks = self._commit(connection, group)
        if hooks is None:
            self._groups.put(group._replace(tx=None))
            return
        self._count(group)
        asyncio.get_running_loop().call_soon(self._finished, jobs, hooks)

    def _done_here(self, jobs: list[Job], now: float) -> Tx | None:
        """Do what a light group asks for, up to the commit; None: the thread has to."""
        connection = self._connection
        if connection is None or now < self._away_until or not _light(jobs):
            return None
        tx = connection.begin_at_once()
        if tx is None:
            return None
        try:
            self._carrier.run(connection, tx, jobs)
        except Exception:  # noqa: BLE001 # the thread comes to it again, and to whom it concerns
            connection.rollback()
            return None
        took = time.monotonic() - now
        if took > SLOW_S:
            self._away_until = now + took + AWAY_S
        return tx

    def _work(self) -> None:
        connection = self._connection = self._connect()
        while (group := self._groups.get()) is not None:
            hooks = self._finish(connection, group)
            self._count(group)
            connection.between()
            assert self._loop is not None  # noqa: S101 # started before the first group
            self._loop.call_soon_threadsafe(self._finished, group.jobs, hooks)
        connection.close()

    def _finish(self, connection: WriteConnection, group: _Group) -> Hooks:
        hooks = self._commit(connection, group)
        return self._carrier.carry(connection, group.jobs) if hooks is None else hooks

    def _commit(self, connection: WriteConnection, group: _Group) -> Hooks | None:
        """Commit what a group has done, and learn how long that takes here; None where nothing is
        committed, and it is to be tried from the beginning.
        """
        if group.tx is None:
            return None
        started = time.monotonic()
        try:
            self._carrier.commit(connection, group.jobs)
        except Exception:  # noqa: BLE001 # whatever it is, nothing was committed
            connection.rollback()
            return None
        self._learn(started, time.monotonic() - started)
        return group.tx.hooks()

    def _learn(self, started: float, took: float) -> None:
        if self._usual_s == math.inf:
            self._usual_s = took
        self._usual_s += STEP_S if took > self._usual_s else -STEP_S  # so it nears the median
        if took > STUCK_S:
            self._away_until = started + took + AWAY_S

    def _count(self, group: _Group) -> None:
        took = time.monotonic() - group.since
        self._busy_s += took
        self._metrics.commit(took)

    def _finished(self, jobs: list[Job], hooks: Hooks) -> None:
        """Begin the next group before anybody is told: they are answered while the thread syncs."""
        for hook in hooks:
            hook()
        self._under_way = False
        self._next()
        tell(jobs)
        self._done.set()


def _light(jobs: list[Job]) -> bool:
    return len(jobs) <= LIGHT_MAX and all(job.light for job in jobs)
