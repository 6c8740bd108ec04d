"""Who may pass: asked of Gatepost, or of what it said a moment ago."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gatepost_client.batching import INVALID, Answer, Lane
from gatepost_client.cache import VerdictCache
from gatepost_client.charges import Charges
from gatepost_client.client import AsyncGateClient
from gatepost_client.errors import RefusedError, UnavailableError
from gatepost_client.wire import Check, Reason, Verdict

logger = logging.getLogger("gatepost_client")
KEY_MAX = 512
UNKNOWN = Verdict(
    allowed=False, reason=Reason.KEY_NOT_FOUND, message="No such key: it is malformed"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how many, see GateMiddleware."""

    cache_s: float
    cache_entries: int
    pending_max: int
    timeout_s: float

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises ValueError."""
        if self.cache_s < 0 or self.timeout_s <= 0:
            raise ValueError("cache_s is at least 0, timeout_s more than 0")
        if self.cache_entries < 1 or self.pending_max < 1:
            raise ValueError("cache_entries and pending_max are at least 1")


class Admission:
    """The gate of one process and event loop: its connections, its cache, what it owes."""

    def __init__(self, client: AsyncGateClient, bounds: Bounds) -> None:
        self._client = client
        self._bounds = bounds
        self._answering = True
        self._life = self._live()
        self._lane = Lane(self._call)
        self._charges = Charges(self._call, self, pending_max=bounds.pending_max)
        self._cache = VerdictCache(
            cache_s=bounds.cache_s, entries=bounds.cache_entries, wall=lambda: datetime.now(UTC)
        )

    async def admit(self, check: Check) -> Verdict:
        """The verdict of this check, charged or about to be.

        Raises UnavailableError after at most `timeout_s` seconds, or RefusedError.
        """
        if not _well_formed(check.key):
            return UNKNOWN
        verdict = self._known(check)
        if verdict:
            return verdict
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                return await self._found_out(check)
        except TimeoutError:
            self._note(f"no answer within {self._bounds.timeout_s:g} s")
            raise UnavailableError("Gatepost did not answer in time") from None

    async def open(self) -> None:
        """Have it closed with the event loop, if nobody does it before."""
        await anext(self._life)

    async def aclose(self) -> None:
        """Charge what is owed, in at most `timeout_s` seconds, and close the connections."""
        await self._life.aclose()

    async def _live(self) -> AsyncGenerator[None, None]:
        """An event loop closes the generators that are still open when it ends: an app without a
        lifespan says good-bye in no other way.
        """
        try:
            yield
        finally:
            await self._charges.flush(self._bounds.timeout_s)
            await self._lane.close()
            await self._client.aclose()

    def settled(self, check: Check, answer: Answer) -> None:
        """A reuse was charged, which renews its verdict, or refused, which ends it."""
        verdict, asked_at = answer
        self._cache.repaid(check)
        self._cache.keep(check, verdict, asked_at=asked_at, now=time.monotonic())

    def lost(self, check: Check) -> None:
        """A reuse will never be charged."""
        self._cache.repaid(check)

    def _known(self, check: Check) -> Verdict | None:
        now = time.monotonic()
        if refusal := self._cache.unknown(check, now):
            return refusal
        verdict = None if self._charges.full else self._cache.reusable(check, now)
        if verdict:
            self._cache.reused(check)
            self._charges.add(check)
        return verdict

    async def _found_out(self, check: Check) -> Verdict:
        """Ask Gatepost, but pay first: what was granted before must be charged before."""
        while self._cache.owes(check):
            await self._charges.caught_up()
            verdict = self._known(check)
            if verdict:
                return verdict
        with self._cache.asking(check):
            verdict, asked_at = await self._lane.ask(check)
        self._cache.keep(check, verdict, asked_at=asked_at, now=time.monotonic())
        return verdict

    async def _call(self, checks: Sequence[Check], once: str | None = None) -> Sequence[Verdict]:
        try:
            verdicts = await self._client.check_batch(checks, once=once)
        except RefusedError as error:
            if error.status not in INVALID:
                self._note(str(error))
            raise
        except UnavailableError as error:
            self._note(str(error))
            raise
        self._note(None)
        return verdicts

    def _note(self, failure: str | None) -> None:
        """Log that answers end and that they come back; not each one that is missing."""
        if failure and self._answering:
            logger.warning("Gatepost gives no verdicts: %s", failure)
        elif not failure and not self._answering:
            logger.warning("Gatepost gives verdicts again")
        self._answering = failure is None


def _well_formed(key: str) -> bool:
    """Whether it could be a key at all: what is none must not spoil a batch."""
    return 0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()
