"""What a doorbell must do, within one process or between many."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeAlias

Topic: TypeAlias = str | bytes
"""What a ring is about: one of the names below, or the 16 bytes of an id."""

REVOKED: Final = "revoked"
"""Keys, accounts, projects, plans or customers have changed: forget what is cached of them."""

RELAYS: Final = "relays"
"""Relays have changed: read them again."""

ARRIVALS: Final = "arrivals"
"""Events have been stored that somebody may have to be told of."""

LISTENERS: Final = "listeners"
"""Who wants to be told of events has changed."""

OUTBOX: Final = "outbox"
"""Deliveries have become due."""


class Bell(Protocol):
    """One listener's own doorbell."""

    async def wait(self, timeout_s: float) -> bool:
        """Wait until rung since the last wait, or until the time is up (False)."""
        ...


class Signals(Protocol):
    """Ring and listen by topic. A ring may be lost or come twice: look, never trust.

    Rings between processes arrive within milliseconds. What is rung while a connection is down
    is told once it is back, and then every bell rings, since others may have rung meanwhile.
    Call it from one event loop's thread only.
    """

    async def start(self) -> None:
        """Open for rings of other processes; a server that is not there yet is no error."""
        ...

    async def close(self) -> None:
        """Send what was rung, if that is possible at once, and end."""
        ...

    def ring(self, topic: Topic) -> None:
        """Wake everyone who listens to a topic. Never waits, never raises."""
        ...

    def listen(self, topic: Topic) -> AbstractContextManager[Bell]:
        """Listen to a topic for as long as the context is open."""
        ...
