"""Usage in the database: written with what was done, added up line by line."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.base import ids
from gatepost.domains.usage.model import Metered, Sums
from gatepost.domains.usage.tables import REQUEST_PARTS, usage_lines, usage_requests
from gatepost.storage import parts, sql
from gatepost.storage.db import Tx

KEYS = ("account_id", "customer_id", "slot", "project_id", "key_id", "route", "status")
SUMS = ("requests", "units")
REQUEST = (
    "account_id",
    "customer_id",
    "id",
    "project_id",
    "key_id",
    "route",
    "status",
    "units",
    "response_bytes",
    "duration_ms",
    "request_id",
)


def add(tx: Tx, sums: Sums) -> None:
    """Add requests up, one statement for all of them; those for a customer are kept besides."""
    rows = [(*line, *sums.lines[line]) for line in sorted(sums.lines)]
    sql.add_rows(tx, usage_lines, KEYS, SUMS, rows)
    sql.insert_rows(tx, usage_requests, REQUEST, [_single(one) for one in sums.single])


def _single(one: Metered) -> tuple[object, ...]:
    return (
        one.account_id,
        one.customer_id,
        ids.new_at(one.at),
        one.project_id,
        one.key_id,
        one.route,
        one.status,
        one.units,
        one.response_bytes,
        one.duration_ms,
        one.request_id,
    )


def make_parts(tx: Tx, now: int) -> None:
    """Make room for the single requests of the days to come."""
    parts.make(tx, REQUEST_PARTS, now)


def expire(tx: Tx, before: int, limit: int) -> int:
    """Drop single requests from before a moment (ms), oldest first; returns how many one by one."""
    left = parts.drop(tx, REQUEST_PARTS, before)
    if not left:
        return 0
    old = usage_requests.c.id < ids.floor_at(left)
    keys = (usage_requests.c.account_id, usage_requests.c.customer_id, usage_requests.c.id)
    oldest = sa.select(*keys).where(old).limit(limit)
    return tx.run(sa.delete(usage_requests).where(sa.tuple_(*keys).in_(oldest))).rowcount
