"""Usage grows old: what is past its days is kept in longer stretches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, HOUR_MS, Clock
from gatepost.base.ids import AccountId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.usage import folding
from gatepost.domains.usage.report import HOURS_DAYS, QUARTERS_DAYS, kept_since
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

REST_S = 600.0
MARGIN_DAYS = 1
"""A report that has begun may still count on what is about to be folded."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Folding:
    """Folds what is old, one stretch of one account per transaction."""

    def __init__(self, kit: Kit) -> None:
        """Begin with the oldest there is."""
        self._kit = kit
        self._done: dict[tuple[AccountId, int], int] = {}

    async def run(self) -> float:
        """Fold a stretch of each account; come back at once while there are more."""
        now, more = self._kit.clock(), False
        for account in await self._kit.database.read(accounts.list_):
            for days, whole_ms in ((HOURS_DAYS, DAY_MS), (QUARTERS_DAYS, HOUR_MS)):
                before = kept_since(now, days + MARGIN_DAYS) // whole_ms * whole_ms
                more |= await self._fold(account.id, before, whole_ms)
        return 0.0 if more else REST_S

    async def _fold(self, account_id: AccountId, before: int, whole_ms: int) -> bool:
        place, database = (account_id, whole_ms), self._kit.database
        since = self._done.get(place, 0)
        found = await database.read(
            lambda tx: folding.oldest(tx, account_id, since, before, whole_ms)
        )
        if found is None:
            self._done[place] = max(since, before)
            return False
        start = found // whole_ms * whole_ms
        return await database.write(_folded(account_id, start, whole_ms))


def _folded(account_id: AccountId, start: int, whole_ms: int) -> Callable[[Tx], bool]:
    def work(tx: Tx) -> bool:
        if not sql.try_lock(tx, b"usage folding"):
            return False
        folding.fold(tx, account_id, start, whole_ms)
        return True

    return work
