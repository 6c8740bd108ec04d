"""Gives back what requests had taken of quotas that have never been settled."""

from __future__ import annotations

from typing import Protocol

from gatepost.base.clock import Clock
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Slot
from gatepost.domains.relays import holds
from gatepost.storage.db import Database, Tx

CHUNK = 200
EVERY_S = 1.0


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Holds:
    """Watches the reservations of relayed requests."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Give back those past their time; come back at once while there are more."""
        now = self._kit.clock()
        if not await self._kit.database.read(lambda tx: holds.expired(tx, now, 1)):
            return EVERY_S
        gone = await self._kit.database.write(lambda tx: _release(tx, now))
        return 0.0 if gone == CHUNK else EVERY_S


def _release(tx: Tx, now: int) -> int:
    found = holds.expired(tx, now, CHUNK)
    amounts: dict[Slot, int] = {}
    for one in found:
        if holds.remove(tx, one.account_id, one.id) is None:
            continue  # it was settled at the last moment
        for where, units in one.taken.items():
            slot = Slot(one.account_id, *where)
            amounts[slot] = amounts.get(slot, 0) - units
    if amounts:
        quotas.add(tx, amounts)
    return len(found)
