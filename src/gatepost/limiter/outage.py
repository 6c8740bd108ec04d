"""Limits of many processes that hold on when the server that keeps them cannot be reached.

Every process also keeps a log of what it has charged itself. While the server is out of reach, the
lenient hits pass and the rest follows a policy; by default a process admits what its own log leaves
of its fair share, `limit / live processes`, at least 1. Nothing waits for a time-out but the
requests that meet the outage first; one probe at a time finds the server again.

The bound for a limit N and n live processes, as units charged in any one window:

- N while the server can be reached.
- 2 N in a window that touches an outage, of all processes or of some: N through the server, and all
  local shares. (N + n, if the limit is smaller than the number of processes.) The beginning of an
  outage adds less, since each process knows its own charges: nothing, if they were spread evenly.
  The end may add all of it, since the server does not know the local ones.
- N more for each time that the server comes back empty within the window.
- N / n more for each process that `live` does not count, or that has lost its log in a restart.

Lenient hits during an outage, and all hits under the policy `open`, are not charged: they have no
bound, and each of them is counted in the metrics.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.limiter.contract import (
    CostAboveLimitError,
    Subject,
    UnreachableError,
    Verdict,
    Window,
)
from gatepost.limiter.memory import MemoryLimiter
from gatepost.limiter.valkey import ValkeyLimiter

PROBE_S: Final = 0.25
"""Between two probes of a server that cannot be reached."""
RETRY_S: Final = 1.0
SHARES_KEPT: Final = 4096

PROBE: Final[tuple[Subject, ...]] = (("probe", Window("probe", 1, 1)),)
PASSED: Final = Verdict(True, (), 0.0)

# Counters of decisions made without the server.
OUTAGES: Final = "gatepost_limiter_outages"
LENIENT: Final = "gatepost_limiter_outage_lenient"
ADMITTED: Final = "gatepost_limiter_outage_admitted"
THROTTLED: Final = "gatepost_limiter_outage_throttled"
REFUSED: Final = "gatepost_limiter_outage_refused"
OPEN: Final = "gatepost_limiter_outage_open"
# 1 while the server cannot be reached.
OUT: Final = "gatepost_limiter_outage"

_log = log.get("limiter")


class Policy(StrEnum):
    """What becomes of hits that are not lenient while the server cannot be reached."""

    LOCAL = "local"
    REFUSE = "refuse"
    OPEN = "open"


class SharedLimiter:
    """Keeps the promise of `Limiter` for all processes on one server, and has a plan without it.

    During an outage the standings are those of the local share, or none where nothing is charged;
    policy `refuse` raises UNAVAILABLE, and so does a cost above the local share.
    """

    def __init__(
        self,
        shared: ValkeyLimiter,
        live: Callable[[], int],
        policy: Policy,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nobody yet. `live` tells how many processes serve, this one included."""
        self._shared = shared
        self._local = MemoryLimiter(clock)
        self._live = live
        self._policy = policy
        self._metrics = metrics
        self._out = False
        self._probing: asyncio.Task[None] | None = None
        for name in (OUTAGES, LENIENT, ADMITTED, THROTTLED, REFUSED, OPEN):
            metrics.add(name, 0)
        metrics.gauge(OUT, lambda: float(self._out))

    @property
    def out(self) -> bool:
        """Whether the server cannot be reached, as far as is known."""
        return self._out

    async def start(self) -> None:
        """Find out whether the server can be reached; an outage is no error."""
        try:
            await _settled(self._shared.peek(PROBE))
        except UnreachableError as fault:
            self._lose(fault)

    async def close(self) -> None:
        """Let go of the server."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        await self._shared.close()

    def hit(
        self,
        subjects: Sequence[Subject],
        cost: int = 1,
        *,
        lenient: bool = False,
        overdraw: bool = False,
    ) -> Verdict | Awaitable[Verdict]:
        """Charge `cost` units to all the subjects, or to none of them if one has no room."""
        if self._out:
            return self._hit_alone(subjects, cost, lenient=lenient, overdraw=overdraw)
        return self._hit(subjects, cost, lenient=lenient, overdraw=overdraw)

    def peek(self, subjects: Sequence[Subject]) -> Verdict | Awaitable[Verdict]:
        """Tell what a hit of one unit would be answered, with the standings before any charge."""
        return self._peek_alone(subjects) if self._out else self._peek(subjects)

    # With the server

    async def _hit(
        self, subjects: Sequence[Subject], cost: int, *, lenient: bool, overdraw: bool
    ) -> Verdict:
        try:
            verdict = await _settled(self._shared.hit(subjects, cost, overdraw=overdraw))
        except UnreachableError as fault:
            self._lose(fault)
            return self._hit_alone(subjects, cost, lenient=lenient, overdraw=overdraw)
        if verdict.admitted:
            self._local.hit(
                subjects, cost, overdraw=overdraw
            )  # for an outage; its own verdict does not matter
        return verdict

    async def _peek(self, subjects: Sequence[Subject]) -> Verdict:
        try:
            return await _settled(self._shared.peek(subjects))
        except UnreachableError as fault:
            self._lose(fault)
            return self._peek_alone(subjects)

    # Without it

    def _hit_alone(
        self, subjects: Sequence[Subject], cost: int, *, lenient: bool, overdraw: bool
    ) -> Verdict:
        if lenient or self._policy is Policy.OPEN:
            self._metrics.add(LENIENT if lenient else OPEN)
            return PASSED
        if self._policy is Policy.REFUSE:
            raise self._refusal()
        try:
            verdict = self._local.hit(self._shares(subjects), cost, overdraw=overdraw)
        except CostAboveLimitError:
            for _, window in subjects:
                if cost > window.limit:
                    raise CostAboveLimitError(cost, window) from None
            raise self._refusal() from None
        self._metrics.add(ADMITTED if verdict.admitted else THROTTLED)
        return verdict

    def _peek_alone(self, subjects: Sequence[Subject]) -> Verdict:
        if self._policy is Policy.LOCAL:
            return self._local.peek(self._shares(subjects))
        return PASSED

    def _shares(self, subjects: Sequence[Subject]) -> list[Subject]:
        live = max(1, self._live())
        return [(key, _share(window, live)) for key, window in subjects]

    def _refusal(self) -> AppError:
        self._metrics.add(REFUSED)
        detail = "Rate limits cannot be checked right now. Please try again."
        return AppError(Code.UNAVAILABLE, detail, retry_after_s=RETRY_S)

    # Losing and finding it

    def _lose(self, fault: UnreachableError) -> None:
        if self._out:
            return
        self._out = True
        self._metrics.add(OUTAGES)
        _log.warning(
            "shared limits are out of reach",
            server=self._shared.server,
            reason=str(fault),
            policy=self._policy.value,
        )
        self._probing = asyncio.create_task(self._probe(time.monotonic()))

    async def _probe(self, since: float) -> None:
        while self._out:
            await asyncio.sleep(PROBE_S)
            try:
                await _settled(self._shared.peek(PROBE))
            except UnreachableError:
                continue
            self._out = False
        away_s = round(time.monotonic() - since, 3)
        _log.warning("shared limits are back", server=self._shared.server, away_s=away_s)


async def _settled(verdict: Verdict | Awaitable[Verdict]) -> Verdict:
    return verdict if isinstance(verdict, Verdict) else await verdict


@lru_cache(SHARES_KEPT)
def _share(window: Window, live: int) -> Window:
    """Give one process its part. The same struct each time: a log knows its window by identity."""
    return Window(window.name, max(1, window.limit // live), window.seconds)
