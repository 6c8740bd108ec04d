"""Keys that end soon: told to endpoints a week and a day before, once each."""

from __future__ import annotations

from typing import Protocol

from gatepost.base import clock, ids
from gatepost.base.clock import DAY_MS, HOUR_MS, Clock
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Key
from gatepost.domains.outbox import marks
from gatepost.engine import happen
from gatepost.engine.happen import Happened
from gatepost.signals.contract import OUTBOX, Signals
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

REST_S = 2.0
DAYS = (7, 1)
MARK_MS = HOUR_MS
"""How old the mark may grow while there is nothing to tell."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def signals(self) -> Signals: ...


class Expiring:
    """Tells of keys that end soon. How far it has come is a mark, moved in the transaction that
    tells: a key that is told of is not told of again, unless its end is moved.
    """

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Tell of those that have come near since the last time."""
        now, database = self._kit.clock(), self._kit.database
        if await database.read(lambda tx: _has_come(tx, now)):
            await database.write(lambda tx: _tell(tx, now))
            self._kit.signals.ring(OUTBOX)
        return REST_S


def _has_come(tx: Tx, now: int) -> bool:
    """Whether there is something to write: the writer is not asked otherwise."""
    reached = marks.reached(tx, marks.KEYS)
    if reached is None or now - reached > MARK_MS:
        return True
    return any(_near(tx, days, reached, now) for days in DAYS)


def _tell(tx: Tx, now: int) -> None:
    if not sql.try_lock(tx, b"ends of keys"):
        return
    reached = marks.reached(tx, marks.KEYS)
    if reached is not None and reached >= now:
        return
    since = now if reached is None else reached
    near = [_happened(key, days) for days in DAYS for key in _near(tx, days, since, now)]
    happen.tell(tx, near, now)
    marks.reach(tx, now, marks.KEYS)


def _near(tx: Tx, days: int, since: int, until: int) -> list[Key]:
    lead = days * DAY_MS
    return keys.ending(tx, since + lead, until + lead, lead)


def _happened(key: Key, days: int) -> Happened:
    data = {
        "keyId": ids.show("key", key.id),
        "name": key.name,
        "start": key.start,
        "expiresAt": None if key.expires_at is None else clock.iso(key.expires_at),
        "days": days,
    }
    return Happened(
        account_id=key.account_id, project_id=key.project_id, type=happen.KEY, data=data
    )
