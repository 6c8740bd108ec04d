"""Quotas of customers in the database, and the thresholds they have reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId, CustomerId
from gatepost.base.periods import Bucket
from gatepost.domains.customers.model import CustomerQuota, Metric, Mode, Notice
from gatepost.domains.customers.tables import customer_quotas, quota_notices
from gatepost.storage import sql
from gatepost.storage.db import Tx

KEY = ["account_id", "customer_id", "metric", "period", "start", "threshold"]


def find(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> CustomerQuota | None:
    """Look a customer's quota up."""
    row = tx.run(sa.select(customer_quotas).where(*_mine(account_id, customer_id))).first()
    if row is None:
        return None
    return _quota(row, tuple(msgspec.json.decode(row.thresholds)))


def put(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, quota: CustomerQuota, now: int
) -> None:
    """Set a customer's quota."""
    values = {
        "account_id": account_id,
        "customer_id": customer_id,
        **_values(quota),
        "thresholds": msgspec.json.encode(quota.thresholds).decode(),
        "updated_at": now,
    }
    sql.upsert(tx, customer_quotas, values, KEY[:2])


def remove(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> bool:
    """Let a customer have no quota; says whether it had one."""
    mine = _mine(account_id, customer_id)
    return tx.run(sa.delete(customer_quotas).where(*mine)).rowcount > 0


def set_between(tx: Tx, since: int, until: int) -> list[tuple[AccountId, CustomerId]]:
    """Whose quotas were last set from `since` to before `until` (ms), of all accounts."""
    mine = (customer_quotas.c.updated_at >= since, customer_quotas.c.updated_at < until)
    columns = (customer_quotas.c.account_id, customer_quotas.c.customer_id)
    rows = tx.run(sa.select(*columns).where(*mine).order_by(*columns))
    return [(AccountId(row.account_id), CustomerId(row.customer_id)) for row in rows]


def note(tx: Tx, notices: Sequence[Notice]) -> list[Notice]:
    """Keep that thresholds were reached; returns those that were not yet, in their period."""
    return [one for one in notices if sql.insert_new(tx, quota_notices, _row(one), KEY)]


def reached(tx: Tx, account_id: AccountId, customer_id: CustomerId, start: int) -> list[Notice]:
    """The thresholds a customer has reached in the period that begins at `start` (ms)."""
    mine = (
        quota_notices.c.account_id == account_id,
        quota_notices.c.customer_id == customer_id,
        quota_notices.c.start == start,
    )
    query = sa.select(quota_notices).where(*mine).order_by(quota_notices.c.threshold)
    return [_notice(row) for row in tx.run(query)]


def untold(tx: Tx, limit: int) -> list[Notice]:
    """Thresholds that were reached and not told yet, of all accounts."""
    query = sa.select(quota_notices).where(quota_notices.c.told_at.is_(None))
    rows = tx.run(query.order_by(quota_notices.c.account_id, quota_notices.c.at).limit(limit))
    return [_notice(row) for row in rows]


def told(tx: Tx, notice: Notice, now: int) -> None:
    """Keep that a notice was told."""
    row = _row(notice)
    mine = [quota_notices.c[name] == row[name] for name in KEY]
    tx.run(sa.update(quota_notices).where(*mine).values(told_at=now))


def has_old(tx: Tx, before: int) -> bool:
    """Whether `expire` would delete any."""
    return (
        tx.run(sa.select(quota_notices.c.start).where(*_old(before)).limit(1)).first() is not None
    )


def expire(tx: Tx, before: int) -> int:
    """Delete notices of periods that began before a moment (ms), if they were told; returns how
    many.
    """
    return tx.run(sa.delete(quota_notices).where(*_old(before))).rowcount


def _old(before: int) -> tuple[Any, Any]:
    return (quota_notices.c.start < before, quota_notices.c.told_at.is_not(None))


def _mine(account_id: AccountId, customer_id: CustomerId) -> tuple[Any, Any]:
    return (
        customer_quotas.c.account_id == account_id,
        customer_quotas.c.customer_id == customer_id,
    )


def _values(quota: CustomerQuota) -> dict[str, Any]:
    return {
        "metric": quota.metric,
        "amount": quota.limit,
        "period": quota.period,
        "timezone": quota.timezone,
        "mode": quota.mode,
    }


def _quota(row: Any, thresholds: tuple[int, ...]) -> CustomerQuota:
    return CustomerQuota(
        metric=Metric(row.metric),
        limit=row.amount,
        period=Bucket(row.period),
        timezone=row.timezone,
        mode=Mode(row.mode),
        thresholds=thresholds,
    )


def _row(notice: Notice) -> dict[str, Any]:
    return {
        "account_id": notice.account_id,
        "customer_id": notice.customer_id,
        **_values(notice.quota),
        "start": notice.start,
        "threshold": notice.threshold,
        "used": notice.used,
        "at": notice.at,
    }


def _notice(row: Any) -> Notice:
    return Notice(
        account_id=AccountId(row.account_id),
        customer_id=CustomerId(row.customer_id),
        quota=_quota(row, ()),
        start=row.start,
        threshold=row.threshold,
        used=row.used,
        at=row.at,
    )
