"""Contacts in the database. Whoever writes holds the account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping, bindparam

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, ContactId
from gatepost.domains.contacts import filters
from gatepost.domains.contacts.filters import Sift
from gatepost.domains.contacts.model import Contact
from gatepost.domains.contacts.tables import contact_totals, contacts
from gatepost.storage import sql
from gatepost.storage.db import Tx

AT_ONCE = 500
COLUMNS = tuple(contacts.c.keys())
CHANGING = ("email", "first_name", "last_name", "custom_fields", "unsubscribed", "updated_at")
FIELDS = {
    name: contacts.c[name]
    for name in ("email", "first_name", "last_name", "unsubscribed", "created_at", "updated_at")
}
"""What contacts can be narrowed and sorted by."""
SEARCHED = ("email", "first_name", "last_name")


def count(tx: Tx, account_id: AccountId) -> int:
    """How many an account has."""
    mine = contact_totals.c.account_id == account_id
    return tx.run(sa.select(contact_totals.c.contacts).where(mine)).scalar() or 0


def add_all(tx: Tx, account_id: AccountId, made: Sequence[Contact]) -> None:
    """Keep new ones, of addresses that are free."""
    rows = [tuple(_values(one)[name] for name in COLUMNS) for one in made]
    sql.insert_rows(tx, contacts, COLUMNS, rows)
    _count(tx, account_id, len(rows))


def save_all(tx: Tx, changed: Sequence[Contact]) -> None:
    """Overwrite what there is of them."""
    if not changed:
        return
    statement = (
        sa.update(contacts)
        .where(contacts.c.account_id == bindparam("mine"), contacts.c.id == bindparam("this"))
        .values({name: bindparam(f"new_{name}") for name in CHANGING})
    )
    tx.run(statement, [_change(one) for one in changed])


def find(tx: Tx, account_id: AccountId, contact_id: ContactId) -> Contact | None:
    """Look one of the account's up."""
    return by_ids(tx, account_id, [contact_id]).get(contact_id)


def get(tx: Tx, account_id: AccountId, contact_id: ContactId) -> Contact:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, contact_id)
    if found is None:
        raise not_found("contact with this id")
    return found


def by_ids(
    tx: Tx, account_id: AccountId, wanted: Collection[ContactId]
) -> dict[ContactId, Contact]:
    """Those there are among some."""
    return {one.id: one for one in _among(tx, account_id, "id", wanted)}


def by_emails(tx: Tx, account_id: AccountId, wanted: Collection[str]) -> dict[str, Contact]:
    """Those of some addresses, in their normal form."""
    return {one.email: one for one in _among(tx, account_id, "email", wanted)}


def list_(tx: Tx, account_id: AccountId, sift: Sift) -> list[Contact]:
    """The account's that are wanted."""
    query = (
        sa.select(contacts)
        .where(contacts.c.account_id == account_id, *filters.where(sift, FIELDS, SEARCHED))
        .order_by(*filters.order(sift, FIELDS, contacts.c.id))
        .limit(sift.limit)
        .offset(sift.offset)
    )
    return [read(row) for row in tx.run(query).mappings()]


def remove(tx: Tx, account_id: AccountId, gone: Collection[ContactId]) -> None:
    """Forget some of the account's."""
    mine = (contacts.c.account_id == account_id, contacts.c.id.in_(list(gone)))
    _count(tx, account_id, -tx.run(sa.delete(contacts).where(*mine)).rowcount)


def oldest(tx: Tx, account_id: AccountId, limit: int) -> list[ContactId]:
    """Ids of the oldest ones."""
    mine = contacts.c.account_id == account_id
    query = sa.select(contacts.c.id).where(mine).order_by(contacts.c.id).limit(limit)
    return [ContactId(found) for found in tx.run(query).scalars()]


def read(row: RowMapping) -> Contact:
    """A contact from a row with its columns."""
    return Contact(
        account_id=AccountId(row["account_id"]),
        id=ContactId(row["id"]),
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        custom_fields=msgspec.json.decode(row["custom_fields"]),
        unsubscribed=row["unsubscribed"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _among(tx: Tx, account_id: AccountId, column: str, values: Collection[Any]) -> list[Contact]:
    found, left = [], list(values)
    while left:
        some, left = left[:AT_ONCE], left[AT_ONCE:]
        mine = (contacts.c.account_id == account_id, contacts.c[column].in_(some))
        found += [read(row) for row in tx.run(sa.select(contacts).where(*mine)).mappings()]
    return found


def _count(tx: Tx, account_id: AccountId, more: int) -> None:
    if more:
        sql.add_rows(tx, contact_totals, ("account_id",), ("contacts",), [(account_id, more)])


def _change(one: Contact) -> dict[str, Any]:
    values = _values(one)
    named = {f"new_{name}": values[name] for name in CHANGING}
    return {"mine": one.account_id, "this": one.id, **named}


def _values(one: Contact) -> dict[str, Any]:
    fields = msgspec.json.encode(one.custom_fields).decode()
    return {**msgspec.structs.asdict(one), "custom_fields": fields}
