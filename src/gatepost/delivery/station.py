"""All that a working process delivers with."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.metrics import Metrics
from gatepost.delivery.chat import Chats
from gatepost.delivery.contract import Sender
from gatepost.delivery.email.sender import Mails
from gatepost.delivery.follow import Follower
from gatepost.delivery.pump import Pump
from gatepost.delivery.push import Pushes
from gatepost.delivery.safehttp import SafeHttp
from gatepost.delivery.webhook import Webhooks
from gatepost.domains.outbox.model import Transport
from gatepost.signals.contract import Signals
from gatepost.storage.db import Database


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


class Station:
    """Follows events, pumps what is due."""

    def __init__(self, kit: Kit, *, alone: bool) -> None:
        """Hold what it needs; `alone` says that no other process can serve this database."""
        self._follower = Follower(kit)
        self._pump = Pump(kit, _senders(kit), alone=alone)
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        await self._pump.start()
        self._following = asyncio.create_task(self._follower.run())

    async def close(self) -> None:
        """Finish what is under way."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            await self._pump.close()


def _senders(kit: Kit) -> dict[Transport, Sender]:
    http = SafeHttp(kit.settings)
    return {
        Transport.WEBHOOK: Webhooks(http, kit.pepper, kit.clock, kit.database),
        Transport.EMAIL: Mails(kit, http),
        Transport.CHAT: Chats(kit.settings, kit.pepper, kit.clock),
        Transport.PUSH: Pushes(kit, http),
    }
