"""Each process says that it is there, and learns how many others are."""

from __future__ import annotations

import os
import socket
from importlib.metadata import version
from typing import Protocol

from gatepost.base import ids
from gatepost.base.clock import Clock
from gatepost.base.metrics import Metrics
from gatepost.domains.processes import store as processes
from gatepost.domains.processes.model import Process, Role
from gatepost.storage.db import Database, Tx

EVERY_S = 5.0
SOON_S = 1.0
"""After the first time: processes are often started together."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Presence:
    """This process among the others. `servers` is how many of them take requests."""

    def __init__(self, role: Role, metrics: Metrics) -> None:
        """Start alone: the others are known after the first looks."""
        self._role = role
        self._id = ids.new()
        self._started_at = 0
        self.servers = 1
        metrics.gauge("gatepost_servers", lambda: float(self.servers))

    async def run(self, kit: Kit) -> float:
        """Say hello; returns the pause (seconds) until the next time."""
        first, me = not self._started_at, self._me(kit.clock())
        self.servers = await kit.database.write(lambda tx: _hello(tx, me))
        return SOON_S if first else EVERY_S

    async def leave(self, kit: Kit) -> None:
        """Say goodbye, so that the others need not wait to notice."""
        await kit.database.write(lambda tx: processes.remove(tx, self._id))

    def _me(self, now: int) -> Process:
        self._started_at = self._started_at or now
        return Process(
            id=self._id,
            role=self._role,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("gatepost"),
            started_at=self._started_at,
            seen_at=now,
        )


def _hello(tx: Tx, me: Process) -> int:
    processes.seen(tx, me)
    return max(sum(one.role.answers for one in processes.alive(tx, me.seen_at)), 1)
