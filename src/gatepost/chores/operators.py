"""What time ends for operators: sessions, links, mails of the installation itself."""

from __future__ import annotations

from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import floor_at
from gatepost.domains.audit.model import INSTALLATION
from gatepost.domains.mailbox import store as mailbox
from gatepost.domains.operators import sessions
from gatepost.storage.db import Database, Tx

EVERY_S = 600.0


class Kit(Protocol):
    """What the chore needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Operators:
    """Forgets what has ended."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Forget; returns seconds to rest."""
        now = self._kit.clock()
        old = floor_at(now - self._kit.settings.mailbox_days * DAY_MS)
        database = self._kit.database
        if await database.read(lambda tx: _has_ended(tx, now, old)):
            await database.write(lambda tx: _forget(tx, now, old))
        return EVERY_S


def _has_ended(tx: Tx, now: int, old: bytes) -> bool:
    return sessions.any_ended(tx, now) or mailbox.any_before(tx, INSTALLATION, old)


def _forget(tx: Tx, now: int, old: bytes) -> None:
    sessions.expire(tx, now)
    mailbox.drop_before(tx, INSTALLATION, old)
