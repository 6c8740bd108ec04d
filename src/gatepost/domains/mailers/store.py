"""Mailers in the database."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, MailerId
from gatepost.domains.mailers.model import Mailer, MailerKind, Tls
from gatepost.domains.mailers.tables import mailers
from gatepost.storage.db import Tx


def add(tx: Tx, mailer: Mailer) -> None:
    """Keep a new one."""
    tx.run(sa.insert(mailers).values(msgspec.structs.asdict(mailer)))


def save(tx: Tx, mailer: Mailer) -> None:
    """Write one back."""
    mine = (mailers.c.account_id == mailer.account_id, mailers.c.id == mailer.id)
    tx.run(sa.update(mailers).where(*mine).values(msgspec.structs.asdict(mailer)))


def get(tx: Tx, account_id: AccountId, mailer_id: MailerId) -> Mailer:
    """Look one of the account's up; raises NOT_FOUND."""
    mine = (mailers.c.account_id == account_id, mailers.c.id == mailer_id)
    row = tx.run(sa.select(mailers).where(*mine)).mappings().first()
    if row is None:
        raise not_found("mailer with this id")
    return _mailer(row)


def list_(tx: Tx, account_id: AccountId) -> list[Mailer]:
    """All of the account's, in the order in which they are asked; there are few."""
    query = sa.select(mailers).where(mailers.c.account_id == account_id)
    rows = tx.run(query.order_by(mailers.c.priority, mailers.c.id)).mappings()
    return [_mailer(row) for row in rows]


def remove(tx: Tx, account_id: AccountId, mailer_id: MailerId) -> None:
    """Forget one."""
    mine = (mailers.c.account_id == account_id, mailers.c.id == mailer_id)
    tx.run(sa.delete(mailers).where(*mine))


def _mailer(row: RowMapping) -> Mailer:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": MailerId(row["id"]),
        "kind": MailerKind(row["kind"]),
        "tls": Tls(row["tls"]),
        "enabled": bool(row["enabled"]),
        "any_sender": bool(row["any_sender"]),
    }
    return Mailer(**(dict(row) | read))
