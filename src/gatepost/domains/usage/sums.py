"""What a customer used of a stretch of time, as its quota counts it."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.base.ids import AccountId, CustomerId
from gatepost.domains.usage.model import ERROR_FROM
from gatepost.domains.usage.tables import usage_adjustments, usage_lines
from gatepost.storage.db import Tx


def used(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, since: int, until: int
) -> tuple[int, int]:
    """Requests that succeeded, and their units, of the slots from `since` to before `until`."""
    lines = usage_lines.c
    query = sa.select(_total(lines.requests), _total(lines.units)).where(
        lines.account_id == account_id,
        lines.customer_id == customer_id,
        lines.slot >= since,
        lines.slot < until,
        lines.status < ERROR_FROM,
    )
    return _pair(tx, query)


def adjusted(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, since: int, until: int
) -> tuple[int, int]:
    """Requests and units that were added to the same slots, or taken away, by hand."""
    rows = usage_adjustments.c
    query = sa.select(_total(rows.requests), _total(rows.units)).where(
        rows.account_id == account_id,
        rows.customer_id == customer_id,
        rows.slot >= since,
        rows.slot < until,
    )
    return _pair(tx, query)


def _pair(tx: Tx, query: sa.Select[int, int]) -> tuple[int, int]:
    requests, units = (int(value) for value in tx.run(query).one())
    return requests, units


def _total(column: sa.Column[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(column), 0)
