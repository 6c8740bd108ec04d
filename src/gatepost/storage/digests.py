"""Rows that are found by a digest of what a client sent: nearly always there is none.

On PostgreSQL an index has them. On SQLite that index would write a page of the file for every
row, for digests have no order; there it is a log-structured merge tree (docs/decisions/0027): a
table in memory of the newest rows, sorted runs on disk of the others, and a Bloom filter that knows
of nearly every new digest that it is in none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Digested, Mark, Row

__all__ = ["Digested", "Digests", "Mark"]


class Digests:
    """One such table. A mark has one row at most."""

    def __init__(self, shape: Digested) -> None:
        """Name the table and its columns."""
        self._shape = shape

    def add(self, tx: Tx, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Insert rows whose marks are not there. Scope and digest are the first columns."""
        if rows:
            tx.engine.add_digested(tx, self._shape, columns, rows)

    def find(
        self, tx: Tx, columns: tuple[str, ...], marks: Collection[Mark]
    ) -> dict[Mark, tuple[Any, ...]]:
        """Look rows up; those there are not are missing."""
        return tx.engine.find_digested(tx, self._shape, columns, marks) if marks else {}

    def remove(self, tx: Tx, marks: Collection[Mark]) -> None:
        """Delete rows, if they are there."""
        if marks:
            tx.engine.remove_digested(tx, self._shape, marks)
