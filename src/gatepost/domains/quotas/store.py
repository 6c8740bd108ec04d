"""Quota counters in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.quotas.model import Slot, Spans
from gatepost.domains.quotas.tables import quota_usage
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = ("account_id", "quota", "period", "used")
_KEYS = tuple(quota_usage.c[name] for name in COLUMNS[:3])


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


def put(tx: Tx, slot: Slot, units: int) -> None:
    """Set what a slot has used; hold it first."""
    sql.upsert(tx, quota_usage, dict(zip(COLUMNS, (*slot, units), strict=True)), COLUMNS[:3])


def has_any(tx: Tx, account_id: AccountId, spans: Spans) -> bool:
    """Whether the account has a counter of such periods."""
    return any(tx.run(_within(account_id, span, 1)).first() is not None for span in spans)


def expire(tx: Tx, account_id: AccountId, spans: Spans, limit: int) -> int:
    """Delete at most so many counters of such periods; returns how many."""
    gone = 0
    for span in spans:
        old = sa.tuple_(*_KEYS).in_(_within(account_id, span, limit - gone))
        gone += tx.run(sa.delete(quota_usage).where(old)).rowcount
    return gone


def _within(account_id: AccountId, span: tuple[int, int], limit: int) -> sa.Select[Any]:
    since, until = span
    period = quota_usage.c.period
    mine = (quota_usage.c.account_id == account_id, period >= since, period < until)
    return sa.select(*_KEYS).where(*mine).limit(limit)


def _name(slot: Slot) -> bytes:
    return b"quota:%b:%b:%d" % (slot.account_id, slot.quota.encode(), slot.period)
