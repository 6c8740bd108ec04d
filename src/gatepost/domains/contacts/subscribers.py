"""Subscribers in the database. Whoever writes holds the account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping, bindparam

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, AudienceId, ContactId, SubscriberId
from gatepost.domains.contacts import filters, store
from gatepost.domains.contacts.filters import Sift
from gatepost.domains.contacts.model import Member, Membership, Subscriber
from gatepost.domains.contacts.tables import audiences, contacts, subscribers
from gatepost.storage import sql
from gatepost.storage.db import Tx

AT_ONCE = 500
COLUMNS = tuple(subscribers.c.keys())
CHANGING = ("subscribed", "subscribed_at", "unsubscribed_at", "updated_at")
FIELDS = {name: contacts.c[name] for name in ("email", "first_name", "last_name")} | {
    name: subscribers.c[name] for name in (*CHANGING, "created_at")
}
"""What subscribers can be narrowed and sorted by."""
PREFIX = "of_"
_PAIRED = sa.and_(
    contacts.c.account_id == subscribers.c.account_id, contacts.c.id == subscribers.c.contact_id
)
_MEMBERS = sa.select(subscribers, *(one.label(PREFIX + one.name) for one in contacts.c)).join(
    contacts, _PAIRED
)


def add_all(tx: Tx, made: Sequence[Subscriber]) -> None:
    """Keep new ones, of contacts that are not on their audience yet."""
    rows = [tuple(msgspec.structs.asdict(one)[name] for name in COLUMNS) for one in made]
    sql.insert_rows(tx, subscribers, COLUMNS, rows)
    _count(tx, Counter((one.account_id, one.audience_id) for one in made), 1)


def save_all(tx: Tx, changed: Sequence[Subscriber]) -> None:
    """Overwrite whether they are subscribed, and since when."""
    if not changed:
        return
    statement = (
        sa.update(subscribers)
        .where(
            subscribers.c.account_id == bindparam("mine"),
            subscribers.c.audience_id == bindparam("list"),
            subscribers.c.id == bindparam("this"),
        )
        .values({name: bindparam(f"new_{name}") for name in CHANGING})
    )
    tx.run(statement, [_change(one) for one in changed])


def get(
    tx: Tx, account_id: AccountId, audience_id: AudienceId, subscriber_id: SubscriberId
) -> Member:
    """Look one of an audience's up; raises NOT_FOUND."""
    return _only(tx, account_id, audience_id, subscribers.c.id == subscriber_id)


def of_contact(
    tx: Tx, account_id: AccountId, audience_id: AudienceId, contact_id: ContactId
) -> Member:
    """Look up a contact's membership of an audience; raises NOT_FOUND."""
    return _only(tx, account_id, audience_id, subscribers.c.contact_id == contact_id)


def by_email(tx: Tx, account_id: AccountId, audience_id: AudienceId, email: str) -> Member:
    """Look one of an audience's up by the address; raises NOT_FOUND."""
    return _only(tx, account_id, audience_id, contacts.c.email == email)


def list_(tx: Tx, account_id: AccountId, audience_id: AudienceId, sift: Sift) -> list[Member]:
    """An audience's that are wanted."""
    query = (
        _MEMBERS.where(
            subscribers.c.account_id == account_id,
            subscribers.c.audience_id == audience_id,
            *filters.where(sift, FIELDS, store.SEARCHED),
        )
        .order_by(*filters.order(sift, FIELDS, subscribers.c.id))
        .limit(sift.limit)
        .offset(sift.offset)
    )
    return [_member(row) for row in tx.run(query).mappings()]


def memberships(
    tx: Tx, account_id: AccountId, contact_ids: Collection[ContactId]
) -> dict[ContactId, list[Membership]]:
    """What audiences some contacts are on, oldest membership first."""
    found: dict[ContactId, list[Membership]] = defaultdict(list)
    left = list(contact_ids)
    named = sa.and_(
        audiences.c.account_id == subscribers.c.account_id,
        audiences.c.id == subscribers.c.audience_id,
        audiences.c.deleted_at.is_(None),
    )
    query = sa.select(subscribers, audiences.c.name).join(audiences, named)
    while left:
        some, left = left[:AT_ONCE], left[AT_ONCE:]
        mine = (subscribers.c.account_id == account_id, subscribers.c.contact_id.in_(some))
        for row in tx.run(query.where(*mine).order_by(subscribers.c.id)).mappings():
            one = _subscriber(row)
            found[one.contact_id].append(Membership(one, row["name"]))
    return found


def remove(tx: Tx, one: Subscriber) -> None:
    """Take a contact off an audience."""
    mine = (
        subscribers.c.account_id == one.account_id,
        subscribers.c.audience_id == one.audience_id,
        subscribers.c.id == one.id,
    )
    gone = tx.run(sa.delete(subscribers).where(*mine)).rowcount
    _count(tx, Counter({(one.account_id, one.audience_id): gone}), -1)


def remove_contacts(tx: Tx, account_id: AccountId, gone: Collection[ContactId]) -> None:
    """Take contacts off all audiences."""
    mine = (subscribers.c.account_id == account_id, subscribers.c.contact_id.in_(list(gone)))
    statement = sa.delete(subscribers).where(*mine).returning(subscribers.c.audience_id)
    lost = Counter((account_id, AudienceId(one)) for one in tx.run(statement).scalars())
    _count(tx, lost, -1)


def _only(
    tx: Tx, account_id: AccountId, audience_id: AudienceId, which: sa.ColumnElement[bool]
) -> Member:
    mine = (subscribers.c.account_id == account_id, subscribers.c.audience_id == audience_id)
    row = tx.run(_MEMBERS.where(*mine, which)).mappings().first()
    if row is None:
        raise not_found("subscriber with this id")
    return _member(row)


def _count(tx: Tx, several: Counter[tuple[AccountId, AudienceId]], sign: int) -> None:
    for (account_id, audience_id), more in sorted(several.items()):
        mine = (audiences.c.account_id == account_id, audiences.c.id == audience_id)
        grown = {"subscribers": audiences.c.subscribers + sign * more}
        tx.run(sa.update(audiences).where(*mine).values(grown))


def _change(one: Subscriber) -> dict[str, Any]:
    named = {f"new_{name}": getattr(one, name) for name in CHANGING}
    return {"mine": one.account_id, "list": one.audience_id, "this": one.id, **named}


def _member(row: RowMapping) -> Member:
    whose: Any = {one.name: row[PREFIX + one.name] for one in contacts.c}
    return Member(_subscriber(row), store.read(whose))


def _subscriber(row: RowMapping) -> Subscriber:
    return Subscriber(
        account_id=AccountId(row["account_id"]),
        audience_id=AudienceId(row["audience_id"]),
        id=SubscriberId(row["id"]),
        contact_id=ContactId(row["contact_id"]),
        subscribed=row["subscribed"],
        subscribed_at=row["subscribed_at"],
        unsubscribed_at=row["unsubscribed_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
