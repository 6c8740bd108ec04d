"""Sending domains looked at again, so that what is no longer published withdraws them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from gatepost.base.clock import HOUR_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.domains.emaildomains import store
from gatepost.domains.emaildomains.model import Findings, SendingDomain
from gatepost.engine import vouch
from gatepost.signals.contract import OUTBOX, Signals
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

CHUNK = 20
REST_S = 60.0
LEASE_MS = HOUR_MS

Look = Callable[[Settings, SendingDomain], Awaitable[Findings]]
"""What asks the name servers."""


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
    def draining(self) -> asyncio.Event: ...


class SendingDomains:
    """Looks at the records of domains whose time has come, some at once."""

    def __init__(self, kit: Kit, look: Look) -> None:
        """Hold what it needs."""
        self._kit = kit
        self._look = look

    async def run(self) -> float:
        """Look at some; come back at once while there are more."""
        now = self._kit.clock()
        if self._kit.draining.is_set():
            return REST_S
        if not await self._kit.database.read(lambda tx: store.due(tx, now, 1)):
            return REST_S
        found = await self._kit.database.write(lambda tx: _take(tx, now))
        await asyncio.gather(*(self._check(domain) for domain in found))
        return 0.0 if len(found) == CHUNK else REST_S

    async def _check(self, domain: SendingDomain) -> None:
        findings = await self._look(self._kit.settings, domain)
        now = self._kit.clock()

        def settle(tx: Tx) -> None:
            vouch.settle(tx, domain.account_id, domain.id, findings, vouch.CHECKER, now)
            tx.after_commit(lambda: self._kit.signals.ring(OUTBOX))

        try:
            await self._kit.database.write(settle)
        except AppError:
            return  # it was removed meanwhile, or another account has it: there is a next time


def _take(tx: Tx, now: int) -> list[SendingDomain]:
    """Those whose time has come; another process leaves them alone for a while."""
    if not sql.try_lock(tx, b"check sending domains"):
        return []
    found = store.due(tx, now, CHUNK)
    for one in found:
        store.save(tx, msgspec.structs.replace(one, check_at=now + LEASE_MS))
    return found
