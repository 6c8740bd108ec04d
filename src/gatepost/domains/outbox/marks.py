"""How far things have been told: events in the order of their arrival, ends of keys by time."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.domains.outbox.tables import outbox_marks
from gatepost.storage import sql
from gatepost.storage.db import Tx

EVENTS = "events"
KEYS = "keys"


def reached(tx: Tx, name: str = EVENTS) -> int | None:
    """The place in the order of arrival up to which all has been told, or the moment (ms); None
    before the first.
    """
    query = sa.select(outbox_marks.c.seq).where(outbox_marks.c.name == name)
    return tx.run(query).scalar()


def reach(tx: Tx, seq: int, name: str = EVENTS) -> None:
    """Note that all up to a place has been told."""
    sql.upsert(tx, outbox_marks, {"name": name, "seq": seq}, ["name"])


def forget(tx: Tx) -> None:
    """Forget all of it: what was told was of another database."""
    tx.run(sa.delete(outbox_marks))
