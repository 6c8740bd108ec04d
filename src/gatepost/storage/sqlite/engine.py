"""What is SQLite's own among the statements of the stores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import sqlite

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Digested, Document, Mark, Parted, Row
from gatepost.storage.sqlite.digests import ENTRY_COLUMNS, DigestIndex

FEW = 64
MANY = 512


class SqliteEngine:
    """The Engine protocol. With a single writer nothing is ever waited for."""

    name = "sqlite"

    def insert(self, table: Table) -> sqlite.Insert:
        return sqlite.insert(table)

    def insert_rows(
        self, tx: Tx, table: Table | str, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """Each size has a statement of its own: prepared once, it is run once per group, and each
        run is one chance less for the threads to get into each other's way.
        """
        for chunk in _chunks(rows):
            text = _insert_text(str(table), columns, len(chunk))
            tx.driver.execute(text, list(chain.from_iterable(chunk)))

    insert_arriving = insert_rows
    """AUTOINCREMENT numbers the rows."""

    def mend_arrivals(self, tx: Tx, table: Table) -> None:
        """The numbers live in the file itself."""

    def add_rows(
        self,
        tx: Tx,
        table: Table,
        keys: tuple[str, ...],
        sums: tuple[str, ...],
        rows: Sequence[Row],
    ) -> None:
        clause = _add_clause(table.name, keys, sums)
        for chunk in _chunks(rows):
            text = _insert_text(table.name, keys + sums, len(chunk)) + clause
            tx.driver.execute(text, list(chain.from_iterable(chunk)))

    def lookup(
        self,
        tx: Tx,
        table: Table,
        columns: tuple[str, ...],
        where: tuple[str, Any],
        key: str,
        values: Sequence[Any],
    ) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        scope, value = where
        for chunk in _chunks(values):
            text = _lookup_text(table.name, columns, scope, key, len(chunk))
            found += tx.driver.execute(text, [value, *chunk]).fetchall()
        return found

    def within(
        self,
        tx: Tx,
        table: Table,
        columns: tuple[str, ...],
        where: tuple[str, Any],
        key: str,
        bounds: Iterable[tuple[Any, Any]],
    ) -> Iterator[tuple[Any, ...]]:
        scope, value = where
        names = ",".join(columns)
        text = f"SELECT {names} FROM {table.name} WHERE {scope}=? AND {key} BETWEEN ? AND ?"
        for low, high in bounds:
            yield from tx.driver.execute(text, (value, low, high))

    def lock(self, tx: Tx, names: Iterable[bytes]) -> None:
        """Nobody else writes."""

    def try_lock(self, tx: Tx, name: bytes) -> bool:  # noqa: ARG002 # nobody else writes
        return True

    def settled(self, arrival: ColumnElement[int]) -> ColumnElement[bool]:  # noqa: ARG002 # all is
        return sa.true()

    def holds(self, column: ColumnElement[Any], part: bytes) -> ColumnElement[bool]:
        return sa.func.instr(column, part) > 0

    def enter(self, tx: Tx, index: str, documents: Iterable[Document]) -> None:
        rows = [(place, " ".join(terms)) for place, terms in sorted(documents)]
        self.insert_rows(tx, index, ("rowid", "terms"), rows)

    def withdraw(self, tx: Tx, index: str, documents: Iterable[Document]) -> None:
        rows = [("delete", place, " ".join(terms)) for place, terms in sorted(documents)]
        self.insert_rows(tx, index, (index, "rowid", "terms"), rows)

    def withdraw_term(self, tx: Tx, index: str, places: Sequence[int], term: str) -> None:
        self.withdraw(tx, index, [(place, (term,)) for place in places])
        self.enter(tx, index, [(place, ()) for place in places])  # FTS5 counts its rows

    def places(
        self,
        tx: Tx,
        index: str,
        choices: Sequence[Sequence[str]],
        limit: int,
        bounds: tuple[int, int],
    ) -> list[int]:
        each = ("(" + " OR ".join(f'"{term}"' for term in choice) + ")" for choice in choices)
        asked = (" AND ".join(each), *bounds, limit)
        return [place for (place,) in tx.driver.execute(_places_text(index), asked)]

    def add_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        index = _index(tx, shape)
        index.attend(tx)
        self.insert_rows(tx, shape.table, columns, rows)
        index.note(tx, [bytes(digest + scope) for scope, digest, *_ in rows])
        self.insert_rows(tx, index.entry_table, ENTRY_COLUMNS, index.flush(tx, len(rows)))

    def find_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], marks: Collection[Mark]
    ) -> dict[Mark, tuple[Any, ...]]:
        found = self._rows(tx, shape, columns, marks)
        return {mark: row for _, mark, row in found}

    def remove_digested(self, tx: Tx, shape: Digested, marks: Collection[Mark]) -> None:
        gone = [(seq,) for seq, _, _ in self._rows(tx, shape, (), marks)]
        tx.driver.executemany(f"DELETE FROM {shape.table.name} WHERE seq=?", gone)

    def _rows(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], marks: Collection[Mark]
    ) -> list[tuple[int, Mark, tuple[Any, ...]]]:
        """The rows that the index leads to, as far as they are those that are meant."""
        index, wanted = _index(tx, shape), set(marks)
        index.follow(tx)
        names = ("seq", shape.scope, shape.digest, *columns)
        rows = [
            row
            for chunk in _chunks(index.places(tx, wanted))
            for row in tx.driver.execute(_rows_text(shape.table.name, names, len(chunk)), chunk)
        ]
        return [(row[0], row[1:3], row[3:]) for row in rows if row[1:3] in wanted]

    def make_parts(self, tx: Tx, parted: Parted, now: int) -> None:
        """A table is never cut."""

    def drop_parts(self, tx: Tx, parted: Parted, before: int) -> int:  # noqa: ARG002 # never cut
        return before


SQLITE = SqliteEngine()


def terms_ddl(index: str) -> str:
    """The statement that makes an index of terms."""
    options = "content='', detail=none, columnsize=0, tokenize='ascii'"
    return f"CREATE VIRTUAL TABLE {index} USING fts5(terms, {options})"


def _index(tx: Tx, shape: Digested) -> DigestIndex:
    index: DigestIndex = tx.memory.of(shape)
    return index


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    at, left = 0, len(rows)
    while left:
        size = MANY if left >= MANY else min(left, FEW)
        yield rows[at : at + size]
        at, left = at + size, left - size


@lru_cache(maxsize=512)
def _insert_text(table: str, columns: tuple[str, ...], count: int) -> str:
    row = "(" + ",".join("?" * len(columns)) + ")"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([row] * count)}"


@lru_cache(maxsize=64)
def _add_clause(table: str, keys: tuple[str, ...], sums: tuple[str, ...]) -> str:
    changes = ",".join(f"{name}={table}.{name}+excluded.{name}" for name in sums)
    return f" ON CONFLICT ({','.join(keys)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=256)
def _lookup_text(table: str, columns: tuple[str, ...], scope: str, key: str, count: int) -> str:
    marks = ",".join("?" * count)
    return f"SELECT {','.join(columns)} FROM {table} WHERE {scope}=? AND {key} IN ({marks})"


@lru_cache(maxsize=256)
def _rows_text(table: str, columns: tuple[str, ...], count: int) -> str:
    return f"SELECT {','.join(columns)} FROM {table} WHERE seq IN ({','.join('?' * count)})"


def _places_text(index: str) -> str:
    return (
        f"SELECT rowid FROM {index} WHERE {index} MATCH ? AND rowid BETWEEN ? AND ?"
        " ORDER BY rowid DESC LIMIT ?"
    )
