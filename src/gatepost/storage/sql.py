"""What differs from one SQL engine to the other: hot statements and upserts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from gatepost.storage.db import Tx

Row = Sequence[Any]
FEW = 64
MANY = 512


def insert_rows(tx: Tx, table: Table | str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert plain tuples with as few statements as possible.

    Each size has a statement of its own: prepared once, it is run once per group, and each run
    is one chance less for the threads to get into each other's way.
    """
    for chunk in _chunks(rows):
        text = _insert_text(tx.engine, str(table), columns, len(chunk))
        tx.driver.execute(text, list(chain.from_iterable(chunk)))


def add_rows(
    tx: Tx, table: Table, keys: tuple[str, ...], sums: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Insert counters, or add to those that stand. Columns come as keys, then sums.

    Two rows with the same key in one call are an error on some engines: add them up first.
    """
    clause = _add_clause(table.name, keys, sums)
    for chunk in _chunks(rows):
        text = _insert_text(tx.engine, table.name, keys + sums, len(chunk)) + clause
        tx.driver.execute(text, list(chain.from_iterable(chunk)))


def lookup(
    tx: Tx,
    table: Table,
    columns: tuple[str, ...],
    scope: str,
    scope_value: Any,
    key: str,
    values: Sequence[Any],
) -> list[tuple[Any, ...]]:
    """Select the rows of one scope (account, project) whose key is among the values."""
    found: list[tuple[Any, ...]] = []
    for chunk in _chunks(values):
        text = _lookup_text(tx.engine, table.name, columns, scope, key, len(chunk))
        found += tx.driver.execute(text, [scope_value, *chunk]).fetchall()
    return found


def within(
    tx: Tx,
    table: Table,
    columns: tuple[str, ...],
    scope: str,
    scope_value: Any,
    key: str,
    bounds: Iterable[tuple[Any, Any]],
) -> Iterator[tuple[Any, ...]]:
    """Select the rows of one scope whose key lies between bounds, both inclusive, one pair after
    the other. Values come as the driver has them.
    """
    mark = _mark(tx.engine)
    text = (
        f"SELECT {','.join(columns)} FROM {table.name}"  # names are our own
        f" WHERE {scope}={mark} AND {key} BETWEEN {mark} AND {mark}"
    )
    for low, high in bounds:
        yield from tx.driver.execute(text, (scope_value, low, high))


def insert_new(tx: Tx, table: Table, values: Mapping[str, Any], conflict: Sequence[str]) -> bool:
    """Insert one row unless its key stands already; say whether it was new."""
    insert = sqlite.insert if tx.engine == "sqlite" else postgresql.insert
    statement = (
        insert(table)
        .values(values)
        .on_conflict_do_nothing(index_elements=list(conflict))
        .returning(table.c[conflict[0]])
    )
    return tx.run(statement).first() is not None


def upsert(tx: Tx, table: Table, values: Mapping[str, Any], conflict: Sequence[str]) -> None:
    """Insert one row, or overwrite every other column of the one that stands."""
    insert = sqlite.insert if tx.engine == "sqlite" else postgresql.insert
    changes = {name: value for name, value in values.items() if name not in conflict}
    statement = insert(table).values(values)
    tx.run(statement.on_conflict_do_update(index_elements=list(conflict), set_=changes))


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    at, left = 0, len(rows)
    while left:
        size = MANY if left >= MANY else min(left, FEW)
        yield rows[at : at + size]
        at, left = at + size, left - size


def _mark(engine: str) -> str:
    return "?" if engine == "sqlite" else "%s"


@lru_cache(maxsize=512)
def _insert_text(engine: str, table: str, columns: tuple[str, ...], count: int) -> str:
    row = "(" + ",".join([_mark(engine)] * len(columns)) + ")"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([row] * count)}"


@lru_cache(maxsize=64)
def _add_clause(table: str, keys: tuple[str, ...], sums: tuple[str, ...]) -> str:
    changes = ",".join(f"{name}={table}.{name}+excluded.{name}" for name in sums)
    return f" ON CONFLICT ({','.join(keys)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=256)
def _lookup_text(
    engine: str, table: str, columns: tuple[str, ...], scope: str, key: str, count: int
) -> str:
    mark = _mark(engine)
    marks = ",".join([mark] * count)
    return f"SELECT {','.join(columns)} FROM {table} WHERE {scope}={mark} AND {key} IN ({marks})"
