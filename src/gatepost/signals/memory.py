"""Doorbells within one process and one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gatepost.signals.contract import Topic


class MemoryBell:
    """A doorbell that remembers one ring."""

    def __init__(self) -> None:
        """Start silent."""
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Ring, or leave the ring that stands."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until rung since the last wait, or until the time is up (False)."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class MemorySignals:
    """Topics and who listens to them."""

    def __init__(self) -> None:
        """Start with no listener."""
        self._bells: dict[Topic, set[MemoryBell]] = {}

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def ring(self, topic: Topic) -> None:
        """Wake everyone who listens to a topic."""
        for bell in self._bells.get(topic, ()):
            bell.ring()

    def ring_all(self) -> None:
        """Wake everyone: nobody knows which rings were missed."""
        for topic in self._bells:
            MemorySignals.ring(self, topic)

    @contextmanager
    def listen(self, topic: Topic) -> Iterator[MemoryBell]:
        """Listen to a topic for as long as the context is open."""
        bell = MemoryBell()
        self._bells.setdefault(topic, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[topic].discard(bell)
            if not self._bells[topic]:
                del self._bells[topic]
