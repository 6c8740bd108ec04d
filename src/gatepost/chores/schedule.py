"""The schedule: each chore is a coroutine run again and again, its faults logged, never fatal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import msgspec

from gatepost.base import log
from gatepost.base.metrics import Metrics

_log = log.get("chores")


class Chore(msgspec.Struct, frozen=True):
    """Work that returns how long to wait (seconds) before it is done again."""

    name: str
    work: Callable[[], Awaitable[float]]
    after_fault_s: float = 5.0


class Schedule:
    """Runs chores until closed."""

    def __init__(self, chores: list[Chore], metrics: Metrics) -> None:
        """Hold the chores; none runs yet."""
        self._chores = chores
        self._metrics = metrics
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every chore on the running event loop."""
        self._tasks = [asyncio.create_task(self._repeat(chore)) for chore in self._chores]

    async def close(self) -> None:
        """Stop, and run each chore a last time so that nothing gathered is left behind."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for chore in self._chores:
            await self._once(chore)

    async def _repeat(self, chore: Chore) -> None:
        while True:  # noqa: ASYNC110 # a schedule is no wait for an event
            await asyncio.sleep(await self._once(chore))

    async def _once(self, chore: Chore) -> float:
        try:
            return await chore.work()
        except Exception:  # noqa: BLE001 # a chore may fail, the others go on
            self._metrics.add("gatepost_chore_failures")
            _log.exception("chore failed", chore=chore.name)
            return chore.after_fault_s
