"""Alerts that come because time has passed: silence, digests, the end of quiet hours, and what
nobody has taken notice of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, SECOND_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, floor_at
from gatepost.domains.accounts import store as accounts
from gatepost.domains.rules import alerts_store
from gatepost.engine import tick
from gatepost.engine.tick import Rewinding
from gatepost.engine.ways import Means
from gatepost.signals.contract import OUTBOX, Signals
from gatepost.storage.db import Database, Tx

CHUNK = 200
REST_S = 1.0
SOON_S = 0.1
"""What is due waits for events that came before and were not told yet."""
EXPIRE_REST_S = 600.0
STEP_MS = SECOND_MS
"""A clock that was set back by less has hardly moved."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def pepper(self) -> bytes: ...


class Alerts:
    """Looks what is due."""

    def __init__(self, kit: Kit) -> None:
        """Begin as if the clock had been set back: it may have been while nobody looked."""
        self._kit = kit
        self._means = Means(kit.settings, kit.pepper)
        self._last: int | None = None

    async def run(self) -> float:
        """Tell what is due; come back at once while there is more."""
        now = self._kit.clock()
        if self._last is None or now < self._last - STEP_MS:
            await self._rewind(now)
        self._last = now
        due_at = await self._kit.database.read(tick.next_due)
        if due_at is None or due_at > now:
            return _rest(due_at, now)
        means = self._means
        done = await self._kit.database.write(lambda tx: tick.tick(tx, means, now, CHUNK))
        if done.messages:
            self._kit.signals.ring(OUTBOX)
        return 0.0 if done.more else SOON_S

    async def expire(self) -> float:
        """Forget alerts as old as messages that are dropped."""
        database = self._kit.database
        before = floor_at(self._kit.clock() - self._kit.settings.messages_days * DAY_MS)
        gone = 0
        for account_id in await database.read(lambda tx: _with_old(tx, before)):
            gone = max(gone, await database.write(_drop(account_id, before)))
        return 0.0 if gone >= CHUNK else EXPIRE_REST_S

    async def _rewind(self, now: int) -> None:
        at = Rewinding()
        while not at.over:
            at = await self._kit.database.write(_rewound(self._means, now, at))


def _with_old(tx: Tx, before: bytes) -> list[AccountId]:
    """The accounts that have anything to be dropped: the writer is not asked for the others."""
    found = accounts.list_(tx)
    return [one.id for one in found if alerts_store.any_before(tx, one.id, before)]


def _drop(account_id: AccountId, before: bytes) -> Callable[[Tx], int]:
    return lambda tx: alerts_store.drop_before(tx, account_id, before, CHUNK)


def _rewound(means: Means, now: int, at: Rewinding) -> Callable[[Tx], Rewinding]:
    return lambda tx: tick.rewind(tx, means, now, at, CHUNK)


def _rest(due_at: int | None, now: int) -> float:
    """Rest until something is due, but not long: what is new may be due earlier."""
    return REST_S if due_at is None else min(REST_S, max(SOON_S, (due_at - now) / 1000))
