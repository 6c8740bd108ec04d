"""What the rest of the product may ask of a database, whatever engine stands behind it."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, CursorResult, Table
from sqlalchemy.sql import Executable

from gatepost.storage.shapes import Digested, Document, Mark, Parted, Row

T = TypeVar("T")

Verb = Callable[["Tx", Sequence[Any]], Sequence[Any]]
"""A vector verb: items of several requests in, one outcome each out. An outcome that is an
exception refuses its own item alone. It may be run again when the database asks for it."""


class NotDurable(Exception):  # noqa: N818 # it names a state, as the message does
    """The engine would not promise what Gatepost promises, so Gatepost does not start."""


class Tx:
    """One transaction. Its work is a synchronous function: it cannot await, so it cannot
    call the network, and a client that hangs up cannot cut it in half.
    """

    __slots__ = ("_after", "arrival", "driver", "engine", "memory", "sql")

    def __init__(
        self, sql: Connection, driver: Any, engine: Engine, arrival: int = 0, memory: Any = None
    ) -> None:
        """Wrap SQLAlchemy's connection and the driver's own, for hot statements.

        `arrival` is the number of the next row to arrive, where the engine counts them itself;
        `memory` is what it knows from one transaction that writes to the next.
        """
        self.sql = sql
        self.driver = driver
        self.engine = engine
        self.arrival = arrival
        self.memory = memory
        self._after: list[Callable[[], None]] = []

    def run(self, statement: Executable, params: Any = None) -> CursorResult[Any]:
        """Execute a Core statement."""
        return self.sql.execute(statement, params)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back on the event loop once the commit is durable, before anyone is answered."""
        self._after.append(callback)

    def hooks(self) -> list[Callable[[], None]]:
        """The callbacks asked for so far (the committer's own list)."""
        return self._after


class Engine(Protocol):
    """One SQL engine. `sql.py`, `postings.py`, `digests.py` and `parts.py` say what each of
    these does.
    """

    @property
    def name(self) -> str:
        """SQLAlchemy's name of it: `sqlite` or `postgresql`."""
        ...

    def insert(self, table: Table) -> Any: ...
    def insert_rows(
        self, tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None: ...
    def insert_arriving(
        self, tx: Tx, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None: ...
    def mend_arrivals(self, tx: Tx, table: Table) -> None: ...
    def add_rows(
        self,
        tx: Tx,
        table: Table,
        keys: tuple[str, ...],
        sums: tuple[str, ...],
        rows: Sequence[Row],
    ) -> None: ...
    def lookup(
        self,
        tx: Tx,
        table: Table,
        columns: tuple[str, ...],
        where: tuple[str, Any],
        key: str,
        values: Sequence[Any],
    ) -> list[tuple[Any, ...]]: ...
    def within(
        self,
        tx: Tx,
        table: Table,
        columns: tuple[str, ...],
        where: tuple[str, Any],
        key: str,
        bounds: Iterable[tuple[Any, Any]],
    ) -> Iterator[tuple[Any, ...]]: ...
    def lock(self, tx: Tx, names: Iterable[bytes]) -> None: ...
    def try_lock(self, tx: Tx, name: bytes) -> bool: ...
    def settled(self, arrival: ColumnElement[int]) -> ColumnElement[bool]: ...
    def holds(self, column: ColumnElement[Any], part: bytes) -> ColumnElement[bool]: ...

    def enter(self, tx: Tx, index: str, documents: Iterable[Document]) -> None: ...
    def withdraw(self, tx: Tx, index: str, documents: Iterable[Document]) -> None: ...
    def withdraw_term(self, tx: Tx, index: str, places: Sequence[int], term: str) -> None: ...
    def places(
        self,
        tx: Tx,
        index: str,
        choices: Sequence[Sequence[str]],
        limit: int,
        bounds: tuple[int, int],
    ) -> list[int]: ...

    def add_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None: ...
    def find_digested(
        self, tx: Tx, shape: Digested, columns: tuple[str, ...], marks: Collection[Mark]
    ) -> dict[Mark, tuple[Any, ...]]: ...
    def remove_digested(self, tx: Tx, shape: Digested, marks: Collection[Mark]) -> None: ...

    def make_parts(self, tx: Tx, parted: Parted, now: int) -> None: ...
    def drop_parts(self, tx: Tx, parted: Parted, before: int) -> int: ...


class Database(Protocol):
    """The durable truth, as the stations see it."""

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a function on a consistent snapshot, in a reader thread; it may run twice.

        Raises AppError UNAVAILABLE when the database cannot answer now.
        """
        ...

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a function as a transaction of its own, or in its own savepoint of a grouped one.

        Returns once the commit is fsynced. It may run several times before that. Raises what
        the function raised (then nothing of it is kept), or AppError UNAVAILABLE when the
        database cannot commit now.
        """
        ...

    def submit(self, verb: Verb, item: Any, weight: int = 1, *, light: bool = False) -> Future[Any]:
        """Join the next grouped commit with one item of a vector verb.

        The future gives the item's outcome after the fsync. `weight` is about how many rows
        the item brings, to bound the size of one commit. A `light` item brings few, and asks for
        little work beside: it may be done in the event loop.
        """
        ...

    def busy_s(self) -> float:
        """Seconds the writers have worked since the start, each on average: work that can wait
        makes way by it.
        """
        ...

    def start(self) -> None:
        """Open for work on the running event loop."""
        ...

    async def close(self) -> None:
        """Finish what was submitted, then close."""
        ...
