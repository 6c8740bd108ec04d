"""Messages that clients have given names to: a name is used once, for ever."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b

from gatepost.base.ids import AccountId, MessageId
from gatepost.domains.outbox.tables import named_messages
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = ("account_id", "name", "message_id")


def hold(tx: Tx, account_id: AccountId, names: Collection[str]) -> dict[str, MessageId]:
    """Which of some names an account has given already; nobody else gives any of them until the
    transaction ends.
    """
    marks = {_mark(one): one for one in names}
    sql.lock(tx, [b"message:" + account_id + mark for mark in sorted(marks)])
    asked = [bytearray(mark) for mark in marks]
    rows = sql.lookup(tx, named_messages, COLUMNS[1:], ("account_id", account_id), "name", asked)
    return {marks[bytes(mark)]: MessageId(bytes(message_id)) for mark, message_id in rows}


def add(tx: Tx, account_id: AccountId, given: Mapping[str, MessageId]) -> None:
    """Give names that are held."""
    rows = [
        (bytearray(account_id), bytearray(_mark(name)), bytearray(message_id))
        for name, message_id in given.items()
    ]
    if rows:
        sql.insert_rows(tx, named_messages, COLUMNS, rows)


def _mark(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()
