"""Verdicts that may be used again for a while. Pure: the caller says what time it is."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from gatepost_client.bounded import Bounded
from gatepost_client.room import Room
from gatepost_client.wire import Check, Reason, Verdict

Subject: TypeAlias = tuple[bytes, str | None, str | None, str | None, int]
"""What a verdict is about: key (as a digest), scope, route, customer, cost."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict, and when it was asked for: it cannot be older than that."""

    verdict: Verdict
    asked_at: float


@dataclass(frozen=True, slots=True)
class Refusal(Kept):
    """A refusal that came at `came_at`: what was asked for before, with that key, is void."""

    came_at: float


class VerdictCache:
    """Verdicts of the last `cache_s` seconds, at most `entries` allowed and as many refused.

    Times are seconds of one monotonic clock; `wall` tells the time that keys expire by. What is
    reused is owed until it is repaid, and no more is reused than is known to be left.
    """

    def __init__(self, *, cache_s: float, entries: int, wall: Callable[[], datetime]) -> None:
        self._cache_s = cache_s
        self._wall = wall
        self._salt = secrets.token_bytes(16)
        self._allowed: Bounded[Subject, Kept] = Bounded(entries)
        self._refused: Bounded[bytes, Refusal] = Bounded(entries)
        self._room = Room(entries)

    def unknown(self, check: Check, now: float) -> Verdict | None:
        """The refusal of a key that Gatepost did not know a moment ago."""
        kept = self._refused.get(self._digest(check))
        if kept is None or kept.verdict.reason != Reason.KEY_NOT_FOUND or self._old(kept, now):
            return None
        return kept.verdict

    def reusable(self, check: Check, now: float) -> Verdict | None:
        """The verdict that may be used once more; whoever does so says it to `reused`."""
        subject = self._subject(check)
        kept = self._allowed.get(subject)
        if kept is None:
            return None
        if self._old(kept, now) or self._ended(subject[0], kept):
            self._allowed.drop(subject)
            return None
        standing = self._room.within((subject[0], check.customer), check.cost)
        if standing is None:
            return None
        return replace(kept.verdict, limits=standing.limits, quotas=standing.quotas)

    def owes(self, check: Check) -> bool:
        """Whether there are reuses of its key that are not charged yet."""
        return self._room.owed.of(self._digest(check)) != (0, 0)

    def reused(self, check: Check) -> None:
        """It is owed from now on."""
        self._room.owed.add(self._digest(check), check.cost)

    def repaid(self, check: Check) -> None:
        """It is owed no longer: charged, refused or lost."""
        self._room.owed.strike(self._digest(check), check.cost)

    @contextmanager
    def asking(self, check: Check) -> Iterator[None]:
        """It is being asked."""
        digest = self._digest(check)
        self._room.asked.add(digest, check.cost)
        try:
            yield
        finally:
            self._room.asked.strike(digest, check.cost)

    def keep(self, check: Check, verdict: Verdict, *, asked_at: float, now: float) -> None:
        """Keep a verdict that was asked for at `asked_at`, unless a newer one is there."""
        subject = self._subject(check)
        if not verdict.allowed:
            self._allowed.drop(subject)
            self._refused.put(subject[0], Refusal(verdict, asked_at, now))
            return
        self._room.learn((subject[0], check.customer), verdict, asked_at=asked_at, now=now)
        there = self._allowed.get(subject)
        if there is None or there.asked_at <= asked_at:
            self._allowed.put(subject, Kept(verdict, asked_at))

    def _ended(self, digest: bytes, kept: Kept) -> bool:
        refused = self._refused.get(digest)
        return refused is not None and kept.asked_at <= refused.came_at

    def _old(self, kept: Kept, now: float) -> bool:
        expires = kept.verdict.key.expires_at if kept.verdict.key else None
        expired = expires is not None and self._wall() >= expires
        return expired or now - kept.asked_at >= self._cache_s

    def _subject(self, check: Check) -> Subject:
        return (self._digest(check), check.scope, check.route, check.customer, check.cost)

    def _digest(self, check: Check) -> bytes:
        """So that a cache full of keys holds no secret."""
        return hashlib.blake2b(check.key.encode(), digest_size=16, key=self._salt).digest()
