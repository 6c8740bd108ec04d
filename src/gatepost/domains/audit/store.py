"""The audit log in the database. Rows are added and read; the database refuses the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.ids import AccountId, AuditId, ProjectId
from gatepost.domains.audit.model import Actor, Entry, Target
from gatepost.domains.audit.tables import audit
from gatepost.storage import sql
from gatepost.storage.db import Tx


def append(
    tx: Tx,
    account_id: AccountId,
    actor: Actor,
    action: str,
    target: Target | tuple[str, str],
    *,
    now: int,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of the change itself."""
    what = Target(*target)
    entry = Entry(
        id=AuditId(ids.new()),
        account_id=account_id,
        project_id=what.project_id,
        at=now,
        actor=actor,
        action=action,
        object=what.id,
        object_name=what.name,
        before=before,
        after=after,
    )
    append_all(tx, [entry])


def append_all(tx: Tx, entries: Sequence[Entry]) -> None:
    """Add lines, at least one."""
    tx.run(sa.insert(audit), [_values(entry) for entry in entries])


def append_missing(tx: Tx, entries: Sequence[Entry]) -> None:
    """Add lines that an earlier try may have added already."""
    for entry in entries:
        sql.insert_new(tx, audit, _values(entry), ["account_id", "id"])


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    action: str | None = None,
    target: str | None = None,
    before: bytes | None = None,
    limit: int,
) -> list[Entry]:
    """Lines of the account, newest first, optionally of one project, action or object."""
    query = sa.select(audit).where(audit.c.account_id == account_id)
    if project_id is not None:
        query = query.where(audit.c.project_id == project_id)
    if action is not None:
        query = query.where(audit.c.action == action)
    if target is not None:
        query = query.where(audit.c.object == target)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [_entry(row) for row in tx.run(query.order_by(audit.c.id.desc()).limit(limit))]


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "account_id": entry.account_id,
        "id": entry.id,
        "project_id": entry.project_id,
        "at": entry.at,
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "actor_name": entry.actor.name,
        "address": entry.actor.address,
        "action": entry.action,
        "object": entry.object,
        "object_name": entry.object_name,
        "before": _json(entry.before),
        "after": _json(entry.after),
    }


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _entry(row: Any) -> Entry:
    return Entry(
        id=AuditId(row.id),
        account_id=AccountId(row.account_id),
        project_id=ProjectId(row.project_id) if row.project_id else None,
        at=row.at,
        actor=Actor(row.actor_kind, row.actor_id, row.actor_name, row.address),
        action=row.action,
        object=row.object,
        object_name=row.object_name,
        before=msgspec.json.decode(row.before) if row.before else None,
        after=msgspec.json.decode(row.after) if row.after else None,
    )
