"""What the engines of the storage are told about rows, indexes and parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table

Row = Sequence[Any]

PLACE_MAX = 2**63 - 1

Document = tuple[int, Iterable[str]]
"""A place, from 0 to PLACE_MAX, and its terms: words of sixteen hexadecimal digits."""


class Parted(NamedTuple):
    """A table and how it is cut: by which column, how wide, how many parts ahead of time.

    `bound` gives the column's smallest value at a moment (ms). Where `past`, rows may be of any
    time before the first part, which then share one of their own.
    """

    table: str
    column: str
    width_ms: int
    bound: Callable[[int], bytes | int]
    ahead: int
    past: bool


Mark = tuple[bytes, bytes]
"""A scope (an account's or a project's id) and a digest, of 16 bytes each."""


class Digested(NamedTuple):
    """A table, and the two columns of its rows' marks. On SQLite `seq` numbers its rows, and two
    tables beside it hold the index.
    """

    table: Table
    scope: str
    digest: str
