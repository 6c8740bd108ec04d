"""Grouped commits: one transaction for all that waits, one fsync for all of it.

No timer gathers a group: while one commit runs, the next one gathers by itself, and what comes in
one turn of the event loop after the other is handed over together.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Tx, Verb
from gatepost.storage.group import RETRY_AFTER_S, Carrier, Connection, Job, deliver

T = TypeVar("T")

WEIGHT_MAX = 4096
# Every item may hold a lock of the server, which has a table of some thousands.
ALIKE_MAX = 256
ALIKE_WEIGHT_MAX = 2048
GATHER_S = 0.004
"""How long a request may wait for others, as long as each turn of the loop brings some."""
LINGER_S = 0.0005
"""How long it may wait for as many as half of those that came before: a commit takes longer."""


class Gathering(ABC):
    """What is submitted in one turn of the event loop after the other."""

    def __init__(self) -> None:
        """Nothing waits yet; `start` opens it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: deque[Job] = deque()
        self._fresh: list[Job] = []
        self._seen = 0
        self._expected = 0
        self._closing = False

    def start(self) -> None:
        """Open for the running event loop."""
        self._loop = asyncio.get_running_loop()

    def waiting(self) -> int:
        """How many items wait for a writer now."""
        return len(self._queue) + len(self._fresh)

    @abstractmethod
    def busy_s(self) -> float:
        """Seconds a writer has worked since the start, on average."""

    @abstractmethod
    async def close(self) -> None:
        """Commit what waits, then end the threads."""

    def submit(
        self, verb: Verb | None, item: Any, weight: int = 1, *, light: bool = False
    ) -> asyncio.Future[Any]:
        """Queue an item: a verb's, or with no verb a function of the transaction."""
        loop = self._loop
        if loop is None or self._closing:
            raise AppError(Code.UNAVAILABLE, "Shutting down", retry_after_s=RETRY_AFTER_S)
        future: asyncio.Future[Any] = loop.create_future()
        if not self._fresh:
            loop.call_soon(self._gather)
        self._fresh.append(Job(verb, item, weight, future, light=light))
        return future

    def _gather(self) -> None:
        """Hand over once a turn of the loop has brought nothing more: the larger the groups, the
        fewer commits and the less each request costs.
        """
        count = len(self._fresh)
        if not count:
            return
        patience_s = GATHER_S if count > self._seen else LINGER_S if count < self._expected else 0
        if time.monotonic() - self._fresh[0].since < patience_s:
            self._seen = count
            asyncio.get_running_loop().call_soon(self._gather)
        else:
            self._expected = count // 2
            self._hand_over()

    def _hand_over(self) -> None:
        fresh, self._fresh, self._seen = self._fresh, [], 0
        if fresh:
            self._enqueue(fresh)

    @abstractmethod
    def _enqueue(self, fresh: list[Job]) -> None:
        """Take what has gathered, and see that somebody comes to it."""

    def _mixture(self) -> list[Job]:
        jobs, weight = [], 0
        while self._queue and weight < WEIGHT_MAX:
            job = self._queue.popleft()
            jobs.append(job)
            weight += job.weight
        return jobs


class Committer(Gathering):
    """The writers of a database: each takes what waits and commits it as one transaction.

    One writer mixes whatever waits, for it meets nobody. Of several, each commits the items of
    one verb alone, whose locks have one order, and functions one by one.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        metrics: Metrics,
        writers: int = 1,
        patience_s: float = math.inf,
    ) -> None:
        """Take a factory of write connections; it is called in each writer's thread.

        What has waited for longer than `patience_s` is refused.
        """
        super().__init__()
        self._connect = connect
        self._metrics = metrics
        self._carrier = Carrier(metrics, patience_s)
        self._mixed = writers == 1
        self._taking = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._busy_s = [0.0] * writers
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the writers for the running event loop."""
        super().start()
        for number in range(len(self._busy_s)):
            work = threading.Thread(target=self._work, args=[number], name="writer", daemon=True)
            self._threads.append(work)
            work.start()

    async def close(self) -> None:
        """Commit what waits, then end the threads."""
        self._closing = True
        self._hand_over()
        for _ in self._threads:
            self._wake.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def busy_s(self) -> float:
        """Seconds a writer has worked since the start, on average."""
        return sum(self._busy_s) / len(self._busy_s)

    def _enqueue(self, fresh: list[Job]) -> None:
        with self._taking:
            self._queue.extend(fresh)
        self._wake.put(None)

    def _work(self, number: int) -> None:
        connection = self._connect()
        while True:
            self._wake.get()
            while jobs := self._take():
                started = time.monotonic()
                self._commit(connection, jobs)
                took = time.monotonic() - started
                self._busy_s[number] += took
                self._metrics.commit(took)
                connection.between()
            if self._closing:
                break
        connection.close()

    def _commit(self, connection: Connection, jobs: list[Job]) -> None:
        hooks = self._carrier.carry(connection, jobs)
        assert self._loop is not None  # noqa: S101 # started before the first job
        self._loop.call_soon_threadsafe(deliver, jobs, hooks)

    def _take(self) -> list[Job]:
        with self._taking:
            jobs = self._mixture() if self._mixed else self._alike()
            if self._queue and not self._mixed:
                self._wake.put(None)  # for another writer
        return jobs

    def _alike(self) -> list[Job]:
        jobs: list[Job] = []
        others: list[Job] = []
        weight = 0
        while self._queue and weight < ALIKE_WEIGHT_MAX and len(jobs) < ALIKE_MAX:
            job = self._queue.popleft()
            if jobs and (job.verb is None or job.verb is not jobs[0].verb):
                others.append(job)
                continue
            jobs.append(job)
            weight += job.weight
            if job.verb is None:
                break
        self._queue.extendleft(reversed(others))
        return jobs


class Writing:
    """The half of the Database protocol that writes, which every engine has alike."""

    _committer: Gathering

    def busy_s(self) -> float:
        """Seconds a writer has worked since the start, on average."""
        return self._committer.busy_s()

    def submit(
        self, verb: Verb, item: Any, weight: int = 1, *, light: bool = False
    ) -> asyncio.Future[Any]:
        """Join the next grouped commit with one item of a vector verb."""
        return self._committer.submit(verb, item, weight, light=light)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a function as a transaction, or in its own savepoint of a grouped one."""
        result: T = await self._committer.submit(None, work)
        return result
