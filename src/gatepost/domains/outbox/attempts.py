"""The log of attempts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gatepost.base.ids import AccountId, DeliveryId, floor_at
from gatepost.domains.outbox.model import Attempt, Fault
from gatepost.domains.outbox.tables import ATTEMPT_PARTS, attempts
from gatepost.storage import parts
from gatepost.storage.db import Tx


def of(
    tx: Tx, account_id: AccountId, delivery_ids: Sequence[DeliveryId]
) -> dict[DeliveryId, list[Attempt]]:
    """The attempts of several deliveries, each one's oldest first."""
    where = (attempts.c.account_id == account_id, attempts.c.delivery_id.in_(delivery_ids))
    found: dict[DeliveryId, list[Attempt]] = {one: [] for one in delivery_ids}
    for row in tx.run(sa.select(attempts).where(*where).order_by(attempts.c.id)):
        found[DeliveryId(row.delivery_id)].append(_attempt(row))
    return found


def make_parts(tx: Tx, now: int) -> None:
    """Make room for the attempts of the days to come."""
    parts.make(tx, ATTEMPT_PARTS, now)


def expire(tx: Tx, before: int, limit: int) -> int:
    """Drop attempts older than a moment (ms); returns how many single ones."""
    left = parts.drop(tx, ATTEMPT_PARTS, before)
    if not left:
        return 0
    old = sa.select(attempts.c.id).where(attempts.c.id < floor_at(left)).limit(limit)
    return tx.run(sa.delete(attempts).where(attempts.c.id.in_(old))).rowcount


def _attempt(row: Any) -> Attempt:
    return Attempt(
        account_id=AccountId(row.account_id),
        delivery_id=DeliveryId(row.delivery_id),
        id=row.id,
        number=row.number,
        ok=bool(row.ok),
        duration_ms=row.duration_ms,
        status=row.status,
        fault=None if row.fault is None else Fault(row.fault),
        error=row.error,
        headers=row.headers,
        response=row.response,
        next_at=row.next_at,
        manual=bool(row.manual),
        via=row.via,
    )
