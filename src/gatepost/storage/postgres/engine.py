"""What is PostgreSQL's own among the statements of the stores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql

from gatepost.storage.db import Tx
from gatepost.storage.postgres import parts, terms
from gatepost.storage.shapes import Digested, Document, Mark, Parted, Row

ROWS_BITS = 20
TYPES = {
    sa.BigInteger: "int8",
    sa.SmallInteger: "int2",
    sa.Integer: "int4",
    sa.Boolean: "bool",
    sa.LargeBinary: "bytea",
    sa.Text: "text",
}


class PostgresEngine:
    """The Engine protocol. Rows go in by COPY: it costs the client least by far."""

    name = "postgresql"

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.insert(table)

    def insert_rows(
        self, tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        types = _types(table, columns)
        with tx.driver.cursor().copy(_copy_text(table.name, columns)) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def insert_arriving(
        self, tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """The transaction's own number, shifted, leads: see `settled`."""
        numbered = [(seq, *row) for seq, row in zip(count(tx.arrival), rows, strict=False)]
        tx.arrival += len(rows)
        self.insert_rows(tx, table, ("seq", *columns), numbered)

    def mend_arrivals(self, tx: Tx, table: Table) -> None:
        self.lock(tx, [b"arrival epoch"])
        next_one = "gatepost_arrival(pg_snapshot_xmax(pg_current_snapshot()))"
        text = f"SELECT max(seq), {next_one} FROM {table.name}"
        last, coming = tx.driver.execute(text).fetchone()
        if last is not None and last >= coming:
            ahead = "UPDATE installation SET value = value::bigint + %s WHERE name = %s"
            tx.driver.execute(ahead, ((last - coming >> ROWS_BITS) + 1, "arrival epoch"))

    def add_rows(
        self,
        tx: Tx,
        table: Table,
        keys: tuple[str, ...],
        sums: tuple[str, ...],
        rows: Sequence[Row],
    ) -> None:
        text = _add_text(table.name, keys, sums, len(rows))
        tx.driver.execute(text, [value for row in rows for value in row])

    def lookup(
        self,
        tx: Tx,
        table: Table,
        columns: tuple[str, ...],
        where: tuple[str, Any],
        key: str,
        values: Sequence[Any],
    ) -> list[tuple[Any, ...]]:
        scope, value = where
        text = _lookup_text(table.name, columns, scope, key)
        found: list[tuple[Any, ...]] = tx.driver.execute(text, (value, list(values))).fetchall()
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
        names = ",".join(f"found.{name}" for name in columns)
        text = (
            f"SELECT {names} FROM unnest(%s::bytea[], %s::bytea[])"
            " WITH ORDINALITY AS b (low, high, n)"
            f" CROSS JOIN LATERAL (SELECT * FROM {table.name}"
            f" WHERE {scope} = %s AND {key} BETWEEN b.low AND b.high) found ORDER BY b.n"
        )
        lows, highs = [], []
        for low, high in bounds:
            lows.append(low)
            highs.append(high)
        yield from tx.driver.execute(text, (lows, highs, value))

    def lock(self, tx: Tx, names: Iterable[bytes]) -> None:
        numbers = sorted({_number(name) for name in names})
        if numbers:
            text = "SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n"
            tx.driver.execute(text, (numbers,))

    def try_lock(self, tx: Tx, name: bytes) -> bool:
        text = "SELECT pg_try_advisory_xact_lock(%s::bigint)"
        (held,) = tx.driver.execute(text, (_number(name),)).fetchone()
        return bool(held)

    def settled(self, arrival: ColumnElement[int]) -> ColumnElement[bool]:
        """Numbers start with that of the transaction, and no transaction is still at work whose
        number is below the least of those that are.
        """
        return arrival < sa.func.gatepost_horizon()

    def holds(self, column: ColumnElement[Any], part: bytes) -> ColumnElement[bool]:
        return sa.func.position(sa.literal(part, sa.LargeBinary).op("IN")(column)) > 0

    def enter(self, tx: Tx, index: str, documents: Iterable[Document]) -> None:
        terms.enter(tx, index, documents)

    def withdraw(self, tx: Tx, index: str, documents: Iterable[Document]) -> None:
        terms.withdraw(tx, index, documents)

    def withdraw_term(self, tx: Tx, index: str, places: Sequence[int], term: str) -> None:
        terms.withdraw(tx, index, [(place, (term,)) for place in places])

    def places(
        self,
        tx: Tx,
        index: str,
        choices: Sequence[Sequence[str]],
        limit: int,
        bounds: tuple[int, int],
    ) -> list[int]:
        return terms.find(tx, index, choices, limit, bounds)

    def add_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """The unique index refuses a mark that is there."""
        self.insert_rows(tx, shape.table, columns, rows)

    def find_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], marks: Collection[Mark]
    ) -> dict[Mark, tuple[Any, ...]]:
        return {
            (scope, row[0]): row[1:]
            for scope, digests in _by_scope(marks).items()
            for row in self.lookup(
                tx,
                shape.table,
                (shape.digest, *columns),
                (shape.scope, scope),
                shape.digest,
                digests,
            )
        }

    def remove_digested(self, tx: Tx, shape: Digested, marks: Collection[Mark]) -> None:
        where = f"{shape.scope}=%s AND {shape.digest} = ANY(%s)"
        for scope, digests in _by_scope(marks).items():
            tx.driver.execute(f"DELETE FROM {shape.table.name} WHERE {where}", (scope, digests))

    def make_parts(self, tx: Tx, parted: Parted, now: int) -> None:
        parts.make(tx, parted, now)

    def drop_parts(self, tx: Tx, parted: Parted, before: int) -> int:
        return parts.drop(tx, parted, before)


POSTGRES = PostgresEngine()


def _number(name: bytes) -> int:
    """An advisory lock has a number of 64 bits."""
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)


def _by_scope(marks: Iterable[Mark]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for scope, digest in marks:
        found.setdefault(scope, []).append(digest)
    return found


@lru_cache(maxsize=256)
def _types(table: Table, columns: tuple[str, ...]) -> list[str]:
    return [
        next(name for kind, name in TYPES.items() if isinstance(table.c[column].type, kind))
        for column in columns
    ]


@lru_cache(maxsize=256)
def _copy_text(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({','.join(columns)}) FROM STDIN (FORMAT BINARY)"


@lru_cache(maxsize=256)
def _add_text(table: str, keys: tuple[str, ...], sums: tuple[str, ...], rows: int) -> str:
    row = "(" + ",".join(["%s"] * len(keys + sums)) + ")"
    changes = ",".join(f"{name}={table}.{name}+excluded.{name}" for name in sums)
    return (
        f"INSERT INTO {table} ({','.join(keys + sums)}) VALUES {','.join([row] * rows)}"
        f" ON CONFLICT ({','.join(keys)}) DO UPDATE SET {changes}"
    )


@lru_cache(maxsize=256)
def _lookup_text(table: str, columns: tuple[str, ...], scope: str, key: str) -> str:
    wanted = ",".join(f'"{name}"' for name in columns)  # some are words of SQL's own
    return f"SELECT {wanted} FROM {table} WHERE {scope}=%s AND {key} = ANY(%s)"
