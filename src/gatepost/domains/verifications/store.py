"""Lists of addresses to verify, in the database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping, bindparam

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, ProjectId, VerificationId, VerificationListId
from gatepost.domains.verifications.model import Finding, Verification, VerificationList
from gatepost.domains.verifications.tables import verification_lists, verifications
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = ("account_id", "list_id", "place", "id", "email")
_finding = msgspec.json.Decoder(Finding).decode


def add(tx: Tx, made: VerificationList, addresses: Sequence[Verification]) -> None:
    """Keep a new one."""
    tx.run(sa.insert(verification_lists).values(msgspec.structs.asdict(made)))
    rows = [
        (made.account_id, made.id, place, one.id, one.email) for place, one in enumerate(addresses)
    ]
    sql.insert_rows(tx, verifications, COLUMNS, rows)


def save(tx: Tx, one: VerificationList) -> None:
    """Overwrite how far it has come, and when it goes on."""
    values = {
        name: getattr(one, name)
        for name in ("processed", "invalid", "failed", "check_at", "updated_at")
    }
    tx.run(sa.update(verification_lists).where(*_this(one.account_id, one.id)).values(values))


def put_off(tx: Tx, one: VerificationList, check_at: int) -> None:
    """Say when it goes on, whatever has become of it meanwhile."""
    mine = (*_this(one.account_id, one.id), verification_lists.c.check_at.is_not(None))
    tx.run(sa.update(verification_lists).where(*mine).values(check_at=check_at))


def settle(tx: Tx, one: VerificationList, place: int, done: Sequence[Verification]) -> None:
    """Keep what was found of some, from a place on."""
    statement = (
        sa.update(verifications)
        .where(*_mine(one.account_id, one.id), verifications.c.place == bindparam("this"))
        .values(finding=bindparam("found"), checked_at=bindparam("at"))
    )
    rows = [
        {
            "this": place + number,
            "found": msgspec.json.encode(it.finding).decode(),
            "at": it.checked_at,
        }
        for number, it in enumerate(done)
    ]
    tx.run(statement, rows)


def find(tx: Tx, account_id: AccountId, list_id: VerificationListId) -> VerificationList | None:
    """Look one of the account's up."""
    query = sa.select(verification_lists).where(*_this(account_id, list_id))
    row = tx.run(query).mappings().first()
    return None if row is None else _list(row)


def get(tx: Tx, account_id: AccountId, list_id: VerificationListId) -> VerificationList:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, list_id)
    if found is None:
        raise not_found("email verification list with this id")
    return found


def list_(tx: Tx, account_id: AccountId) -> list[VerificationList]:
    """The account's, newest first."""
    mine = verification_lists.c.account_id == account_id
    query = sa.select(verification_lists).where(mine).order_by(verification_lists.c.id.desc())
    return [_list(row) for row in tx.run(query).mappings()]


def addresses(
    tx: Tx,
    account_id: AccountId,
    list_id: VerificationListId,
    *,
    place: int = 0,
    limit: int | None = None,
) -> list[Verification]:
    """A list's addresses in their order, from a place on."""
    query = (
        sa.select(verifications)
        .where(*_mine(account_id, list_id), verifications.c.place >= place)
        .order_by(verifications.c.place)
        .limit(limit)
    )
    return [_verification(row) for row in tx.run(query).mappings()]


def due(tx: Tx, now: int, limit: int) -> list[VerificationList]:
    """Lists of all accounts that are to go on, those that wait longest first."""
    query = sa.select(verification_lists).where(verification_lists.c.check_at <= now)
    rows = tx.run(query.order_by(verification_lists.c.check_at).limit(limit)).mappings()
    return [_list(row) for row in rows]


def old(tx: Tx, account_id: AccountId, before: bytes, limit: int) -> list[VerificationListId]:
    """The account's lists that were made before an id."""
    mine = (verification_lists.c.account_id == account_id, verification_lists.c.id < before)
    query = sa.select(verification_lists.c.id).where(*mine).limit(limit)
    return [VerificationListId(one) for one in tx.run(query).scalars()]


def remove(tx: Tx, account_id: AccountId, list_id: VerificationListId) -> None:
    """Forget a list and its addresses."""
    tx.run(sa.delete(verifications).where(*_mine(account_id, list_id)))
    tx.run(sa.delete(verification_lists).where(*_this(account_id, list_id)))


def _this(account_id: AccountId, list_id: VerificationListId) -> tuple[sa.ColumnElement[bool], ...]:
    mine = verification_lists.c
    return mine.account_id == account_id, mine.id == list_id


def _mine(account_id: AccountId, list_id: VerificationListId) -> tuple[sa.ColumnElement[bool], ...]:
    mine = verifications.c
    return mine.account_id == account_id, mine.list_id == list_id


def _list(row: RowMapping) -> VerificationList:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": VerificationListId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
    }
    return VerificationList(**(dict(row) | read))


def _verification(row: RowMapping) -> Verification:
    return Verification(
        id=VerificationId(row["id"]),
        email=row["email"],
        finding=None if row["finding"] is None else _finding(row["finding"]),
        checked_at=row["checked_at"],
    )
