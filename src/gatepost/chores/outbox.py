"""The outbox kept small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, floor_at
from gatepost.domains.accounts import store as accounts
from gatepost.domains.outbox import attempts
from gatepost.domains.outbox import store as outbox
from gatepost.storage.db import Database, Tx

EXPIRE_CHUNK = 500
EXPIRE_REST_S = 600.0
ROOM_EVERY_S = 3600.0


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Outbox:
    """Drops what was delivered long ago, and makes room for the log of days to come."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Drop a chunk of each account; come back at once while there are more."""
        settings, now, write = self._kit.settings, self._kit.clock(), self._kit.database.write
        old = now - settings.attempts_days * DAY_MS
        more = await write(lambda tx: attempts.expire(tx, old, EXPIRE_CHUNK))
        before = floor_at(now - settings.messages_days * DAY_MS)
        for account_id in await self._kit.database.read(lambda tx: _with_old(tx, before)):
            more = max(more, await write(_drop(account_id, before)))
        return 0.0 if more >= EXPIRE_CHUNK else EXPIRE_REST_S

    async def room(self) -> float:
        """Make the parts of attempts ahead of time."""
        now = self._kit.clock()
        await self._kit.database.write(lambda tx: attempts.make_parts(tx, now))
        return ROOM_EVERY_S


def _with_old(tx: Tx, before: bytes) -> list[AccountId]:
    """The accounts that have anything to be dropped."""
    return [one.id for one in accounts.list_(tx) if outbox.any_before(tx, one.id, before)]


def _drop(account_id: AccountId, before: bytes) -> Callable[[Tx], int]:
    return lambda tx: outbox.drop_before(tx, account_id, before, EXPIRE_CHUNK)
