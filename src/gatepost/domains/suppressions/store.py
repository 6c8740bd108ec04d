"""Suppressions in the database. Addresses come in their normal form; what has ended is as good as
gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, SuppressionId
from gatepost.domains.suppressions.model import Suppression, Why
from gatepost.domains.suppressions.tables import suppressions
from gatepost.storage import sql
from gatepost.storage.db import Tx


def add(tx: Tx, one: Suppression, now: int) -> bool:
    """Keep a new one; says whether there was none of that address."""
    _make_room(tx, [one], now)
    return sql.insert_new(tx, suppressions, _values(one), ["account_id", "address"])


def add_all(tx: Tx, ones: Sequence[Suppression], now: int) -> set[SuppressionId]:
    """Keep new ones of one account, the first of each address that has none; returns which."""
    if not ones:
        return set()
    _make_room(tx, ones, now)
    kept = tx.engine.insert(suppressions).on_conflict_do_nothing(
        index_elements=["account_id", "address"]
    )
    rows = tx.run(kept.returning(suppressions.c.id), [_values(one) for one in ones])
    return {SuppressionId(raw) for raw in rows.scalars()}


def find_by_address(tx: Tx, account_id: AccountId, address: str, now: int) -> Suppression | None:
    """Look up what keeps mails from an address."""
    mine = (suppressions.c.account_id == account_id, suppressions.c.address == address, _lives(now))
    row = tx.run(sa.select(suppressions).where(*mine)).mappings().first()
    return None if row is None else _suppression(row)


def among(tx: Tx, account_id: AccountId, addresses: Collection[str], now: int) -> dict[str, Why]:
    """Which of some addresses get nothing, and why."""
    scope, wanted = ("account_id", account_id), sorted(addresses)
    columns = ("address", "type", "keep_until")
    rows = sql.lookup(tx, suppressions, columns, scope, "address", wanted)
    return {address: Why(type_) for address, type_, until in rows if until is None or until > now}


def get(tx: Tx, account_id: AccountId, suppression_id: SuppressionId, now: int) -> Suppression:
    """Look one of the account's up; raises NOT_FOUND."""
    mine = (suppressions.c.account_id == account_id, suppressions.c.id == suppression_id)
    row = tx.run(sa.select(suppressions).where(*mine, _lives(now))).mappings().first()
    if row is None:
        raise not_found("suppression with this id")
    return _suppression(row)


def list_(
    tx: Tx,
    account_id: AccountId,
    now: int,
    *,
    types: Sequence[Why] = (),
    before: bytes | None = None,
    offset: int = 0,
    limit: int,
) -> list[Suppression]:
    """The account's, newest first."""
    query = sa.select(suppressions).where(suppressions.c.account_id == account_id, _lives(now))
    if types:
        query = query.where(suppressions.c.type.in_([one.value for one in types]))
    if before is not None:
        query = query.where(suppressions.c.id < before)
    newest = query.order_by(suppressions.c.id.desc()).offset(offset).limit(limit)
    rows = tx.run(newest).mappings()
    return [_suppression(row) for row in rows]


def save(tx: Tx, one: Suppression) -> None:
    """Write one back."""
    mine = (suppressions.c.account_id == one.account_id, suppressions.c.id == one.id)
    tx.run(sa.update(suppressions).where(*mine).values(_values(one)))


def remove(tx: Tx, account_id: AccountId, suppression_id: SuppressionId) -> None:
    """Forget one."""
    mine = (suppressions.c.account_id == account_id, suppressions.c.id == suppression_id)
    tx.run(sa.delete(suppressions).where(*mine))


def has_ended(tx: Tx, account_id: AccountId, now: int) -> bool:
    """Whether any of the account's has ended."""
    where = (suppressions.c.account_id == account_id, suppressions.c.keep_until <= now)
    return tx.run(sa.select(sa.literal(1)).where(*where).limit(1)).first() is not None


def drop_ended(tx: Tx, account_id: AccountId, now: int, limit: int) -> int:
    """Forget some of the account's that have ended; returns how many."""
    where = (suppressions.c.account_id == account_id, suppressions.c.keep_until <= now)
    ids = tx.run(sa.select(suppressions.c.id).where(*where).limit(limit)).scalars().all()
    mine = (suppressions.c.account_id == account_id, suppressions.c.id.in_(ids))
    if ids:
        tx.run(sa.delete(suppressions).where(*mine))
    return len(ids)


def _make_room(tx: Tx, ones: Sequence[Suppression], now: int) -> None:
    """Forget what has ended and would be in the way of new ones."""
    mine = suppressions.c.account_id == ones[0].account_id
    same = suppressions.c.address.in_(sorted({one.address for one in ones}))
    tx.run(sa.delete(suppressions).where(mine, same, suppressions.c.keep_until <= now))


def _lives(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(suppressions.c.keep_until.is_(None), suppressions.c.keep_until > now)


def _values(one: Suppression) -> dict[str, object]:
    return {**msgspec.structs.asdict(one), "type": one.type.value}


def _suppression(row: RowMapping) -> Suppression:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": SuppressionId(row["id"]),
        "type": Why(row["type"]),
    }
    return Suppression(**(dict(row) | read))
