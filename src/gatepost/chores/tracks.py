"""What recipients did with mails, kept for as long as messages are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, floor_at
from gatepost.domains.accounts import store as accounts
from gatepost.domains.tracks import store
from gatepost.storage.db import Database, Tx

CHUNK = 500
REST_S = 300.0


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Tracks:
    """Drops what is old."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Drop a chunk of each account; come back at once while there are more."""
        before = floor_at(self._kit.clock() - self._kit.settings.messages_days * DAY_MS)
        most = 0
        for account in await self._kit.database.read(accounts.list_):
            if await self._kit.database.read(_any(account.id, before)):
                most = max(most, await self._kit.database.write(_drop(account.id, before)))
        return 0.0 if most >= CHUNK else REST_S


def _any(account_id: AccountId, before: bytes) -> Callable[[Tx], bool]:
    return lambda tx: store.any_before(tx, account_id, before)


def _drop(account_id: AccountId, before: bytes) -> Callable[[Tx], int]:
    return lambda tx: store.drop_before(tx, account_id, before, CHUNK)
