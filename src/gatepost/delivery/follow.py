"""Follows the events in the order of their arrival, and tells of them."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gatepost.base import log
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.base.metrics import Metrics
from gatepost.engine.fanout import Fanout, Told
from gatepost.engine.ways import Means
from gatepost.signals.contract import ARRIVALS, LISTENERS, OUTBOX, Signals
from gatepost.storage.db import Database

CHUNK = 500
POLL_S = 1.0
TRIES_MAX = 3
"""So often an event is told alone before it is told without the rules: one account's rule that
fails, for whatever reason, keeps no other account from being told.
"""
GATHER_S = 0.005
"""Events come one by one: so long the next ones may join the first."""

_log = log.get("delivery")


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def pepper(self) -> bytes: ...


class Follower:
    """Reads on from where any process has come to."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit
        self._fan_out = Fanout(Means(kit.settings, kit.pepper))
        self._alone = 0
        self._tries = 0

    async def run(self) -> None:
        """Tell for ever; where nobody wants to know, new events wake nobody."""
        told = Told()
        while True:
            topic = ARRIVALS if told.wanted else LISTENERS
            with self._kit.signals.listen(topic) as bell:
                told = await self._all()
                if told.wanted == (topic is ARRIVALS):
                    await bell.wait(POLL_S)
                    await asyncio.sleep(GATHER_S)

    async def _all(self) -> Told:
        """Tell of all that has come so far."""
        while True:
            try:
                told = await self._chunk()
            except Exception as fault:  # noqa: BLE001 # the database may be away; it will be back
                self._kit.metrics.add("gatepost_delivery_faults")
                _log.exception("events could not be told")
                if not isinstance(fault, AppError):
                    self._tries += 1 if self._alone else 0
                    self._alone = CHUNK
                return Told()
            if not told.more:
                return told

    async def _chunk(self) -> Told:
        """Tell of the next events; after a fault of one after the other, to find which it was."""
        now, limit = self._kit.clock(), 1 if self._alone else CHUNK
        rules = self._tries < TRIES_MAX
        write = self._kit.database.write
        told = await write(lambda tx: self._fan_out(tx, now, limit, rules=rules))
        if told.events and not rules:
            _log.error("an event was tried on no rule")
        if told.events:
            self._alone, self._tries = max(self._alone - told.events, 0), 0
        if told.faults:
            self._kit.metrics.add("gatepost_rule_faults", told.faults)
        if told.messages:
            self._kit.signals.ring(OUTBOX)
        return told
