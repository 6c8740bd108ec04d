"""Customers in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, CustomerId
from gatepost.domains.customers.model import Customer, Status
from gatepost.domains.customers.tables import customers
from gatepost.storage.db import Tx

NAMED_AT_ONCE = 1000

Place = tuple[int, bytes]
"""Where a customer stands in the order they are listed in: when it was made, its id."""


def add(tx: Tx, customer: Customer) -> None:
    """Keep a new one; raises CONFLICT when the account has one with its identifier."""
    _check_identifier(tx, customer)
    tx.run(sa.insert(customers).values(_values(customer)))


def find(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> Customer | None:
    """Look one of the account's up, inactive ones too."""
    where = (customers.c.account_id == account_id, customers.c.id == customer_id)
    row = tx.run(sa.select(customers).where(*where, customers.c.deleted_at.is_(None))).first()
    return _customer(row) if row else None


def get(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> Customer:
    """Look one of the account's up, inactive ones too; raises NOT_FOUND."""
    found = find(tx, account_id, customer_id)
    if found is None:
        raise not_found("customer with this id")
    return found


def find_by_identifier(tx: Tx, account_id: AccountId, identifier: str) -> Customer | None:
    """Look one of the account's up by the account's own name for it."""
    where = (customers.c.account_id == account_id, customers.c.identifier == identifier)
    row = tx.run(sa.select(customers).where(*where, customers.c.deleted_at.is_(None))).first()
    return _customer(row) if row else None


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    identifier: str | None = None,
    status: Status | None = None,
    search: str | None = None,
    after: Place | None = None,
    limit: int | None = None,
) -> list[Customer]:
    """The account's customers, oldest first, those after a place.

    `search` is a part of the name or of the identifier, in any case of ASCII letters.
    """
    query = sa.select(customers).where(
        customers.c.account_id == account_id, customers.c.deleted_at.is_(None)
    )
    if identifier is not None:
        query = query.where(customers.c.identifier == identifier)
    if status is not None:
        query = query.where(customers.c.status == status)
    if search is not None:
        parts = (customers.c.name, customers.c.identifier)
        query = query.where(sa.or_(*(one.icontains(search, autoescape=True) for one in parts)))
    order = (customers.c.created_at, customers.c.id)
    if after is not None:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
    return [_customer(row) for row in tx.run(query.order_by(*order).limit(limit))]


def named(
    tx: Tx, account_id: AccountId, wanted: Collection[CustomerId]
) -> dict[CustomerId, Customer]:
    """Look many of the account's up, ended ones too: what they used is still told."""
    found: dict[CustomerId, Customer] = {}
    mine = sorted(set(wanted))
    for at in range(0, len(mine), NAMED_AT_ONCE):
        some = customers.c.id.in_(mine[at : at + NAMED_AT_ONCE])
        query = sa.select(customers).where(customers.c.account_id == account_id, some)
        found |= {CustomerId(row.id): _customer(row) for row in tx.run(query)}
    return found


def count(tx: Tx, account_id: AccountId) -> int:
    """How many the account has."""
    query = sa.select(sa.func.count()).select_from(customers)
    where = (customers.c.account_id == account_id, customers.c.deleted_at.is_(None))
    return tx.run(query.where(*where)).scalar() or 0


def save(tx: Tx, customer: Customer) -> None:
    """Write one back; raises CONFLICT when another one has its identifier."""
    if customer.deleted_at is None:
        _check_identifier(tx, customer)
    mine = (customers.c.account_id == customer.account_id, customers.c.id == customer.id)
    tx.run(sa.update(customers).where(*mine).values(_values(customer)))


def _check_identifier(tx: Tx, customer: Customer) -> None:
    other = find_by_identifier(tx, customer.account_id, customer.identifier)
    if other is not None and other.id != customer.id:
        detail = "A customer with this identifier exists already"
        existing = {"id": ids.show("customer", other.id), "identifier": other.identifier}
        raise AppError(Code.CONFLICT, detail, extra={"existing": existing, "customer": other})


def _values(customer: Customer) -> dict[str, Any]:
    metadata = msgspec.json.encode(customer.metadata).decode()
    return {**msgspec.structs.asdict(customer), "metadata": metadata}


def _customer(row: Any) -> Customer:
    return Customer(
        id=CustomerId(row.id),
        account_id=AccountId(row.account_id),
        identifier=row.identifier,
        name=row.name,
        metadata=msgspec.json.decode(row.metadata),
        status=Status(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )
