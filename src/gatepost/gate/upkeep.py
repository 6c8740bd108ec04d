"""The gate's own periodic work: write what it gathers in memory, drop what is past its time."""

from __future__ import annotations

from typing import Protocol

from gatepost.base.clock import DAY_MS, HOUR_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Entry
from gatepost.domains.usage import store as usage
from gatepost.gate import ledger, once
from gatepost.gate.ledger import Ledger
from gatepost.gate.reads import Reads
from gatepost.storage.db import Database

REFUSED_EVERY_S = 1.0
METERED_EVERY_S = 1.0
USED_EVERY_S = 20.0
EXPIRE_EVERY_S = 60.0
EXPIRE_CHUNK = 500
ROOM_EVERY_S = 3600.0


class Kit(Protocol):
    """What the chores need of a process."""

    @property
    def database(self) -> Database: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def reads(self) -> Reads: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...


class Upkeep:
    """The chores over the gate's tables."""

    def __init__(self, kit: Kit) -> None:
        """Hold what they need."""
        self._database = kit.database
        self._waiting = kit.ledger
        self._reads = kit.reads
        self._settings = kit.settings
        self._clock = kit.clock
        self._denied: list[Entry] = []

    async def refused(self) -> float:
        """Write the refusals of the last second."""
        lines = self._waiting.take_refused()
        if lines:
            try:
                await self._database.write(lambda tx: ledger.write_refused(tx, lines))
            except AppError:
                self._waiting.put_back(lines, {})
                raise
        self._denied += self._waiting.denials.take(self._clock())
        if self._denied:
            denied = list(self._denied)
            await self._database.write(lambda tx: audit.append_missing(tx, denied))
            self._denied.clear()
        return REFUSED_EVERY_S

    async def used(self) -> float:
        """Write when keys were last used."""
        used = self._waiting.take_used()
        if used:
            try:
                await self._database.write(lambda tx: ledger.write_used(tx, used))
            except AppError:
                self._waiting.put_back([], used)
                raise
        return USED_EVERY_S

    async def metered(self) -> float:
        """Write what was read and refused in the last second."""
        sums = self._reads.take()
        if sums.lines:
            try:
                await self._database.write(lambda tx: usage.add(tx, sums))
            except AppError:
                self._reads.put_back(sums)
                raise
        return METERED_EVERY_S

    async def room(self) -> float:
        """Make the parts of remembered replies and single requests ahead of time."""
        now = self._clock()
        await self._database.write(lambda tx: once.make_parts(tx, now))
        await self._database.write(lambda tx: usage.make_parts(tx, now))
        return ROOM_EVERY_S

    async def expire(self) -> float:
        """Drop remembered replies after 24 hours, and the ledger after its days."""
        now = self._clock()
        gone = await self._database.write(lambda tx: once.expire(tx, now, EXPIRE_CHUNK))
        oldest = (now - self._settings.refusals_days * DAY_MS) // HOUR_MS
        await self._database.write(lambda tx: ledger.expire(tx, oldest))
        return 0.0 if gone == EXPIRE_CHUNK else EXPIRE_EVERY_S

    async def expire_requests(self) -> float:
        """Drop single requests past their days; what they add up to stays."""
        before = self._clock() - self._settings.usage_requests_days * DAY_MS
        gone = await self._database.write(lambda tx: usage.expire(tx, before, EXPIRE_CHUNK))
        return 0.0 if gone == EXPIRE_CHUNK else EXPIRE_EVERY_S
