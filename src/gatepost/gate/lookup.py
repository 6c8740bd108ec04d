"""Look-ups that requests share: what is asked for at the same time is read at once, and known for
at most a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from gatepost.gate.keycache import KeyCache
from gatepost.storage.db import Database, Tx

T = TypeVar("T")

Read = Callable[[Tx, Sequence[bytes]], Sequence[T | None]]
"""Values of many keys, in their order; None where there is none."""


class Lookup(Generic[T]):
    """Values by key, behind a cache. Used from the event loop alone."""

    def __init__(self, database: Database, read: Read[T]) -> None:
        """Start with nothing known."""
        self.cache: KeyCache[T] = KeyCache()
        self._database = database
        self._read = read
        self._waiting: list[tuple[bytes, bytes]] = []
        self._loading: dict[bytes, asyncio.Future[T | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, slot: bytes, key: bytes) -> T | None:
        """Read the value of a key, to be cached in a slot; raises UNAVAILABLE."""
        future = self._loading.get(slot)
        if future is None:
            future = self._loading[slot] = asyncio.get_running_loop().create_future()
            self._waiting.append((slot, key))
            if self._task is None:
                self._task = asyncio.create_task(self._load_all())
        return await asyncio.shield(future)

    async def _load_all(self) -> None:
        while self._waiting:
            wanted, self._waiting = self._waiting, []
            try:
                await self._load(wanted)
            except Exception as fault:  # noqa: BLE001 # it belongs to those who wait
                for slot, _ in wanted:
                    self._loading.pop(slot).set_exception(fault)
        self._task = None

    async def _load(self, wanted: list[tuple[bytes, bytes]]) -> None:
        keys = [key for _, key in wanted]
        while True:
            generation, since = self.cache.generation, self.cache.now()
            found = await self._database.read(lambda tx: self._read(tx, keys))
            if generation == self.cache.generation:
                break
        for (slot, _), value in zip(wanted, found, strict=True):
            self.cache.put(slot, value, generation, since)
            self._loading.pop(slot).set_result(value)
