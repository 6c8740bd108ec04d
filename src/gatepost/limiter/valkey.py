"""The limiter of many processes: rolling logs in Valkey (or Redis from 7 on), decided by a script.

Each decision is one atomic step on the server, by the server's clock. What is asked while a round
trip is under way waits and shares the next one, so a slow server is asked less often, not more.
Decisions about the same subjects even share one run of the script.

The keys of one decision's subjects must lie in one hash slot, if the server is part of a cluster:
their names begin with the same `{tag}`. They expire a second after their last unit has left. A
server that evicts keys to save memory breaks limits: its `maxmemory-policy` must be `noeviction`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from itertools import islice
from struct import Struct, pack

from valkey.exceptions import ResponseError

from gatepost.limiter.contract import (
    REPEATED,
    CostAboveLimitError,
    Standing,
    Subject,
    UnreachableError,
    Verdict,
)
from gatepost.limiter.link import Command, Link, Reply

PREFIX = "gatepost:limit:"
SECOND_US = 1_000_000
ROUNDS_MAX = 256
"""Runs of the script in one round trip, so that none takes the server long."""

SCRIPT = files("gatepost.limiter").joinpath("rolling.lua").read_text()
_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
_PAIR = Struct("<dd")
_UNLIMITED = Verdict(True, (), 0.0)

Clock = Callable[[], float]


class ValkeyLimiter:
    """Keeps the promise of `Limiter` for all processes that share one server.

    Call it from one event loop. Verdicts raise `UnreachableError` when the server gives none; such
    a hit may or may not have been charged, and a broken connection may have charged it twice.
    """

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        """Connect nothing yet.

        `url` is `valkey://`, `redis://`, the same with `s` for TLS, or `unix://`; ValueError,
        without the address, if it is none of them. `clock` gives seconds instead of the server's
        clock: for tests that turn it.
        """
        self._link = Link(url, SCRIPT)
        self._clock = clock
        self._waiting: dict[int, _Round] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def server(self) -> str:
        """Where the server is, without user and password."""
        return self._link.server

    async def start(self) -> None:
        """Connections are made as they are needed."""

    async def close(self) -> None:
        """Answer what waits, and let go of the connection."""
        if self._task is not None:
            await self._task
        await self._link.close()

    def hit(
        self,
        subjects: Sequence[Subject],
        cost: int = 1,
        *,
        lenient: bool = False,  # noqa: ARG002 # the server always knows how the windows stand
        overdraw: bool = False,
    ) -> Verdict | Awaitable[Verdict]:
        """Charge `cost` units to all the subjects, or to none of them if one has no room."""
        if cost < 1:
            message = f"a cost must be at least 1, got {cost}"
            raise ValueError(message)
        if overdraw:
            return self._ask(subjects, -cost)
        for _, window in subjects:
            if cost > window.limit:
                raise CostAboveLimitError(cost, window)
        return self._ask(subjects, cost)

    def peek(self, subjects: Sequence[Subject]) -> Verdict | Awaitable[Verdict]:
        """Tell what a hit of one unit would be answered, with the standings before any charge."""
        return self._ask(subjects, 0)

    def _ask(self, subjects: Sequence[Subject], cost: int) -> Verdict | Awaitable[Verdict]:
        if not subjects:
            return _UNLIMITED
        # The subjects of one caller are one tuple: waiting rounds are known by it.
        subjects = tuple(subjects)
        waiting = self._waiting.get(id(subjects))
        if waiting is None:
            waiting = self._waiting[id(subjects)] = _Round(subjects)
        loop = asyncio.get_running_loop()
        if self._task is None:
            self._task = loop.create_task(self._serve())
        return waiting.add(cost, loop.create_future())

    async def _serve(self) -> None:
        """Make round trips until nobody waits any more."""
        rounds: list[_Round] = []
        try:
            while self._waiting:
                rounds = [self._waiting.pop(key) for key in [*islice(self._waiting, ROUNDS_MAX)]]
                now = "" if self._clock is None else repr(self._clock() * SECOND_US)
                replies = await self._link.ask([one.command(now) for one in rounds])
                for one, reply in zip(rounds, replies, strict=True):
                    one.answer(reply)
        except Exception as fault:  # noqa: BLE001 # it belongs to those who wait
            # To all of them: those who came meanwhile shall not wait for the next failure.
            for one in (*rounds, *self._waiting.values()):
                one.fail(fault)
            self._waiting.clear()
        finally:
            for one in (*rounds, *self._waiting.values()):
                one.cancel()
            self._waiting.clear()
            self._task = None


class _Round:
    """Decisions about the same subjects, for one run of the script."""

    __slots__ = ("_costs", "_futures", "_subjects")

    def __init__(self, subjects: tuple[Subject, ...]) -> None:
        if len({key for key, _ in subjects}) < len(subjects):
            raise ValueError(REPEATED)
        self._subjects = subjects
        self._costs: list[int] = []
        self._futures: list[asyncio.Future[Verdict]] = []

    def add(self, cost: int, future: asyncio.Future[Verdict]) -> asyncio.Future[Verdict]:
        self._costs.append(cost)
        self._futures.append(future)
        return future

    def command(self, now: str) -> Command:
        keys, windows = [], []
        for key, window in self._subjects:
            keys.append(PREFIX + key)
            windows.append(_PAIR.pack(window.limit, window.seconds * SECOND_US))
        costs = pack(f"<{len(self._costs)}d", *self._costs)
        return ("EVALSHA", _SHA, len(keys), *keys, now, b"".join(windows), costs)

    def answer(self, reply: Reply) -> None:
        if isinstance(reply, ResponseError):
            self.fail(UnreachableError(str(reply)))
            return
        size = len(reply) // len(self._futures)
        for at, future in enumerate(self._futures):
            if not future.done():
                future.set_result(self._verdict(reply, at * size))

    def fail(self, fault: Exception) -> None:
        for future in self._futures:
            if not future.done():
                future.set_exception(fault)

    def cancel(self) -> None:
        for future in self._futures:
            future.cancel()

    def _verdict(self, reply: bytes, at: int) -> Verdict:
        fits, wait = _PAIR.unpack_from(reply, at)
        standings = []
        for _, window in self._subjects:
            at += _PAIR.size
            remaining, reset = _PAIR.unpack_from(reply, at)
            standings.append(Standing(window, int(remaining), reset / SECOND_US))
        return Verdict(fits == 1, tuple(standings), wait / SECOND_US)
