"""Audiences in the database. Whoever writes holds the account."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, AudienceId
from gatepost.domains.contacts.model import Audience
from gatepost.domains.contacts.tables import audiences, subscribers
from gatepost.storage.db import Tx


def add(tx: Tx, one: Audience) -> None:
    """Keep a new one, of a name that is free."""
    tx.run(sa.insert(audiences).values(msgspec.structs.asdict(one)))


def save(tx: Tx, one: Audience) -> None:
    """Overwrite its name, and whether it is deleted."""
    mine = (audiences.c.account_id == one.account_id, audiences.c.id == one.id)
    values = {"name": one.name, "updated_at": one.updated_at, "deleted_at": one.deleted_at}
    tx.run(sa.update(audiences).where(*mine).values(values))


def find(tx: Tx, account_id: AccountId, audience_id: AudienceId) -> Audience | None:
    """Look one of the account's up."""
    return _first(tx, account_id, audiences.c.id == audience_id)


def get(tx: Tx, account_id: AccountId, audience_id: AudienceId) -> Audience:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, audience_id)
    if found is None:
        raise not_found("audience with this id")
    return found


def find_by_name(tx: Tx, account_id: AccountId, name: str) -> Audience | None:
    """Look one of the account's up by its exact name."""
    return _first(tx, account_id, audiences.c.name == name)


def list_(tx: Tx, account_id: AccountId) -> list[Audience]:
    """The account's, newest first."""
    mine = (audiences.c.account_id == account_id, audiences.c.deleted_at.is_(None))
    query = sa.select(audiences).where(*mine).order_by(audiences.c.id.desc())
    return [_audience(row) for row in tx.run(query).mappings()]


def deleted(tx: Tx, account_id: AccountId) -> list[AudienceId]:
    """Those of the account that are deleted, and not forgotten yet."""
    mine = (audiences.c.account_id == account_id, audiences.c.deleted_at.is_not(None))
    return [AudienceId(one) for one in tx.run(sa.select(audiences.c.id).where(*mine)).scalars()]


def forget(tx: Tx, account_id: AccountId, audience_id: AudienceId, limit: int) -> bool:
    """Forget some subscribers of one that is deleted, and it where there are no more; says whether
    that is done.
    """
    mine = (subscribers.c.account_id == account_id, subscribers.c.audience_id == audience_id)
    some = sa.select(subscribers.c.id).where(*mine).limit(limit)
    if tx.run(sa.delete(subscribers).where(*mine, subscribers.c.id.in_(some))).rowcount == limit:
        return False
    this = (audiences.c.account_id == account_id, audiences.c.id == audience_id)
    tx.run(sa.delete(audiences).where(*this, audiences.c.deleted_at.is_not(None)))
    return True


def forget_all(tx: Tx, account_id: AccountId) -> None:
    """Forget the audiences of an account that has no contacts any more."""
    tx.run(sa.delete(audiences).where(audiences.c.account_id == account_id))


def _first(tx: Tx, account_id: AccountId, which: sa.ColumnElement[bool]) -> Audience | None:
    mine = (audiences.c.account_id == account_id, audiences.c.deleted_at.is_(None), which)
    row = tx.run(sa.select(audiences).where(*mine)).mappings().first()
    return None if row is None else _audience(row)


def _audience(row: RowMapping) -> Audience:
    read = {"account_id": AccountId(row["account_id"]), "id": AudienceId(row["id"])}
    return Audience(**(dict(row) | read))
