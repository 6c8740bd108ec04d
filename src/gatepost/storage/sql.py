"""Hot statements and upserts, written once for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Table

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Row


def insert_rows(tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert plain tuples with as few statements as possible."""
    if rows:
        tx.engine.insert_rows(tx, table, columns, rows)


def insert_arriving(tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows numbered by their arrival, in a column `seq` that is not among `columns`.

    Numbers grow with time, with gaps, and are never used twice. See `settled`.
    """
    if rows:
        tx.engine.insert_arriving(tx, table, columns, rows)


def mend_arrivals(tx: Tx, table: Table) -> None:
    """See that the next arrival is numbered above every row: a copy of a database may have come
    to a server that has counted less far.
    """
    tx.engine.mend_arrivals(tx, table)


def add_rows(
    tx: Tx, table: Table, keys: tuple[str, ...], sums: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Insert counters, or add to those that stand. Columns come as keys, then sums.

    No two rows of one call may have the same key. Sort them: that is the order of their locks.
    """
    if rows:
        tx.engine.add_rows(tx, table, keys, sums, rows)


def lookup(
    tx: Tx,
    table: Table,
    columns: tuple[str, ...],
    where: tuple[str, Any],
    key: str,
    values: Sequence[Any],
) -> list[tuple[Any, ...]]:
    """Select the rows of one scope (account, project) whose key is among the values.

    `where` names the scope's column and its value.
    """
    return tx.engine.lookup(tx, table, columns, where, key, values) if values else []


def within(
    tx: Tx,
    table: Table,
    columns: tuple[str, ...],
    where: tuple[str, Any],
    key: str,
    bounds: Iterable[tuple[Any, Any]],
) -> Iterator[tuple[Any, ...]]:
    """Select the rows of one scope whose key lies between bounds, both inclusive, one pair after
    the other. Values come as the driver has them.
    """
    return tx.engine.within(tx, table, columns, where, key, bounds)


def insert_new(tx: Tx, table: Table, values: Mapping[str, Any], conflict: Sequence[str]) -> bool:
    """Insert one row unless its key stands already; say whether it was new."""
    statement = (
        tx.engine.insert(table)
        .values(values)
        .on_conflict_do_nothing(index_elements=list(conflict))
        .returning(table.c[conflict[0]])
    )
    return tx.run(statement).first() is not None


def upsert(tx: Tx, table: Table, values: Mapping[str, Any], conflict: Sequence[str]) -> None:
    """Insert one row, or overwrite every other column of the one that stands."""
    changes = {name: value for name, value in values.items() if name not in conflict}
    statement = tx.engine.insert(table).values(values)
    tx.run(statement.on_conflict_do_update(index_elements=list(conflict), set_=changes))


def lock(tx: Tx, names: Iterable[bytes]) -> None:
    """Hold names until the transaction ends; whoever else wants one of them waits.

    What is read after it is what the last holder left behind. Lock all names of a kind at once:
    they are taken in one order, so that no two transactions wait for each other. Between
    several kinds the order is that of docs/decisions/0010.
    """
    tx.engine.lock(tx, names)


def try_lock(tx: Tx, name: bytes) -> bool:
    """Hold a name until the transaction ends, unless somebody holds it already."""
    return tx.engine.try_lock(tx, name)


def settled(tx: Tx, arrival: Column[int]) -> ColumnElement[bool]:
    """Whether no row with a smaller number can appear any more.

    Where several transactions write at once, a row may be committed before another one that
    arrived earlier: who reads on from a number must not read beyond what is settled.
    """
    return tx.engine.settled(arrival)


def holds(tx: Tx, column: Column[Any], part: bytes) -> ColumnElement[bool]:
    """Whether a column of bytes holds some bytes."""
    return tx.engine.holds(column, part)
