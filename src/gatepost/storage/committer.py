"""Grouped commits: one transaction for all that waits, one fsync for all of it.

No timer gathers a group: while one commit runs, the next one gathers by itself, and what comes in
one turn of the event loop after the other is handed over together.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Tx, Verb

T = TypeVar("T")

WEIGHT_MAX = 4096
# Every item may hold a lock of the server, which has a table of some thousands.
ALIKE_MAX = 256
ALIKE_WEIGHT_MAX = 2048
RETRY_AFTER_S = 1.0
GATHER_S = 0.004
"""How long a request may wait for others, as long as each turn of the loop brings some."""


class Connection(Protocol):
    """The engine's side of a write transaction."""

    def begin(self) -> Tx: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def savepoint(self) -> None: ...
    def release(self) -> None: ...
    def undo(self) -> None: ...
    def between(self) -> None: ...
    def again(self, error: BaseException, tries: int) -> float | None:
        """Seconds to wait before the same transaction is tried again, None when it is no use."""
        ...

    def blameless(self, error: BaseException) -> bool:
        """Whether no single request can have caused it, so that none is tried alone.

        So it must be where nobody knows whether the commit took place: then trying again might
        do everything twice.
        """
        ...

    def busy(self, error: BaseException) -> bool: ...
    def close(self) -> None: ...


class Job:
    """One item waiting for a commit, and who waits for its outcome."""

    __slots__ = ("future", "item", "outcome", "since", "verb", "weight")

    def __init__(
        self, verb: Verb | None, item: Any, weight: int, future: asyncio.Future[Any]
    ) -> None:
        self.verb = verb
        self.item = item
        self.weight = weight
        self.future = future
        self.outcome: Any = None
        self.since = time.monotonic()


class Committer:
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
        self._connect = connect
        self._metrics = metrics
        self._mixed = writers == 1
        self._patience_s = patience_s
        self._queue: deque[Job] = deque()
        self._fresh: list[Job] = []
        self._seen = 0
        self._taking = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._closing = False
        self._busy_s = [0.0] * writers
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log = log.get("storage")

    def start(self) -> None:
        """Start the writers for the running event loop."""
        self._loop = asyncio.get_running_loop()
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

    def waiting(self) -> int:
        """How many items wait for a writer now."""
        return len(self._queue) + len(self._fresh)

    def busy_s(self) -> float:
        """Seconds a writer has worked since the start, on average."""
        return sum(self._busy_s) / len(self._busy_s)

    def submit(self, verb: Verb | None, item: Any, weight: int = 1) -> asyncio.Future[Any]:
        """Queue an item: a verb's, or with no verb a function of the transaction."""
        loop = self._loop
        if loop is None or self._closing:
            raise AppError(Code.UNAVAILABLE, "Shutting down", retry_after_s=RETRY_AFTER_S)
        future: asyncio.Future[Any] = loop.create_future()
        if not self._fresh:
            loop.call_soon(self._gather)
        self._fresh.append(Job(verb, item, weight, future))
        return future

    def _gather(self) -> None:
        """Hand over once a turn of the loop has brought nothing more: the larger the groups, the
        fewer commits and the less each request costs.
        """
        count = len(self._fresh)
        if count > self._seen and time.monotonic() - self._fresh[0].since < GATHER_S:
            self._seen = count
            asyncio.get_running_loop().call_soon(self._gather)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        self._seen = 0
        if self._fresh:
            with self._taking:
                self._queue.extend(self._fresh)
            self._fresh = []
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

    def _take(self) -> list[Job]:
        with self._taking:
            jobs = self._mixture() if self._mixed else self._alike()
            if self._queue and not self._mixed:
                self._wake.put(None)  # for another writer
        return jobs

    def _mixture(self) -> list[Job]:
        jobs, weight = [], 0
        while self._queue and weight < WEIGHT_MAX:
            job = self._queue.popleft()
            jobs.append(job)
            weight += job.weight
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

    def _commit(self, connection: Connection, jobs: list[Job]) -> None:
        timely = [job for job in jobs if not self._late(job)]
        hooks = self._attempt(connection, timely) if timely else []
        if hooks is None:
            hooks = [hook for job in timely for hook in self._alone(connection, job)]
        assert self._loop is not None  # noqa: S101 # started before the first job
        self._loop.call_soon_threadsafe(_deliver, jobs, hooks)

    def _attempt(self, connection: Connection, jobs: list[Job]) -> list[Callable[[], None]] | None:
        """Commit all jobs together; None when a fault rolled everything back."""
        for tries in count(1):
            try:
                tx = connection.begin()
                self._run(connection, tx, jobs)
                connection.commit()
            except Exception as error:  # noqa: BLE001 # whatever it is, nothing was committed
                connection.rollback()
                wait_s = connection.again(error, tries)
                if wait_s is None:
                    return self._failed(connection, jobs, error)
                self._metrics.add("gatepost_commit_retries")
                time.sleep(wait_s)
            else:
                self._metrics.add("gatepost_commits")
                self._metrics.add("gatepost_commit_items", len(jobs))
                return tx.hooks()
        return None

    def _failed(
        self, connection: Connection, jobs: list[Job], error: Exception
    ) -> list[Callable[[], None]] | None:
        self._metrics.add("gatepost_commit_failures")
        refusal = self._refusal(connection, error)
        for job in jobs:
            job.outcome = refusal
        return [] if len(jobs) == 1 or connection.blameless(error) else None

    def _alone(self, connection: Connection, job: Job) -> list[Callable[[], None]]:
        """After a fault, each job commits by itself, so that the faulty one fails alone."""
        if self._late(job):
            return []
        return self._attempt(connection, [job]) or []

    def _late(self, job: Job) -> bool:
        """Refuse what waits for too long already; it was not carried out."""
        late = time.monotonic() - job.since > self._patience_s
        if late:
            job.outcome = _unavailable()
        return late

    def _refusal(self, connection: Connection, error: Exception) -> Exception:
        if isinstance(error, AppError):
            return error
        if connection.busy(error):
            self._log.warning("the database cannot commit", reason=_reason(error))
            return _unavailable()
        self._log.error("commit failed", exc_info=error)
        return error

    def _run(self, connection: Connection, tx: Tx, jobs: list[Job]) -> None:
        groups: dict[Verb, list[Job]] = {}
        for job in jobs:
            if job.verb is not None:
                groups.setdefault(job.verb, []).append(job)
        for verb, members in groups.items():
            outcomes = verb(tx, [job.item for job in members])
            for job, outcome in zip(members, outcomes, strict=True):
                job.outcome = outcome
        for job in jobs:
            if job.verb is None:
                job.outcome = self._guarded(connection, tx, job.item)

    def _guarded(self, connection: Connection, tx: Tx, work: Callable[[Tx], Any]) -> Any:
        """Run one function in a savepoint: its refusal undoes its own work alone."""
        hooks = len(tx.hooks())
        connection.savepoint()
        try:
            result = work(tx)
        except AppError as refusal:
            connection.undo()
            del tx.hooks()[hooks:]
            return refusal
        connection.release()
        return result


class Writing:
    """The half of the Database protocol that writes, which every engine has alike."""

    _committer: Committer

    def busy_s(self) -> float:
        """Seconds a writer has worked since the start, on average."""
        return self._committer.busy_s()

    def submit(self, verb: Verb, item: Any, weight: int = 1) -> asyncio.Future[Any]:
        """Join the next grouped commit with one item of a vector verb."""
        return self._committer.submit(verb, item, weight)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a function as a transaction, or in its own savepoint of a grouped one."""
        result: T = await self._committer.submit(None, work)
        return result


def _reason(error: BaseException) -> str:
    """The driver's own words, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}".partition("\n")[0]


def _unavailable() -> AppError:
    detail = "The database cannot take writes now"
    return AppError(Code.UNAVAILABLE, detail, retry_after_s=RETRY_AFTER_S)


def _deliver(jobs: Sequence[Job], hooks: Sequence[Callable[[], None]]) -> None:
    for hook in hooks:
        hook()
    for job in jobs:
        if job.future.done():
            continue
        if isinstance(job.outcome, Exception):
            job.future.set_exception(job.outcome)
        else:
            job.future.set_result(job.outcome)
