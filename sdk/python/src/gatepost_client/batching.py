"""Checks that wait at the same moment go in one call. No timer gathers them: while one call
runs, the next gathers by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from gatepost_client.errors import GatepostError, RefusedError, UnavailableError
from gatepost_client.wire import BATCH_MAX, Check, Verdict

CALLS_MAX = 8
INVALID = frozenset({400, 413, 422})

Call: TypeAlias = Callable[[Sequence[Check]], Awaitable[Sequence[Verdict]]]
Answer: TypeAlias = tuple[Verdict, float]
"""A verdict, and when it was first asked for, on the monotonic clock."""
Waiting: TypeAlias = tuple[Check, asyncio.Future[Answer]]


class Lane:
    """A queue of checks before `call`. A second call runs beside the first only when it is full."""

    def __init__(self, call: Call, *, size: int = BATCH_MAX, calls_max: int = CALLS_MAX) -> None:
        self._call = call
        self._size = size
        self._calls_max = calls_max
        self._waiting: deque[Waiting] = deque()
        self._calls = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, check: Check) -> Answer:
        """The verdict of this check; raises what the call raised.

        A check that is given up while it waits is not asked at all.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((check, future))
        if self._due():
            self._calls += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def close(self) -> None:
        """Give up what runs and what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        _fail(self._waiting, UnavailableError("the app shuts down"))
        self._waiting.clear()

    def _due(self) -> bool:
        """Whether what waits needs one more call than run now."""
        full = len(self._waiting) >= self._size
        return bool(self._waiting) and (not self._calls or (full and self._calls < self._calls_max))

    async def _run(self) -> None:
        try:
            going = True
            while going:
                await self._ask(self._take())
                self._calls -= 1
                going = self._due()
                self._calls += going
        except BaseException:
            self._calls -= 1
            raise

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        while self._waiting and len(taken) < self._size:
            check, future = self._waiting.popleft()
            if not future.done():
                taken.append((check, future))
        return taken

    async def _ask(self, batch: Sequence[Waiting]) -> None:
        if not batch:
            return
        asked_at = time.monotonic()
        try:
            verdicts = await self._call([check for check, _ in batch])
        except RefusedError as error:
            await self._refused(batch, error)
        except GatepostError as error:
            _fail(batch, error)
        else:
            for (_, future), verdict in zip(batch, verdicts, strict=True):
                if not future.done():
                    future.set_result((verdict, asked_at))
        finally:
            _fail(batch, UnavailableError("the call ended without an answer"))

    async def _refused(self, batch: Sequence[Waiting], error: RefusedError) -> None:
        """One check that Gatepost finds invalid must not refuse its neighbours: ask by halves."""
        if error.status not in INVALID or len(batch) == 1:
            _fail(batch, error)
            return
        middle = len(batch) // 2
        await self._ask(batch[:middle])
        await self._ask(batch[middle:])


def _fail(batch: Sequence[Waiting] | deque[Waiting], error: GatepostError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
