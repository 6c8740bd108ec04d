"""The composition root: settings in, a running service out."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from gatepost import migrations
from gatepost.base import crypto
from gatepost.base.clock import Clock, now_ms
from gatepost.base.config import DATABASE, PEPPER, ConfigError, Settings
from gatepost.base.durable import make_folder
from gatepost.base.metrics import Metrics
from gatepost.chores.all import make_chores
from gatepost.chores.schedule import Chore, Schedule
from gatepost.dialects import DIALECTS
from gatepost.engine.onboard import Onboarded, onboard
from gatepost.gate.admit import Admission
from gatepost.gate.ledger import Ledger
from gatepost.gate.upkeep import Upkeep
from gatepost.limiter.memory import MemoryLimiter
from gatepost.signals.memory import MemorySignals
from gatepost.storage.sqlite import SqliteDatabase, engine_of
from gatepost.web.contract import Services
from gatepost.web.documents import Documents
from gatepost.web.health import Health
from gatepost.web.pipeline import Pipeline
from gatepost.web.router import Router


class App:
    """The ASGI application, and everything one process has."""

    def __init__(self, settings: Settings, clock: Clock = now_ms) -> None:
        """Prepare the data folder and the schema; nothing runs yet.

        Raises ConfigError, NotDurable, or ValueError for a damaged pepper.
        """
        folder = prepare(settings)
        self.settings = settings
        self.metrics = Metrics()
        self.database = SqliteDatabase(folder / DATABASE, self.metrics, settings.readers)
        self.ledger = Ledger()
        self.services = Services(
            settings=settings,
            clock=clock,
            database=self.database,
            admission=Admission(
                database=self.database,
                limiter=MemoryLimiter(),
                pepper=crypto.load_pepper(folder / PEPPER),
                settings=settings,
                clock=clock,
            ),
            signals=MemorySignals(),
            metrics=self.metrics,
            ledger=self.ledger,
            pepper=crypto.load_pepper(folder / PEPPER),
            draining=asyncio.Event(),
        )
        self._pipeline = Pipeline(self.services, Router(DIALECTS))
        self._health = Health(self.services)
        self._pages = {**self._health.pages, **Documents(settings, DIALECTS).pages}
        self._schedule = Schedule(self._chores(), self.metrics)

    def _chores(self) -> list[Chore]:
        services = self.services
        gate = Upkeep(self.database, self.ledger, self.settings, services.clock)
        return [
            *make_chores(services),
            Chore("write refusals", gate.refused),
            Chore("write uses of keys", gate.used),
            Chore("drop remembered replies", gate.expire),
        ]

    async def start(self) -> Onboarded | None:
        """Open for work; on the very first start returns what was made for the newcomer."""
        self.database.start()
        services = self.services
        made = await self.database.write(lambda tx: onboard(tx, services.pepper, services.clock()))
        self._schedule.start()
        self._health.up = True
        return made

    def drain(self) -> None:
        """Say that this process is going down: not ready any more, streams end."""
        self._health.up = False
        self.services.draining.set()

    async def close(self) -> None:
        """Finish what was accepted, write what was gathered, close."""
        self.drain()
        await self._schedule.close()
        await self.database.close()

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP exchange; health and documents beside the API."""
        page = self._pages.get(scope["path"], self._pipeline)
        return page(scope, receive, send)


def prepare(settings: Settings) -> Path:
    """Make the data folder and bring its database to the newest version."""
    if settings.database_url:
        message = "database_url: only SQLite in the data folder is supported"
        raise ConfigError(message)
    folder = settings.folder
    make_folder(folder)
    engine = engine_of(folder / DATABASE)
    version = migrations.current(engine)
    if version is not None and not migrations.knows(version):
        message = "this database was written by a newer Gatepost; upgrade the program"
        raise ConfigError(message)
    if version != migrations.head():
        if version is not None:
            snapshot(folder, version)
        migrations.upgrade(engine)
    engine.dispose()
    return folder


def snapshot(folder: Path, version: str) -> Path:
    """Copy the database beside itself before its schema changes."""
    target = folder / f"before-upgrade-from-{version}.db"
    with sqlite3.connect(folder / DATABASE) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target
