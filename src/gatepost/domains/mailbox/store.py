"""Caught mails in the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, DeliveryId, MailId, MessageId, ProjectId
from gatepost.domains.mailbox.model import Mail
from gatepost.domains.mailbox.tables import mailbox
from gatepost.storage.db import Tx

_shown = [column for column in mailbox.c if column.name != "raw"]


def append(tx: Tx, mail: Mail, raw: bytes, bytes_max: int) -> None:
    """Keep one; the account's oldest go where all of them are too large together."""
    tx.run(sa.insert(mailbox).values(msgspec.structs.asdict(mail) | {"raw": raw}))
    over = _bytes(tx, mail.account_id) - bytes_max
    oldest = sa.select(mailbox.c.id, mailbox.c.size).where(mailbox.c.account_id == mail.account_id)
    while over > 0:
        first = tx.run(oldest.order_by(mailbox.c.id).limit(1)).one()
        remove(tx, mail.account_id, MailId(first.id))
        over -= first.size


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    recipient: str | None = None,
    before: bytes | None = None,
    limit: int,
) -> list[Mail]:
    """The account's, newest first."""
    query = sa.select(*_shown).where(mailbox.c.account_id == account_id)
    if project_id is not None:
        query = query.where(mailbox.c.project_id == project_id)
    if recipient is not None:
        query = query.where(mailbox.c.recipient == recipient)
    if before is not None:
        query = query.where(mailbox.c.id < before)
    rows = tx.run(query.order_by(mailbox.c.id.desc()).limit(limit)).mappings()
    return [_mail(row) for row in rows]


def get(tx: Tx, account_id: AccountId, mail_id: MailId) -> tuple[Mail, bytes]:
    """Look one of the account's up, with its text; raises NOT_FOUND."""
    mine = (mailbox.c.account_id == account_id, mailbox.c.id == mail_id)
    row = tx.run(sa.select(mailbox).where(*mine)).mappings().first()
    if row is None:
        raise not_found("mail with this id")
    return _mail({one.name: row[one.name] for one in _shown}), bytes(row["raw"])


def remove(tx: Tx, account_id: AccountId, mail_id: MailId) -> None:
    """Forget one."""
    mine = (mailbox.c.account_id == account_id, mailbox.c.id == mail_id)
    tx.run(sa.delete(mailbox).where(*mine))


def any_before(tx: Tx, account_id: AccountId, before: bytes) -> bool:
    """Whether an account has a mail older than an id."""
    old = (mailbox.c.account_id == account_id, mailbox.c.id < before)
    return tx.run(sa.select(mailbox.c.id).where(*old).limit(1)).first() is not None


def drop_before(tx: Tx, account_id: AccountId, before: bytes) -> int:
    """Delete an account's mails older than an id; returns how many went."""
    old = (mailbox.c.account_id == account_id, mailbox.c.id < before)
    return tx.run(sa.delete(mailbox).where(*old)).rowcount


def _bytes(tx: Tx, account_id: AccountId) -> int:
    total = sa.select(sa.func.coalesce(sa.func.sum(mailbox.c.size), 0))
    return int(tx.run(total.where(mailbox.c.account_id == account_id)).scalar_one())


def _mail(row: RowMapping | dict[str, Any]) -> Mail:
    found = dict(row)
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": MailId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
        "message_id": MessageId(row["message_id"]),
        "delivery_id": DeliveryId(row["delivery_id"]),
    }
    return Mail(**(found | read))
