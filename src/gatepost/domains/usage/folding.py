"""Old usage is added up: quarters of an hour to hours, hours to days. No figure changes."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.usage.store import KEYS, SUMS
from gatepost.domains.usage.tables import usage_lines
from gatepost.storage import sql
from gatepost.storage.db import Tx


def oldest(tx: Tx, account_id: AccountId, since: int, before: int, whole_ms: int) -> int | None:
    """The first slot (ms) in a range that is not the beginning of so many ms, None for none."""
    query = sa.select(sa.func.min(usage_lines.c.slot)).where(
        usage_lines.c.account_id == account_id,
        usage_lines.c.slot >= since,
        usage_lines.c.slot < before,
        usage_lines.c.slot % whole_ms != 0,
    )
    found: int | None = tx.run(query).scalar()
    return found


def fold(tx: Tx, account_id: AccountId, start: int, whole_ms: int) -> None:
    """Add up all lines of the stretch of `whole_ms` that begins at `start` (ms) to one slot."""
    mine = (
        usage_lines.c.account_id == account_id,
        usage_lines.c.slot > start,
        usage_lines.c.slot < start + whole_ms,
    )
    groups = [usage_lines.c[name] for name in KEYS if name != "slot"]
    sums = [sa.cast(sa.func.sum(usage_lines.c[name]), sa.BigInteger) for name in SUMS]
    rows = tx.run(sa.select(*groups, *sums).where(*mine).group_by(*groups)).all()
    at = KEYS.index("slot")
    folded = sorted((*row[:at], start, *row[at:]) for row in rows)
    sql.add_rows(tx, usage_lines, KEYS, SUMS, folded)
    tx.run(sa.delete(usage_lines).where(*mine))
