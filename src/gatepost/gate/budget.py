"""Quotas, charged inside the transaction: those of plans, of customers and of gate keys alike.

What a group of requests takes is kept in memory until all of it is known, then written at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gatepost.base.errors import AppError, Code, Spent
from gatepost.base.ids import AccountId, CustomerId
from gatepost.domains.customers import allowances
from gatepost.domains.customers.model import (
    CustomerQuota,
    Metric,
    Mode,
    Notice,
    reached,
    slot_name,
)
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Allowance, Slot, period, resets_at
from gatepost.storage.db import Tx


class Payer(msgspec.Struct, frozen=True, gc=False):
    """The customer a request is done for, and its quota."""

    account_id: AccountId
    customer_id: CustomerId
    quota: CustomerQuota | None


class Take(msgspec.Struct, frozen=True, gc=False):
    """Units of one quota that a request needs. Without a `limit` they are only counted. `fixed`
    ones are the request's own, whatever it turns out to be worth.
    """

    slot: Slot
    name: str
    units: int
    limit: int | None
    resets_at: int
    payer: Payer | None = None
    fixed: bool = False


class Left(msgspec.Struct, frozen=True, gc=False):
    """How a hard quota stands after a request: its limit, what is left, when it resets (ms)."""

    name: str
    limit: int
    remaining: int
    resets_at: int


def of_plan(allowance: Allowance, account_id: AccountId, units: int, now: int) -> Take:
    """What a request takes of a quota of its account's plan."""
    slot = Slot(account_id, allowance.name, period(allowance, now))
    return Take(slot, allowance.name, units, allowance.limit, resets_at(allowance, now))


def of_customer(payer: Payer, units: int, now: int) -> Take | None:
    """What a request takes of its customer's quota, None where there is none."""
    quota = payer.quota
    if quota is None:
        return None
    start, end = quota.bounds(now)
    slot = Slot(payer.account_id, slot_name(payer.customer_id, quota), start)
    fixed = quota.metric is Metric.REQUESTS
    limit = quota.limit if quota.mode is Mode.HARD else None
    return Take(slot, "customer", 1 if fixed else units, limit, end, payer, fixed)


class Budget:
    """The quotas a group of requests is charged to."""

    def __init__(self, tx: Tx) -> None:
        """Start with nothing charged."""
        self._tx = tx
        self._used: dict[Slot, int] = {}
        self._added: dict[Slot, int] = {}
        self._payers: dict[Slot, Payer] = {}

    def open(self, takes: Iterable[Take]) -> None:
        """Read how the quotas stand, all at once; nobody else charges them meanwhile."""
        slots = set()
        for take in takes:
            slots.add(take.slot)
            if take.payer is not None:
                self._payers[take.slot] = take.payer
        if slots:
            self._used |= quotas.hold(self._tx, slots)

    def charge(self, takes: Sequence[Take], now: int) -> AppError | None:
        """Take the units of every quota, or of none where one has not enough left."""
        for take in takes:
            used = self._now(take.slot)
            if take.limit is not None and used + take.units > take.limit:
                return _spent(take, take.limit, used, now)
        for take in takes:
            self._added[take.slot] = self._added.get(take.slot, 0) + take.units
        return None

    def give_back(self, takes: Sequence[Take], units: int) -> None:
        """Give back so many of the units a request is worth."""
        for take in takes:
            if not take.fixed:
                self._added[take.slot] -= units

    def undo(self, takes: Sequence[Take]) -> None:
        """Give back all that a refused request took."""
        for take in takes:
            self._added[take.slot] -= take.units

    def left(self, take: Take) -> Left | None:
        """How a quota stands with all that was charged so far."""
        if take.limit is None:
            return None
        remaining = max(take.limit - self._now(take.slot), 0)
        return Left(take.name, take.limit, remaining, take.resets_at)

    def write(self, now: int, *, tell: bool = True) -> None:
        """Write what was used, and which thresholds it has reached; not yet, where it may still
        be given back.
        """
        added = {slot: units for slot, units in self._added.items() if units}
        if not added:
            return
        quotas.add(self._tx, added)
        for slot, payer in self._payers.items():
            if tell and slot in added:
                self._tell(slot, payer, self._used[slot], now)

    def confirm(self, takes: Sequence[Take], now: int) -> None:
        """Tell which thresholds are reached with what was written before."""
        for take in takes:
            if take.payer is not None:
                self._tell(take.slot, take.payer, 0, now)

    def _now(self, slot: Slot) -> int:
        return self._used[slot] + self._added.get(slot, 0)

    def _tell(self, slot: Slot, payer: Payer, before: int, now: int) -> None:
        quota, used = payer.quota, self._now(slot)
        if quota is None or not quota.thresholds:
            return
        notices = [
            Notice(
                account_id=payer.account_id,
                customer_id=payer.customer_id,
                quota=quota,
                start=slot.period,
                threshold=threshold,
                used=used,
                at=now,
            )
            for threshold in reached(quota, before, used)
        ]
        if notices:
            allowances.note(self._tx, notices)


def _spent(take: Take, limit: int, used: int, now: int) -> AppError:
    left = limit - used
    state = f"has {left} left, not {take.units}" if left > 0 else "is used up"
    return AppError(
        Code.QUOTA_EXCEEDED,
        f"The quota {take.name!r} {state} ({used}/{limit})",
        retry_after_s=(take.resets_at - now) / 1000,
        spent=Spent(limit, take.resets_at),
        extra={
            "quota": take.name,
            "limit": limit,
            "used": used,
            "requested": take.units,
            "resets_at": take.resets_at,
        },
    )
