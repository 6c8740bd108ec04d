"""Attachments in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from gatepost.base.ids import AccountId, AttachmentId, MessageId
from gatepost.domains.attachments.tables import attachments
from gatepost.storage.db import Tx


def add(
    tx: Tx, account_id: AccountId, message_id: MessageId, files: Mapping[AttachmentId, bytes]
) -> None:
    """Keep those of a message."""
    rows = [
        {"account_id": account_id, "id": one, "message_id": message_id, "content": content}
        for one, content in files.items()
    ]
    if rows:
        tx.run(sa.insert(attachments), rows)


def of_message(tx: Tx, account_id: AccountId, message_id: MessageId) -> dict[AttachmentId, bytes]:
    """The contents of a message's."""
    mine = (attachments.c.account_id == account_id, attachments.c.message_id == message_id)
    rows = tx.run(sa.select(attachments.c.id, attachments.c.content).where(*mine))
    return {AttachmentId(row.id): bytes(row.content) for row in rows}


def messages(tx: Tx, account_id: AccountId, after: MessageId | None, limit: int) -> list[MessageId]:
    """The account's messages that have some, oldest first."""
    query = sa.select(attachments.c.message_id).distinct()
    query = query.where(attachments.c.account_id == account_id)
    if after is not None:
        query = query.where(attachments.c.message_id > after)
    rows = tx.run(query.order_by(attachments.c.message_id).limit(limit))
    return [MessageId(row.message_id) for row in rows]


def remove(tx: Tx, account_id: AccountId, message_ids: Sequence[MessageId]) -> None:
    """Forget those of some messages."""
    mine = (attachments.c.account_id == account_id, attachments.c.message_id.in_(message_ids))
    tx.run(sa.delete(attachments).where(*mine))
