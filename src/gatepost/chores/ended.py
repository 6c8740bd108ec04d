"""What has ended and decides nothing any more is forgotten: counters of quotas whose period is
over, secrets of gate keys that work no more, and notices of thresholds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.ids import AccountId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account
from gatepost.domains.customers import allowances
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.quotas import model
from gatepost.domains.quotas import store as quotas
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

REST_S = 3600.0
CHUNK = 500
COUNTERS_DAYS = 40
"""Longer than any period, as some counters are named by when theirs began."""
SECRETS_DAYS = 1
NOTICES_DAYS = 400


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Ended:
    """Forgets what has ended, a chunk of one account per transaction."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Forget a chunk of each account's; come back at once while there is more."""
        now, more, database = self._kit.clock(), False, self._kit.database
        for account in await database.read(accounts.list_):
            more |= await self._forget(account, now)
        before = now - NOTICES_DAYS * DAY_MS
        if await database.read(lambda tx: allowances.has_old(tx, before)):
            await database.write(lambda tx: allowances.expire(tx, before))
        return 0.0 if more else REST_S

    async def _forget(self, account: Account, now: int) -> bool:
        spans = model.ended(now - COUNTERS_DAYS * DAY_MS, account.created_at)
        before, database = now - SECRETS_DAYS * DAY_MS, self._kit.database
        if not await database.read(_finds(account.id, spans, before)):
            return False
        return await database.write(_drops(account.id, spans, before))


def _finds(account_id: AccountId, spans: model.Spans, before: int) -> Callable[[Tx], bool]:
    """The writer is asked only where there is something."""

    def work(tx: Tx) -> bool:
        counters = quotas.has_any(tx, account_id, spans)
        return counters or gatekeys.has_ended_secrets(tx, account_id, before)

    return work


def _drops(account_id: AccountId, spans: model.Spans, before: int) -> Callable[[Tx], bool]:
    def work(tx: Tx) -> bool:
        if not sql.try_lock(tx, b"forget what has ended"):
            return False
        counters = quotas.expire(tx, account_id, spans, CHUNK)
        secrets = gatekeys.drop_ended_secrets(tx, account_id, before, CHUNK)
        return CHUNK in {counters, secrets}

    return work
