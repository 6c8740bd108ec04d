"""Reuses of cached verdicts, on their way to Gatepost: each is charged once, in order."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from gatepost_client.batching import Answer
from gatepost_client.errors import RefusedError, UnavailableError
from gatepost_client.wire import BATCH_MAX, Check, Verdict

logger = logging.getLogger("gatepost_client")
PAUSE_MIN_S = 0.05
PAUSE_MAX_S = 2.0

Call: TypeAlias = Callable[[Sequence[Check], str], Awaitable[Sequence[Verdict]]]
"""Charges checks under an idempotency key."""


class Book(Protocol):
    """Who keeps what is owed, and hears how each charge ended."""

    def settled(self, check: Check, answer: Answer) -> None:
        """It was charged, or refused."""

    def lost(self, check: Check) -> None:
        """It will never be charged."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """The first `size` of what is pending, as they go out: always under the same key, `once`."""

    size: int
    once: str
    asked_at: float


class Charges:
    """At most `pending_max` reuses that are not charged yet.

    They go out in batches, one after the other, at once. A batch without an answer is sent again
    under the same idempotency key until there is one, so that none is charged twice.
    """

    def __init__(self, call: Call, book: Book, *, pending_max: int) -> None:
        self._call = call
        self._book = book
        self._pending_max = pending_max
        self._pending: deque[Check] = deque()
        self._parcel: Parcel | None = None
        self._task: asyncio.Task[None] | None = None
        self._added = self._ended = 0
        self._progress = asyncio.Event()
        self._failure: str | None = None
        self._hurry = asyncio.Event()

    @property
    def full(self) -> bool:
        return len(self._pending) >= self._pending_max

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, check: Check) -> None:
        """Charge this check with the next batch."""
        self._pending.append(check)
        self._added += 1
        self._start()

    async def caught_up(self) -> None:
        """Wait until all that is pending now is charged or lost; raises UnavailableError when the
        next try fails.
        """
        last = self._added
        while self._ended < last:
            self._hurry.set()
            self._start()
            await self._progress.wait()
            if self._failure is not None:
                raise UnavailableError(self._failure)

    async def flush(self, timeout_s: float) -> None:
        """Wait until all is charged, at most `timeout_s` seconds; the rest is lost, and logged."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                if self._task is not None:
                    await asyncio.wait([self._task])
                await self._run()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._pending:
            logger.warning("%d reused verdicts were not charged at the end", len(self._pending))
            self._lose(len(self._pending))
        self._parcel = None

    def _start(self) -> None:
        if self._pending and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause_s = PAUSE_MIN_S
        while self._pending:
            parcel = self._parcel or self._packed()
            self._hurry.clear()
            try:
                await self._deliver(parcel)
            except UnavailableError as error:
                self._tell(str(error))
                await self._rest(max(pause_s, min(error.retry_after_s or 0, PAUSE_MAX_S)))
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
            else:
                self._parcel, pause_s = None, PAUSE_MIN_S
                self._tell(None)

    def _packed(self) -> Parcel:
        size = min(len(self._pending), BATCH_MAX)
        self._parcel = Parcel(size, uuid.uuid4().hex, time.monotonic())
        return self._parcel

    async def _deliver(self, parcel: Parcel) -> None:
        checks = [self._pending[at] for at in range(parcel.size)]
        try:
            verdicts = await self._call(checks, parcel.once)
        except RefusedError as error:
            logger.warning("Gatepost refuses %d charges: %s", parcel.size, error.code)
            self._lose(parcel.size)
            return
        for verdict in verdicts:
            self._book.settled(self._next(), (verdict, parcel.asked_at))

    async def _rest(self, pause_s: float) -> None:
        """Pause, unless somebody cannot wait."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), pause_s)

    def _tell(self, failure: str | None) -> None:
        """Say to those who wait how the last try ended."""
        self._failure = failure
        self._progress.set()
        self._progress = asyncio.Event()

    def _lose(self, count: int) -> None:
        for _ in range(count):
            self._book.lost(self._next())

    def _next(self) -> Check:
        self._ended += 1
        return self._pending.popleft()
