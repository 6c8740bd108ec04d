"""The audit log in the database. Rows are added and read; the database refuses the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.ids import AccountId, AuditId
from gatepost.domains.audit.model import Actor, Entry
from gatepost.domains.audit.tables import audit
from gatepost.storage.db import Tx


def append(
    tx: Tx,
    account_id: AccountId,
    actor: Actor,
    action: str,
    target: tuple[str, str],
    *,
    now: int,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of the change itself. `target` is (id, name)."""
    tx.run(
        sa.insert(audit).values(
            account_id=account_id,
            id=ids.new(),
            at=now,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            address=actor.address,
            action=action,
            object=target[0],
            object_name=target[1],
            before=_json(before),
            after=_json(after),
        )
    )


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    action: str | None = None,
    target: str | None = None,
    before: bytes | None = None,
    limit: int,
) -> list[Entry]:
    """Lines of the account, newest first, optionally of one action or one object."""
    query = sa.select(audit).where(audit.c.account_id == account_id)
    if action is not None:
        query = query.where(audit.c.action == action)
    if target is not None:
        query = query.where(audit.c.object == target)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [_entry(row) for row in tx.run(query.order_by(audit.c.id.desc()).limit(limit))]


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _entry(row: Any) -> Entry:
    return Entry(
        id=AuditId(row.id),
        account_id=AccountId(row.account_id),
        at=row.at,
        actor=Actor(row.actor_kind, row.actor_id, row.actor_name, row.address),
        action=row.action,
        object=row.object,
        object_name=row.object_name,
        before=msgspec.json.decode(row.before) if row.before else None,
        after=msgspec.json.decode(row.after) if row.after else None,
    )
