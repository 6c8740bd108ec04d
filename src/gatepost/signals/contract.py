"""What a doorbell must do, within one process or between many."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Bell(Protocol):
    """One listener's own doorbell."""

    async def wait(self, timeout_s: float) -> bool:
        """Wait until rung since the last wait, or until the time is up (False)."""
        ...


class Signals(Protocol):
    """Ring and listen by topic. A ring may be lost or come twice: look, never trust."""

    def ring(self, topic: str | bytes) -> None:
        """Wake everyone who listens to a topic."""
        ...

    def listen(self, topic: str | bytes) -> AbstractContextManager[Bell]:
        """Listen to a topic for as long as the context is open."""
        ...
