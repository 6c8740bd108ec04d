"""What was counted is moved on into sums, and what of it is past its time is dropped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import Clock
from gatepost.domains.aggregators import rollups
from gatepost.domains.aggregators.labels import Place
from gatepost.storage.db import Database, Tx

CHUNK = 200
REST_S = 10.0
GIVE_WAY = 4
"""How many times as long as its work it leaves the writer to others."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class RollUps:
    """Does one chunk at a time; where, it looks up when nothing is left to do."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit
        self._moving: deque[Place] = deque()
        self._thinning: deque[Place] = deque()

    async def run(self) -> float:
        """Do a chunk; returns the rest (seconds) that is due before the next."""
        now = self._kit.clock()
        if not self._moving and not self._thinning:
            self._moving, self._thinning = await self._kit.database.read(_look(now))
            if not self._moving and not self._thinning:
                return REST_S
        queue = self._moving or self._thinning
        work = _move(queue[0], now) if queue is self._moving else _thin(queue[0], now)
        more, work_s = await self._kit.database.write(work)
        if not more:
            queue.popleft()
        return work_s * GIVE_WAY


def _look(now: int) -> Callable[[Tx], tuple[deque[Place], deque[Place]]]:
    return lambda tx: (deque(rollups.waiting(tx, now)), deque(rollups.overdue(tx, now)))


def _move(place: Place, now: int) -> Callable[[Tx], tuple[bool, float]]:
    return _timed(lambda tx: rollups.move(tx, place, now, CHUNK) >= CHUNK)


def _thin(place: Place, now: int) -> Callable[[Tx], tuple[bool, float]]:
    return _timed(lambda tx: rollups.thin(tx, place, now))


def _timed(work: Callable[[Tx], bool]) -> Callable[[Tx], tuple[bool, float]]:
    def timed(tx: Tx) -> tuple[bool, float]:
        started = time.monotonic()
        return work(tx), time.monotonic() - started

    return timed
