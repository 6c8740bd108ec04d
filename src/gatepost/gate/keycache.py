"""Callers by a hash of their secret, for at most a second.

Revocation in this process empties the cache before it is answered; one made by another process
is true after `TTL_S`. An entry is never served past its time while a fresh one is fetched.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, TypeVar

T = TypeVar("T")

TTL_S = 1.0
ENTRIES_MAX = 20_000


class KeyCache(Generic[T]):
    """A small map with a short memory. None is remembered too: an unknown secret."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty; `clock` gives seconds that never go back."""
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._entries: dict[bytes, tuple[T | None, float]] = {}
        self.generation = 0

    def slot(self, secret: str) -> bytes:
        """Hash a secret under a salt of this process: several times faster than the HMAC it is
        stored by, and worth nothing outside.
        """
        return blake2b(secret.encode(), digest_size=16, salt=self._salt).digest()

    def get(self, slot: bytes) -> tuple[T | None, float] | None:
        """Return (caller or None, its end), or None when there is no fresh entry."""
        entry = self._entries.get(slot)
        if entry is None or self._clock() >= entry[1]:
            return None
        return entry

    def now(self) -> float:
        """Read the cache's own clock, in seconds."""
        return self._clock()

    def put(self, slot: bytes, value: T | None, generation: int, since: float) -> None:
        """Keep what was read, unless anything was revoked since the reading began.

        `since` is when it began: from then on another process may have revoked it.
        """
        if generation != self.generation:
            return
        if len(self._entries) >= ENTRIES_MAX:
            self._entries.clear()
        self._entries[slot] = (value, since + TTL_S)

    def drop(self, slot: bytes) -> None:
        """Forget one entry."""
        self._entries.pop(slot, None)

    def clear(self) -> None:
        """Forget everything: something about keys, accounts or plans has changed."""
        self.generation += 1
        self._entries.clear()
