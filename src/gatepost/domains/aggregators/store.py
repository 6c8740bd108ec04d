"""Aggregators in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, AggregatorId
from gatepost.domains.aggregators import rollups
from gatepost.domains.aggregators.model import Aggregator
from gatepost.domains.aggregators.tables import aggregators
from gatepost.storage import sql
from gatepost.storage.db import Tx

_living = aggregators.c.deleted_at.is_(None)


def create(
    tx: Tx, account_id: AccountId, name: str, description: str, timezone: str, now: int
) -> Aggregator:
    """Make an aggregator; raises CONFLICT when the account has one of that name."""
    _check_name(tx, account_id, name)
    made = Aggregator(
        id=AggregatorId(ids.new()),
        account_id=account_id,
        name=name,
        description=description,
        timezone=timezone,
        created_at=now,
        updated_at=now,
    )
    tx.run(sa.insert(aggregators).values(msgspec.structs.asdict(made)))
    return made


def find(tx: Tx, account_id: AccountId, aggregator_id: AggregatorId) -> Aggregator | None:
    """Look one of the account's up, archived ones too."""
    where = (aggregators.c.account_id == account_id, aggregators.c.id == aggregator_id, _living)
    row = tx.run(sa.select(aggregators).where(*where)).first()
    return _aggregator(row) if row else None


def get(tx: Tx, account_id: AccountId, aggregator_id: AggregatorId) -> Aggregator:
    """Look one of the account's up, archived ones too; raises NOT_FOUND."""
    found = find(tx, account_id, aggregator_id)
    if found is None:
        raise not_found("aggregator with this id")
    return found


def find_by_name(tx: Tx, account_id: AccountId, name: str) -> Aggregator | None:
    """Look one of the account's up by its name."""
    where = (aggregators.c.account_id == account_id, aggregators.c.name == name, _living)
    row = tx.run(sa.select(aggregators).where(*where)).first()
    return _aggregator(row) if row else None


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    after: AggregatorId | None = None,
    limit: int | None = None,
) -> list[Aggregator]:
    """The account's aggregators, oldest first, archived ones too."""
    query = sa.select(aggregators).where(aggregators.c.account_id == account_id, _living)
    if after is not None:
        query = query.where(aggregators.c.id > after)
    return [_aggregator(row) for row in tx.run(query.order_by(aggregators.c.id).limit(limit))]


def open_ones(tx: Tx, account_id: AccountId, wanted: Collection[AggregatorId]) -> set[AggregatorId]:
    """Which of these take events: the account's own, neither archived nor deleted."""
    columns = ("id", "archived_at", "deleted_at")
    rows = sql.lookup(tx, aggregators, columns, ("account_id", account_id), "id", sorted(wanted))
    return {AggregatorId(raw) for raw, archived, deleted in rows if not archived and not deleted}


def save(tx: Tx, aggregator: Aggregator) -> None:
    """Write one back; raises CONFLICT when another one has its name."""
    if aggregator.deleted_at is None:
        _check_name(tx, aggregator.account_id, aggregator.name, aggregator.id)
    mine = (
        aggregators.c.account_id == aggregator.account_id,
        aggregators.c.id == aggregator.id,
    )
    tx.run(sa.update(aggregators).where(*mine).values(msgspec.structs.asdict(aggregator)))


def purge(tx: Tx, limit: int) -> int:
    """Delete up to `limit` rows of deleted aggregators, at last these; returns how many."""
    query = sa.select(aggregators.c.account_id, aggregators.c.id)
    row = tx.run(query.where(aggregators.c.deleted_at.is_not(None)).limit(1)).first()
    if row is None:
        return 0
    gone = rollups.forget(tx, (row.account_id, row.id), limit)
    if gone:
        return gone
    where = (aggregators.c.account_id == row.account_id, aggregators.c.id == row.id)
    tx.run(sa.delete(aggregators).where(*where))
    return 1


def _check_name(tx: Tx, account_id: AccountId, name: str, mine: AggregatorId | None = None) -> None:
    other = find_by_name(tx, account_id, name)
    if other is not None and other.id != mine:
        detail = f"An aggregator named {name!r} exists already"
        existing = {"id": ids.show("aggregator", other.id), "name": other.name}
        raise AppError(Code.CONFLICT, detail, extra={"existing": existing})


def _aggregator(row: Any) -> Aggregator:
    return Aggregator(
        id=AggregatorId(row.id),
        account_id=AccountId(row.account_id),
        name=row.name,
        description=row.description,
        timezone=row.timezone,
        created_at=row.created_at,
        updated_at=row.updated_at,
        archived_at=row.archived_at,
        deleted_at=row.deleted_at,
    )
