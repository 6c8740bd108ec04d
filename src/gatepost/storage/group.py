"""A group of requests carried out as one transaction, and what becomes of each."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Protocol

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Tx, Verb

RETRY_AFTER_S = 1.0
Hooks = Sequence[Callable[[], None]]


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
    """One item waiting for a commit, and who waits for its outcome. A `light` one does so little
    that nobody notices where it is done.
    """

    __slots__ = ("future", "item", "light", "outcome", "since", "verb", "weight")

    def __init__(
        self,
        verb: Verb | None,
        item: Any,
        weight: int,
        future: asyncio.Future[Any],
        *,
        light: bool = False,
    ) -> None:
        self.verb = verb
        self.item = item
        self.weight = weight
        self.light = light
        self.future = future
        self.outcome: Any = None
        self.since = time.monotonic()


class Carrier:
    """Carries groups out on a connection, and commits them."""

    def __init__(self, metrics: Metrics, patience_s: float = math.inf) -> None:
        """What has waited for longer than `patience_s` is refused."""
        self._metrics = metrics
        self._patience_s = patience_s
        self._log = log.get("storage")

    def carry(self, connection: Connection, jobs: Sequence[Job]) -> Hooks:
        """Carry a group out: every job has its outcome then. Returns what is to be called."""
        timely = [job for job in jobs if not self._late(job)]
        hooks = self._attempt(connection, timely) if timely else []
        if hooks is None:
            hooks = [hook for job in timely for hook in self._alone(connection, job)]
        return hooks

    def commit(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Commit what a group has done; raises whatever the engine does."""
        connection.commit()
        self._metrics.add("gatepost_commits")
        self._metrics.add("gatepost_commit_items", len(jobs))

    def _attempt(self, connection: Connection, jobs: Sequence[Job]) -> Hooks | None:
        """Commit all jobs together; None when a fault rolled everything back."""
        for tries in count(1):
            try:
                tx = connection.begin()
                self.run(connection, tx, jobs)
                self.commit(connection, jobs)
            except Exception as error:  # noqa: BLE001 # whatever it is, nothing was committed
                connection.rollback()
                wait_s = connection.again(error, tries)
                if wait_s is None:
                    return self._failed(connection, jobs, error)
                self._metrics.add("gatepost_commit_retries")
                time.sleep(wait_s)
            else:
                return tx.hooks()
        return None

    def _failed(
        self, connection: Connection, jobs: Sequence[Job], error: Exception
    ) -> Hooks | None:
        self._metrics.add("gatepost_commit_failures")
        refusal = self._refusal(connection, error)
        for job in jobs:
            job.outcome = refusal
        return [] if len(jobs) == 1 or connection.blameless(error) else None

    def _alone(self, connection: Connection, job: Job) -> Hooks:
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

    def run(self, connection: Connection, tx: Tx, jobs: Sequence[Job]) -> None:
        """Do what a group asks for, within a transaction; raises whatever a verb does."""
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


def _reason(error: BaseException) -> str:
    """The driver's own words, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}".partition("\n")[0]


def _unavailable() -> AppError:
    detail = "The database cannot take writes now"
    return AppError(Code.UNAVAILABLE, detail, retry_after_s=RETRY_AFTER_S)


def deliver(jobs: Sequence[Job], hooks: Hooks) -> None:
    """Call the hooks, and tell everybody; on the event loop."""
    for hook in hooks:
        hook()
    tell(jobs)


def tell(jobs: Sequence[Job]) -> None:
    """Tell everybody the outcome; on the event loop."""
    for job in jobs:
        if job.future.done():
            continue
        if isinstance(job.outcome, Exception):
            job.future.set_exception(job.outcome)
        else:
            job.future.set_result(job.outcome)
