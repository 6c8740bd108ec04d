"""Quota counters in the database."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.quotas.tables import quota_usage
from gatepost.storage import sql
from gatepost.storage.db import Tx


def used(tx: Tx, account_id: AccountId, quota: str, period: int) -> int:
    """Units used in a period; within a transaction the row stays locked for a charge."""
    query = sa.select(quota_usage.c.used).where(
        quota_usage.c.account_id == account_id,
        quota_usage.c.quota == quota,
        quota_usage.c.period == period,
    )
    return tx.run(query.with_for_update()).scalar() or 0


def add(tx: Tx, account_id: AccountId, quota: str, period: int, units: int) -> None:
    """Charge units to a period."""
    row = (account_id, quota, period, units)
    sql.add_rows(tx, quota_usage, ("account_id", "quota", "period"), ("used",), [row])
