"""Relays in the database."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, RelayId
from gatepost.domains.relays.model import CustomerRule, Relay
from gatepost.domains.relays.tables import relays
from gatepost.storage.db import Tx


class Version(NamedTuple):
    """How many relays there have ever been, and when one was last changed (ms)."""

    rows: int
    changed_at: int


_living = relays.c.deleted_at.is_(None)


def add(tx: Tx, relay: Relay) -> None:
    """Keep a new one; raises CONFLICT when the account has one for its method and path."""
    _check_route(tx, relay)
    tx.run(sa.insert(relays).values(msgspec.structs.asdict(relay)))


def find(tx: Tx, account_id: AccountId, relay_id: RelayId) -> Relay | None:
    """Look one of the account's up."""
    where = (relays.c.account_id == account_id, relays.c.id == relay_id, _living)
    row = tx.run(sa.select(relays).where(*where)).first()
    return _relay(row) if row else None


def get(tx: Tx, account_id: AccountId, relay_id: RelayId) -> Relay:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, relay_id)
    if found is None:
        raise not_found("relay with this id")
    return found


def find_by_route(tx: Tx, account_id: AccountId, method: str, path: str) -> Relay | None:
    """Look one of the account's up by its method and path."""
    where = (relays.c.account_id == account_id, relays.c.method == method, relays.c.path == path)
    row = tx.run(sa.select(relays).where(*where, _living)).first()
    return _relay(row) if row else None


def list_(
    tx: Tx, account_id: AccountId, *, after: RelayId | None = None, limit: int | None = None
) -> list[Relay]:
    """The account's relays, oldest first."""
    query = sa.select(relays).where(relays.c.account_id == account_id, _living)
    if after is not None:
        query = query.where(relays.c.id > after)
    return [_relay(row) for row in tx.run(query.order_by(relays.c.id).limit(limit))]


def all_(tx: Tx) -> list[Relay]:
    """Those of all accounts."""
    query = sa.select(relays).where(_living).order_by(relays.c.account_id, relays.c.id)
    return [_relay(row) for row in tx.run(query)]


def version(tx: Tx) -> Version:
    """What tells whether any relay was added, changed or removed."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(relays.c.updated_at), 0))
    row: Any = tx.run(query.select_from(relays)).one()
    return Version(int(row[0]), int(row[1]))


def save(tx: Tx, relay: Relay) -> None:
    """Write one back; raises CONFLICT when another one has its method and path."""
    if relay.deleted_at is None:
        _check_route(tx, relay)
    mine = (relays.c.account_id == relay.account_id, relays.c.id == relay.id)
    tx.run(sa.update(relays).where(*mine).values(msgspec.structs.asdict(relay)))


def _check_route(tx: Tx, relay: Relay) -> None:
    other = find_by_route(tx, relay.account_id, relay.method, relay.path)
    if other is not None and other.id != relay.id:
        detail = f"A relay for {relay.name} exists already"
        existing = {"id": ids.show("relay", other.id), "name": other.name}
        raise AppError(Code.CONFLICT, detail, extra={"existing": existing})


def _relay(row: Any) -> Relay:
    return Relay(
        id=RelayId(row.id),
        account_id=AccountId(row.account_id),
        method=row.method,
        path=row.path,
        upstream=row.upstream,
        units=row.units,
        scope=row.scope,
        customer=CustomerRule(row.customer),
        timeout_ms=row.timeout_ms,
        trusted=row.trusted,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )
