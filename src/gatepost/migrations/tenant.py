"""All that one account has, table by table, as the schema tells to whom a row belongs."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost import migrations
from gatepost.base.ids import AccountId
from gatepost.storage.db import Tx

NOBODYS = frozenset(
    {
        "audit",
        "event_index",
        "installation",
        "operator_sessions",
        "operators",
        "outbox_marks",
        "plans",
        "processes",
        "recovery_codes",
    }
)
"""Tables of the installation or of people; and the audit log, which nobody may shorten."""
KEYS = {"idempotency": ("scope", "claim")}
"""What tells rows apart where the primary key is not that of all engines."""
LAST = ("projects", "accounts")
"""What others are found by."""


def tables() -> list[sa.Table]:
    """Tables with rows of accounts, in the order in which an account's may be erased."""
    found = migrations.all_tables().tables
    owned = sorted(name for name in found if name not in NOBODYS and name not in LAST)
    return [found[name] for name in (*owned, *LAST)]


def erase(tx: Tx, table: sa.Table, account_id: AccountId, limit: int) -> int:
    """Delete an account's rows of a table; returns how many went, which are at most `limit`."""
    named = KEYS.get(table.name)
    key = list(table.primary_key) if named is None else [table.c[name] for name in named]
    some = sa.select(*key).where(_of(table, account_id)).limit(limit)
    return tx.run(sa.delete(table).where(sa.tuple_(*key).in_(some))).rowcount


def _of(table: sa.Table, account_id: AccountId) -> sa.ColumnElement[bool]:
    columns = table.c
    if "account_id" in columns:
        return columns.account_id == account_id
    if table.name == "accounts":
        return columns.id == account_id
    projects = migrations.all_tables().tables["projects"]
    mine = sa.select(projects.c.id).where(projects.c.account_id == account_id)
    if "project_id" in columns:
        return columns.project_id.in_(mine)
    return sa.or_(columns.scope == account_id, columns.scope.in_(mine))
