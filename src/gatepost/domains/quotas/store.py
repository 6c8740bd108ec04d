"""Quota counters in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.quotas.model import Slot
from gatepost.domains.quotas.tables import quota_usage
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = ("account_id", "quota", "period", "used")


def used(tx: Tx, account_id: AccountId, quota: str, period: int) -> int:
    """Units used in a period."""
    query = sa.select(quota_usage.c.used).where(
        quota_usage.c.account_id == account_id,
        quota_usage.c.quota == quota,
        quota_usage.c.period == period,
    )
    return tx.run(query).scalar() or 0


def hold(tx: Tx, slots: Collection[Slot]) -> dict[Slot, int]:
    """Units used of each slot; nobody else charges them until the transaction ends."""
    sql.lock(tx, [_name(slot) for slot in slots])
    used = dict.fromkeys(slots, 0)
    for account_id in {slot.account_id for slot in slots}:
        names = list({slot.quota for slot in slots if slot.account_id == account_id})
        where = ("account_id", account_id)
        for account, name, period, units in sql.lookup(
            tx, quota_usage, COLUMNS, where, "quota", names
        ):
            slot = Slot(AccountId(account), name, period)
            if slot in used:
                used[slot] = units
    return used


def add(tx: Tx, amounts: Mapping[Slot, int]) -> None:
    """Charge units to slots."""
    rows = [(*slot, units) for slot, units in sorted(amounts.items())]
    sql.add_rows(tx, quota_usage, COLUMNS[:3], ("used",), rows)


def _name(slot: Slot) -> bytes:
    return b"quota:%b:%b:%d" % (slot.account_id, slot.quota.encode(), slot.period)
