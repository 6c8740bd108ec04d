"""The composition root: settings in, a running service out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

from gatepost.base.clock import Clock, now_ms
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.base.metrics import Metrics
from gatepost.chores.all import make_chores
from gatepost.chores.presence import Presence
from gatepost.chores.schedule import Chore, Schedule
from gatepost.dialects import DIALECTS
from gatepost.domains.processes.model import Role
from gatepost.engine.onboard import Onboarded, onboard
from gatepost.gate.admit import Admission
from gatepost.gate.ledger import Ledger
from gatepost.gate.upkeep import Upkeep
from gatepost.limiter.contract import Limiter
from gatepost.limiter.memory import MemoryLimiter
from gatepost.prepare import check_pepper, pepper_of, prepare, settle
from gatepost.signals.contract import REVOKED, Signals
from gatepost.signals.memory import MemorySignals
from gatepost.storage.backend import Backend
from gatepost.web.contract import Services
from gatepost.web.documents import Documents
from gatepost.web.health import Health
from gatepost.web.pipeline import Pipeline
from gatepost.web.router import Router

POLL_S = 60.0


class App:
    """The ASGI application, and everything one process has."""

    def __init__(self, settings: Settings, role: Role = Role.ALL, clock: Clock = now_ms) -> None:
        """Prepare the database; nothing runs yet.

        Raises ConfigError, NotDurable, or ValueError for a damaged pepper.
        """
        backend = prepare(settings)
        self.settings = settings
        self.role = role
        self.metrics = Metrics()
        self.presence = Presence(role)
        self.database = backend.database(self.metrics, settings)
        self.ledger = Ledger()
        self.limiter = self._limiter()
        pepper = pepper_of(settings)
        self.services = Services(
            settings=settings,
            clock=clock,
            database=self.database,
            admission=Admission(
                database=self.database,
                limiter=self.limiter,
                pepper=pepper,
                settings=settings,
                clock=clock,
            ),
            signals=self._signals(backend),
            metrics=self.metrics,
            ledger=self.ledger,
            pepper=pepper,
            draining=asyncio.Event(),
        )
        self._health = Health(self.services)
        self._pages = {**self._health.pages}
        self._rest: Any = self._health.nothing
        if role.answers:
            self._pages |= Documents(settings, DIALECTS).pages
            self._rest = Pipeline(self.services, Router(DIALECTS))
        self._schedule = Schedule(self._chores(), self.metrics)
        self._listening: asyncio.Task[None] | None = None

    def _limiter(self) -> Limiter:
        url = self.settings.valkey_url
        if not url:
            return MemoryLimiter()
        from gatepost.limiter.outage import Policy, SharedLimiter  # noqa: PLC0415 # only with Valkey
        from gatepost.limiter.valkey import ValkeyLimiter  # noqa: PLC0415 # the same

        policy = Policy(self.settings.limiter_outage)
        live = lambda: self.presence.servers  # noqa: E731 # read at each outage
        return SharedLimiter(ValkeyLimiter(url), live, policy, self.metrics)

    def _signals(self, backend: Backend) -> Signals:
        if self.settings.valkey_url:
            from gatepost.signals.valkey import ValkeySignals  # noqa: PLC0415 # only with Valkey

            return ValkeySignals(self.settings.valkey_url, self.metrics)
        if backend.shared:
            from gatepost.signals.postgres import PostgresSignals  # noqa: PLC0415 # as needed

            return PostgresSignals(self.settings.database_url, self.metrics)
        return MemorySignals()

    def _chores(self) -> list[Chore]:
        services = self.services
        gate = Upkeep(self.database, self.ledger, self.settings, services.clock)
        chores = [Chore("say hello", lambda: self.presence.run(services))]
        if self.role.answers:
            chores.append(Chore("write refusals", gate.refused))
            chores.append(Chore("write uses of keys", gate.used))
        if self.role.works:
            chores += make_chores(services)
            chores.append(Chore("drop remembered replies", gate.expire))
            chores.append(Chore("make parts of remembered replies", gate.room))
        return chores

    async def start(self) -> Onboarded | None:
        """Open for work; on the very first start returns what was made for the newcomer.

        Raises ConfigError when the pepper is not the one this database was made with.
        """
        self.database.start()
        services = self.services
        now = services.clock()
        await self.database.write(lambda tx: settle(tx, services.pepper, now))
        await self.database.read(lambda tx: check_pepper(tx, services.pepper))
        made = None
        if self.role.answers:  # it is who shows the key to somebody
            made = await self.database.write(lambda tx: onboard(tx, services.pepper, now))
        await self.limiter.start()
        await services.signals.start()
        self._listening = asyncio.create_task(self._forget_revoked())
        self._schedule.start()
        self._health.up = True
        return made

    def unready(self) -> None:
        """Say that this process is going down, so that no more requests are sent to it."""
        self._health.up = False

    def drain(self) -> None:
        """Go down: streams end."""
        self.unready()
        self.services.draining.set()

    async def close(self) -> None:
        """Finish what was accepted, write what was gathered, close."""
        self.drain()
        await self._schedule.close()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
            with contextlib.suppress(AppError):  # the others will notice by themselves
                await self.presence.leave(self.services)
            await self.services.signals.close()
        await self.limiter.close()
        await self.database.close()

    async def _forget_revoked(self) -> None:
        """Forget cached callers when any process has revoked something."""
        with self.services.signals.listen(REVOKED) as bell:
            while True:
                if await bell.wait(POLL_S):
                    self.services.admission.cache.clear()

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP exchange; health and documents beside the API."""
        page: Awaitable[None] = self._pages.get(scope["path"], self._rest)(scope, receive, send)
        return page
