"""Corrections of what was metered, in the database. They are added and read, never changed."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId, AdjustmentId, CustomerId
from gatepost.domains.usage.model import Adjustment
from gatepost.domains.usage.tables import usage_adjustments
from gatepost.storage.db import Tx

Place = tuple[int, bytes]
"""Where a correction stands in the order they are listed in: its slot (ms), its id."""


def append(tx: Tx, adjustment: Adjustment) -> None:
    """Keep a new one."""
    tx.run(sa.insert(usage_adjustments).values(msgspec.structs.asdict(adjustment)))


def list_(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    since: int,
    until: int,
    *,
    after: Place | None = None,
    limit: int | None = None,
) -> list[Adjustment]:
    """Those of a customer whose slot lies from `since` to before `until` (ms), in their order,
    those after a place.
    """
    rows = usage_adjustments.c
    query = sa.select(usage_adjustments).where(
        rows.account_id == account_id,
        rows.customer_id == customer_id,
        rows.slot >= since,
        rows.slot < until,
    )
    if after is not None:
        query = query.where(sa.tuple_(rows.slot, rows.id) > sa.tuple_(*after))
    return [_adjustment(row) for row in tx.run(query.order_by(rows.slot, rows.id).limit(limit))]


def _adjustment(row: Any) -> Adjustment:
    return Adjustment(
        id=AdjustmentId(row.id),
        account_id=AccountId(row.account_id),
        customer_id=CustomerId(row.customer_id),
        slot=row.slot,
        requests=row.requests,
        units=row.units,
        reason=row.reason,
        actor=row.actor,
        created_at=row.created_at,
    )
