"""People in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, PersonId
from gatepost.domains.people.model import Person
from gatepost.domains.people.tables import people, person_aliases
from gatepost.storage import sql
from gatepost.storage.db import Tx


def resolve(tx: Tx, account_id: AccountId, names: Sequence[str]) -> dict[str, str]:
    """Map user ids and aliases to user ids; a user id wins over an alias.

    Unknown names are left out.
    """
    rows = sql.lookup(
        tx, person_aliases, ("alias", "user_id"), ("account_id", account_id), "alias", names
    )
    found: dict[str, str] = dict(rows)
    if found:
        known = sql.lookup(
            tx, people, ("user_id",), ("account_id", account_id), "user_id", list(found)
        )
        found.update((user_id, user_id) for (user_id,) in known)
    return found


def hold(tx: Tx, account_id: AccountId, names: Collection[str]) -> None:
    """Let other changes of whoever has, or wants, one of these names wait."""
    sql.lock(tx, [b"person:%b:%b" % (account_id, name.encode()) for name in names])


def find(tx: Tx, account_id: AccountId, user_id: str) -> Person | None:
    """Look a person up by user id, not by alias."""
    where = (people.c.account_id == account_id, people.c.user_id == user_id)
    row = tx.run(sa.select(people).where(*where)).first()
    return _person(row) if row else None


def get(tx: Tx, account_id: AccountId, name: str) -> Person:
    """Look a person up by user id or alias; raises NOT_FOUND."""
    person = find(tx, account_id, name)
    if person is None:
        user_id = resolve(tx, account_id, [name]).get(name)
        person = find(tx, account_id, user_id) if user_id is not None else None
    if person is None:
        raise not_found("person with this user id")
    return person


def list_(tx: Tx, account_id: AccountId, before: bytes | None, limit: int) -> list[Person]:
    """People, newest first, from before an id on."""
    query = sa.select(people).where(people.c.account_id == account_id)
    if before is not None:
        query = query.where(people.c.id < before)
    return [_person(row) for row in tx.run(query.order_by(people.c.id.desc()).limit(limit))]


def put(tx: Tx, account_id: AccountId, user_id: str, properties_json: str, now: int) -> Person:
    """Make a person, or replace the properties of the one there is (its id stays)."""
    person = find(tx, account_id, user_id)
    if person is None:
        person = Person(PersonId(ids.new()), account_id, user_id, properties_json, now, now)
        tx.run(
            sa.insert(people).values(
                account_id=account_id,
                user_id=user_id,
                id=person.id,
                properties=properties_json,
                created_at=now,
                updated_at=now,
            )
        )
        return person
    tx.run(
        sa.update(people)
        .where(people.c.account_id == account_id, people.c.user_id == user_id)
        .values(properties=properties_json, updated_at=now)
    )
    return Person(person.id, account_id, user_id, properties_json, person.created_at, now)


def claim_alias(tx: Tx, account_id: AccountId, alias: str, user_id: str, now: int) -> bool:
    """Give an alias to a person; False when another person holds it."""
    values = {"account_id": account_id, "alias": alias, "user_id": user_id, "created_at": now}
    if sql.insert_new(tx, person_aliases, values, ["account_id", "alias"]):
        return True
    query = sa.select(person_aliases.c.user_id).where(
        person_aliases.c.account_id == account_id, person_aliases.c.alias == alias
    )
    return tx.run(query).scalar() == user_id


def aliases(tx: Tx, account_id: AccountId, user_id: str) -> list[str]:
    """A person's aliases, oldest first."""
    query = sa.select(person_aliases.c.alias).where(
        person_aliases.c.account_id == account_id, person_aliases.c.user_id == user_id
    )
    ordered = query.order_by(person_aliases.c.created_at, person_aliases.c.alias)
    return list(tx.run(ordered).scalars())


def names(tx: Tx, account_id: AccountId, user_id: str) -> list[str]:
    """Every name that leads to a person: the user id, then its aliases.

    Left out are aliases that have become the user id of somebody else since.
    """
    held = aliases(tx, account_id, user_id)
    taken = sql.lookup(tx, people, ("user_id",), ("account_id", account_id), "user_id", held)
    others = {name for (name,) in taken}
    return [user_id, *(name for name in held if name not in others and name != user_id)]


def remove(tx: Tx, account_id: AccountId, user_id: str) -> int:
    """Delete a person and its aliases; returns how many aliases went."""
    gone = tx.run(
        sa.delete(person_aliases).where(
            person_aliases.c.account_id == account_id, person_aliases.c.user_id == user_id
        )
    ).rowcount
    tx.run(sa.delete(people).where(people.c.account_id == account_id, people.c.user_id == user_id))
    return gone


def _person(row: Any) -> Person:
    return Person(
        PersonId(row.id),
        AccountId(row.account_id),
        row.user_id,
        row.properties,
        row.created_at,
        row.updated_at,
    )
