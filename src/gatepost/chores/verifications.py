"""Lists of addresses verified bit by bit; those past their days are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from gatepost.base.clock import MINUTE_MS, Clock
from gatepost.base.errors import AppError
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Status
from gatepost.domains.verifications import model, store
from gatepost.domains.verifications.model import Answers, VerificationList
from gatepost.engine import verify
from gatepost.signals.contract import ARRIVALS, Signals
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

CHUNK = 200
"""Addresses of a list that are looked at in one go."""
AT_ONCE = 4
"""Lists that are, and they take turns."""
REST_S = 1.0
LEASE_MS = 10 * MINUTE_MS
"""A list whose process has died goes on so much later."""
ASLEEP_MS = 10 * MINUTE_MS
"""When the list of an account that is off is thought of again."""

Look = Callable[[Collection[str]], Awaitable[Answers]]
"""What asks the name servers for the mail hosts of domains."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def draining(self) -> asyncio.Event: ...


class Verifications:
    """Looks at the next addresses of lists that are not done."""

    def __init__(self, kit: Kit, look: Look) -> None:
        """Hold what it needs."""
        self._kit = kit
        self._look = look
        self._taken: list[VerificationList] = []

    async def run(self) -> float:
        """Go on with some; come back at once while there are more. When the process goes down, what
        it has not come to is left to others, or to its next start.
        """
        now, database = self._kit.clock(), self._kit.database
        if self._kit.draining.is_set():
            left, self._taken = self._taken, []
            if left:
                await database.write(lambda tx: _give_back(tx, left, now))
            return REST_S
        if not await database.read(lambda tx: store.due(tx, now, 1)):
            return REST_S
        taken = self._taken = await database.write(lambda tx: _take(tx, now))
        await asyncio.gather(*(self._go_on(one) for one in taken))
        self._taken = []
        return 0.0 if taken else REST_S

    async def _go_on(self, one: VerificationList) -> None:
        database = self._kit.database
        asked = await database.read(lambda tx: _next(tx, one))
        answers = await self._look({it for it in map(model.domain_of, asked) if it is not None})
        found = [model.judge(it, answers) for it in asked]
        now = self._kit.clock()

        def settle(tx: Tx) -> None:
            verify.settle(tx, one, found, now)
            tx.after_commit(lambda: self._kit.signals.ring(ARRIVALS))

        try:
            await database.write(settle)
        except AppError:
            return  # the database could not: it goes on when the lease has ended


def _take(tx: Tx, now: int) -> list[VerificationList]:
    """Lists that are to go on; another process leaves them alone for a while."""
    if not sql.try_lock(tx, b"verify addresses"):
        return []
    taken = []
    for one in store.due(tx, now, AT_ONCE):
        active = accounts.get(tx, one.account_id).status is Status.ACTIVE
        rest = LEASE_MS if active else ASLEEP_MS
        store.put_off(tx, one, now + rest)
        taken += [one] if active else []
    return taken


def _give_back(tx: Tx, left: Sequence[VerificationList], now: int) -> None:
    for one in left:
        store.put_off(tx, one, now)


def _next(tx: Tx, one: VerificationList) -> list[str]:
    found = store.addresses(tx, one.account_id, one.id, place=one.processed, limit=CHUNK)
    return [it.email for it in found]
