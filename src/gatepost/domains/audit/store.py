"""The audit log in the database. Rows are added and read; the database refuses the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.ids import AccountId, AuditId, ProjectId
from gatepost.domains.audit.model import Actor, Entry, Target
from gatepost.domains.audit.tables import audit
from gatepost.storage.db import Tx


class Narrow(NamedTuple):
    """Which lines are wanted: all that is set must hold. Ids bound the time. An action that ends in
    a dot means all that begin so; an actor is named by id or name.
    """

    project_id: ProjectId | None = None
    action: str | None = None
    target: str | None = None
    actor: str | None = None
    since: bytes | None = None
    before: bytes | None = None


EVERYTHING = Narrow()


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
    if entries:
        insert = tx.engine.insert(audit)
        statement = insert.on_conflict_do_nothing(index_elements=["account_id", "id"])
        tx.run(statement, [_values(entry) for entry in entries])


def list_(
    tx: Tx,
    account_id: AccountId,
    wanted: Narrow = EVERYTHING,
    *,
    limit: int,
) -> list[Entry]:
    """Those of the account's lines that are wanted, newest first."""
    query = sa.select(audit).where(audit.c.account_id == account_id, *_conditions(wanted))
    return [_entry(row) for row in tx.run(query.order_by(audit.c.id.desc()).limit(limit))]


def _conditions(wanted: Narrow) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.project_id is not None:
        yield audit.c.project_id == wanted.project_id
    if wanted.action is not None and wanted.action.endswith("."):
        yield audit.c.action.startswith(wanted.action, autoescape=True)
    elif wanted.action is not None:
        yield audit.c.action == wanted.action
    if wanted.target is not None:
        yield audit.c.object == wanted.target
    if wanted.actor is not None:
        yield sa.or_(audit.c.actor_name == wanted.actor, audit.c.actor_id == wanted.actor)
    if wanted.since is not None:
        yield audit.c.id >= wanted.since
    if wanted.before is not None:
        yield audit.c.id < wanted.before


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
