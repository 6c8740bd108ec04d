"""What a transport must do."""

from __future__ import annotations

from typing import Protocol

from gatepost.domains.outbox.model import Outcome
from gatepost.engine.jobs import Job


class Sender(Protocol):
    """Sends what a pump gives it."""

    async def send(self, job: Job) -> Outcome:
        """Try once; whatever happens outside is an outcome, not an exception."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...
