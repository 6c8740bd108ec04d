"""The composition root: settings in, a running service out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from gatepost.base.clock import Clock, now_ms
from gatepost.base.config import Origin, Settings
from gatepost.base.errors import AppError
from gatepost.base.metrics import Metrics
from gatepost.chores.all import make_chores
from gatepost.chores.domains import SendingDomains
from gatepost.chores.presence import Presence
from gatepost.chores.schedule import Chore, Schedule
from gatepost.chores.verifications import Verifications
from gatepost.dashboard import PREFIX, Dashboard
from gatepost.delivery import dnscheck
from gatepost.delivery.mxcheck import MailHosts
from gatepost.delivery.station import Station
from gatepost.dialects import DIALECTS
from gatepost.dialects.native.callbacks import Callbacks
from gatepost.dialects.native.tracking import Tracks
from gatepost.dialects.native.unsubscribe import Unsubscribe
from gatepost.domains.processes.model import Role
from gatepost.engine import callbacks, unsubscribe
from gatepost.engine.onboard import Onboarded, onboard
from gatepost.engine.route import everybodys
from gatepost.gate.admit import Admission
from gatepost.gate.ledger import Ledger
from gatepost.gate.operators import Operators
from gatepost.gate.reads import Reads
from gatepost.gate.relays import Relays
from gatepost.gate.upkeep import Upkeep
from gatepost.limiter.contract import Limiter
from gatepost.limiter.memory import MemoryLimiter
from gatepost.prepare import check_pepper, pepper_of, prepare, settle
from gatepost.signals.contract import RELAYS, REVOKED, Signals
from gatepost.signals.memory import MemorySignals
from gatepost.storage.backend import Backend
from gatepost.web.arrivals import Arrivals
from gatepost.web.audience import Hall
from gatepost.web.contract import Services
from gatepost.web.documents import Documents
from gatepost.web.health import Health
from gatepost.web.pipeline import Pipeline
from gatepost.web.relay.pool import Pool
from gatepost.web.router import Router, templates

if TYPE_CHECKING:
    from gatepost.submission.station import Submission

POLL_S = 60.0


class App:
    """The ASGI application, and everything one process has."""

    def __init__(
        self,
        settings: Settings,
        role: Role = Role.ALL,
        clock: Clock = now_ms,
        origins: Mapping[str, Origin] | None = None,
    ) -> None:
        """Prepare the database; nothing runs yet. `origins` say where the settings come from.

        Raises ConfigError, NotDurable, or ValueError for a damaged pepper.
        """
        backend = prepare(settings)
        self.settings = settings
        self.role = role
        self.metrics = Metrics()
        self.presence = Presence(role, self.metrics)
        self.database = backend.database(self.metrics, settings)
        self.ledger = Ledger()
        self.reads = Reads()
        self.limiter = self._limiter()
        pepper = pepper_of(settings)
        admission = Admission(
            database=self.database,
            limiter=self.limiter,
            pepper=pepper,
            settings=settings,
            clock=clock,
        )
        signals = self._signals(backend)
        self.services = Services(
            settings=settings,
            clock=clock,
            database=self.database,
            admission=admission,
            operators=Operators(self.database, admission, pepper, clock),
            signals=signals,
            hall=Hall(self.database, Arrivals(self.database, signals), settings.stream_heartbeat_s),
            metrics=self.metrics,
            ledger=self.ledger,
            reads=self.reads,
            relays=self._relays(clock),
            pepper=pepper,
            draining=asyncio.Event(),
            origins=origins or {},
        )
        self._pool = Pool(settings.reachable())
        self._health = Health(self.services)
        self._pages = {**self._health.pages}
        self._rest: Any = self._health.nothing
        self._dashboard: Dashboard | None = None
        self._callbacks: Callbacks | None = None
        self.swift: frozenset[str] = frozenset()
        if role.answers:
            self._pages |= Documents(settings, DIALECTS).pages
            self._pages[unsubscribe.PATH] = Unsubscribe(self.services)
            self._pages |= Tracks(self.services).pages
            self._callbacks = Callbacks(self.services)
            router = Router(DIALECTS)
            self.swift = router.swift
            self._rest = Pipeline(self.services, router, self._pool)
            self._dashboard = Dashboard(self.services, self._rest)
        self._schedule = Schedule(self._chores(), self.metrics)
        self._delivery = Station(self.services, alone=not backend.shared) if role.works else None
        self._submission = self._make_submission()
        self._listening: list[asyncio.Task[None]] = []

    def _make_submission(self) -> Submission | None:
        if not (self.role.answers and self.settings.submission_port):
            return None
        from gatepost.submission.station import Submission  # noqa: PLC0415 # only where it is set

        return Submission(self.services)

    def _relays(self, clock: Clock) -> Relays:
        own = templates(DIALECTS)
        return Relays(self.database, clock, everybodys(self.settings, own), own)

    def _limiter(self) -> Limiter:
        url = self.settings.valkey_url
        if not url:
            return MemoryLimiter()
        from gatepost.limiter.outage import Policy, SharedLimiter  # noqa: PLC0415 # only with Valkey
        from gatepost.limiter.valkey import ValkeyLimiter  # noqa: PLC0415 # the same

        policy = Policy(self.settings.limiter_outage)
        return SharedLimiter(ValkeyLimiter(url), self._servers, policy, self.metrics)

    def _servers(self) -> int:
        return self.presence.servers

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
        gate = Upkeep(services)
        chores = [Chore("say hello", lambda: self.presence.run(services))]
        if self.role.answers:
            chores.append(Chore("write refusals", gate.refused))
            chores.append(Chore("write uses of keys", gate.used))
            chores.append(Chore("meter reads", gate.metered))
            chores.append(Chore("look for changed relays", services.relays.refresh))
        if self.role.works:
            chores += make_chores(services)
            domains = SendingDomains(services, dnscheck.look)
            chores.append(Chore("look at sending domains", domains.run))
            verifications = Verifications(services, MailHosts(self.settings).look)
            chores.append(Chore("verify addresses", verifications.run))
            chores.append(Chore("drop remembered replies", gate.expire))
            chores.append(Chore("make parts of remembered replies", gate.room))
            chores.append(Chore("drop single requests", gate.expire_requests))
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
            await services.relays.load()
            if len(services.relays):
                await self._pool.open()
        await self.limiter.start()
        await services.signals.start()
        listeners = (self._forget_revoked(), self._follow_relays())
        self._listening = [asyncio.create_task(one) for one in listeners]
        self._schedule.start()
        if self._delivery is not None:
            await self._delivery.start()
        if self._submission is not None:
            await self._submission.start()
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
        if self._submission is not None:
            await self._submission.close()
        if self._delivery is not None:
            await self._delivery.close()
        await self._schedule.close()
        if self._listening:
            for one in self._listening:
                one.cancel()
            await asyncio.gather(*self._listening, return_exceptions=True)
            with contextlib.suppress(AppError):  # the others will notice by themselves
                await self.presence.leave(self.services)
            await self.services.signals.close()
        await self._pool.close()
        await self.limiter.close()
        await self.database.close()

    async def _forget_revoked(self) -> None:
        """Forget cached callers when any process has revoked something."""
        with self.services.signals.listen(REVOKED) as bell:
            while True:
                if await bell.wait(POLL_S):
                    self.services.forget()

    async def _follow_relays(self) -> None:
        """Read the relays again when any process has changed one."""
        with self.services.signals.listen(RELAYS) as bell:
            while True:
                if await bell.wait(POLL_S):
                    with contextlib.suppress(AppError):  # the chore comes to it
                        await self.services.relays.load()

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP exchange; health, documents and the dashboard beside the API."""
        path = scope["path"]
        if path in self.swift:
            return self._rest(scope, receive, send)  # type: ignore[no-any-return] # as any application
        if self._dashboard is not None and path.startswith(PREFIX):
            return self._dashboard(scope, receive, send)
        if self._callbacks is not None and path.startswith(callbacks.PREFIX):
            return self._callbacks(scope, receive, send)
        page: Awaitable[None] = self._pages.get(path, self._rest)(scope, receive, send)
        return page
