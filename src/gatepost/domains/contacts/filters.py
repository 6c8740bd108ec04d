"""What a list of contacts or subscribers is narrowed to and sorted by, as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ColumnElement

Value = str | int | bool
Columns = Mapping[str, Column[Any]]
_CAPITALS = re.compile(r"[A-Z]+")


class Term(NamedTuple):
    """One condition on a field: of a text (in any case of ASCII letters), of a moment in ms, or
    of something that is true or false, as the value is.
    """

    field: str
    condition: str
    value: Value


class Sift(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted, which of them come first, and how many. All terms hold, or any where
    `either`. Fields that a list does not have are passed over; without an `order` the newest
    rows come first.
    """

    terms: tuple[Term, ...] = ()
    either: bool = False
    search: str = ""
    order: str = ""
    descending: bool = False
    offset: int = 0
    limit: int


def where(sift: Sift, columns: Columns, searched: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """The conditions of a query. `searched` are fields any of which may hold the text sought."""
    held = [_held(columns[one.field], one) for one in sift.terms if one.field in columns]
    found = [one for one in held if one is not None]
    wanted = [sa.or_(*found) if sift.either else sa.and_(*found)] if found else []
    if sift.search:
        part = folded(sift.search)
        every = (_folding(columns[name]).contains(part, autoescape=True) for name in searched)
        wanted.append(sa.or_(*every))
    return wanted


def order(sift: Sift, columns: Columns, newest: Column[Any]) -> list[ColumnElement[Any]]:
    """How a query is sorted; what is not there comes last."""
    column = columns.get(sift.order)
    if column is None:
        return [newest.desc()]
    way = column.desc() if sift.descending else column.asc()
    return [way.nulls_last(), newest.desc()]


def folded(text: str) -> str:
    """A text with its ASCII letters in lower case, as the databases do it."""
    return _CAPITALS.sub(lambda found: found[0].lower(), text)


def _folding(column: Column[Any]) -> ColumnElement[str]:
    if not column.nullable:
        return column  # an address, which is in its normal form: an index has it
    return sa.func.lower(sa.func.coalesce(column, ""))


def _held(column: Column[Any], term: Term) -> ColumnElement[bool] | None:
    if isinstance(term.value, str):
        make = TEXTS.get(term.condition)
        return None if make is None else make(_folding(column), folded(term.value))
    compare = FLAGS if isinstance(term.value, bool) else MOMENTS
    chosen = compare.get(term.condition)
    return None if chosen is None else chosen(column, term.value)


TEXTS: dict[str, Callable[[Any, str], ColumnElement[bool]]] = {
    "exact": lambda text, value: text == value,
    "not_exact": lambda text, value: text != value,
    "contains": lambda text, value: text.contains(value, autoescape=True),
    "not_contains": lambda text, value: sa.not_(text.contains(value, autoescape=True)),
    "starts_with": lambda text, value: text.startswith(value, autoescape=True),
    "ends_with": lambda text, value: text.endswith(value, autoescape=True),
    "empty": lambda text, _value: text == "",
    "not_empty": lambda text, _value: text != "",
    "gt": lambda text, value: text > value,
    "gte": lambda text, value: text >= value,
    "lt": lambda text, value: text < value,
    "lte": lambda text, value: text <= value,
    "before": lambda text, value: text < value,
    "after": lambda text, value: text > value,
}
FLAGS: dict[str, Callable[[Any, Value], ColumnElement[bool]]] = {
    "exact": lambda column, value: column.is_(value),
    "not_exact": lambda column, value: column.is_(not value),
}
MOMENTS: dict[str, Callable[[Any, Value], ColumnElement[bool]]] = {
    "exact": lambda column, value: column == value,
    "not_exact": lambda column, value: column.is_distinct_from(value),
    "empty": lambda column, _value: column.is_(None),
    "not_empty": lambda column, _value: column.is_not(None),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "before": lambda column, value: column < value,
    "after": lambda column, value: column > value,
}
