"""Tables copied from one database to another, and how it is seen that both hold the same.

Rows go over in chunks. The rows of a chunk and the place reached are committed together, so that
a copy goes on where it was cut off, whenever that was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ColumnElement, LargeBinary, MetaData, Row, Table, Text

from gatepost.storage import sql
from gatepost.storage.db import Tx

CHUNK = 5000
PIECE = 200
"""Rows of one transaction, and those of them that are in memory at once: a row may be large."""

DIGEST_BYTES = 16

# In the target, while a copy is under way.
places = Table(
    "data_moves",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("place", LargeBinary),
    Column("rows", BigInteger, nullable=False),
)


class TableCopy(NamedTuple):
    """What is copied of a table: some columns of some rows.

    `order` names, for each engine, the columns by which it reads: they tell rows apart, and an
    index of the engine's leads with them.
    """

    table: Table
    columns: tuple[str, ...]
    order: Mapping[str, tuple[str, ...]]
    where: ColumnElement[bool]


class Sum(NamedTuple):
    """How many rows there are, and a checksum of them that no order of reading changes."""

    rows: int
    checksum: str


Step = Callable[[int], None]
"""Told how many rows were dealt with since the last time."""


def begin(tx: Tx, copies: Sequence[TableCopy]) -> None:
    """Start at the first row of every table; in the target."""
    places.create(tx.sql)
    rows = [{"name": one.table.name, "place": None, "rows": 0} for one in copies]
    tx.run(sa.insert(places), rows)


def copied(tx: Tx) -> int:
    """How many rows have been copied so far."""
    return int(tx.run(sa.select(sa.func.sum(places.c.rows))).scalar() or 0)


def advance(source: Tx, target: Tx, one: TableCopy) -> int:
    """Copy the next chunk of a table; returns how many rows it had."""
    mine = places.c.name == one.table.name
    found = target.run(sa.select(places.c.place).where(mine).with_for_update()).scalar_one()
    place = None if found is None else msgspec.msgpack.decode(found)
    done, width = 0, len(one.columns)
    for piece in _pieces(source, one, place):
        sql.insert_rows(target, one.table, one.columns, [row[:width] for row in piece])
        place = piece[-1][width:]
        done += len(piece)
    here = {"place": msgspec.msgpack.encode(place), "rows": places.c.rows + done}
    target.run(sa.update(places).where(mine).values(here))
    return done


def finish(tx: Tx) -> None:
    """Forget the places."""
    places.drop(tx.sql)


def count(tx: Tx, one: TableCopy) -> int:
    """How many rows there are to copy."""
    query = sa.select(sa.func.count()).select_from(one.table).where(one.where)
    return int(tx.run(query).scalar_one())


def is_empty(tx: Tx, one: TableCopy) -> bool:
    """Whether there is nothing of what would be copied."""
    query = sa.select(sa.literal(1)).select_from(one.table).where(one.where).limit(1)
    return tx.run(query).first() is None


def add_up(tx: Tx, one: TableCopy, step: Step) -> Sum:
    """Read a table, in a transaction, and add its rows up: each is a number made of a digest."""
    rows, total, width = 0, 0, len(one.columns)
    place: Sequence[Any] | None = None
    while True:
        before = rows
        for piece in _pieces(tx, one, place):
            total += sum(_number(row[:width]) for row in piece)
            place = piece[-1][width:]
            rows += len(piece)
        if rows == before:
            return Sum(rows, f"{total % 256**DIGEST_BYTES:0{2 * DIGEST_BYTES}x}")
        step(rows - before)


def _number(values: Sequence[Any]) -> int:
    digest = blake2b(msgspec.msgpack.encode(values), digest_size=DIGEST_BYTES)
    return int.from_bytes(digest.digest(), "big")


def _pieces(
    tx: Tx, one: TableCopy, place: Sequence[Any] | None
) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """The next chunk after a place, piece by piece: the columns, and then the row's own place."""
    order = [one.table.c[name] for name in one.order[tx.engine.name]]
    columns = [one.table.c[name] for name in one.columns]
    query = sa.select(*columns, *order).where(one.where).order_by(*order).limit(CHUNK)
    if place is not None:
        query = query.where(sa.tuple_(*order) > tuple(place))
    streamed = query.execution_options(stream_results=True, max_row_buffer=PIECE)
    yield from tx.run(streamed).partitions(PIECE)
