"""Tables that grow with time, cut into parts by it, so that what is old goes a part at a time.

PostgreSQL drops a part in a moment, whatever is in it; SQLite keeps one table, whose old rows
are deleted one by one.
"""

from __future__ import annotations

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Parted

__all__ = ["Parted", "drop", "make"]


def make(tx: Tx, parted: Parted, now: int) -> None:
    """Make the parts of now (ms) and of the time to come, as far as they are missing."""
    tx.engine.make_parts(tx, parted, now)


def drop(tx: Tx, parted: Parted, before: int) -> int:
    """Drop the parts that lie wholly before a moment (ms).

    Returns the moment up to which rows are left to be deleted one by one, 0 when none are.
    """
    return tx.engine.drop_parts(tx, parted, before)
