"""What the rest of the product may ask of a database, whatever engine stands behind it."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult
from sqlalchemy.sql import Executable

T = TypeVar("T")

Verb = Callable[["Tx", Sequence[Any]], Sequence[Any]]
"""A vector verb: items of several requests in, one outcome each out. An outcome that is an
exception refuses its own item alone."""


class Tx:
    """One transaction. Its work is a synchronous function: it cannot await, so it cannot
    call the network, and a client that hangs up cannot cut it in half.
    """

    __slots__ = ("_after", "driver", "engine", "sql")

    def __init__(self, sql: Connection, driver: Any, engine: str) -> None:
        """Wrap SQLAlchemy's connection and the driver's own, for hot statements.

        `engine` is SQLAlchemy's name of the engine: `sqlite` or `postgresql`.
        """
        self.sql = sql
        self.driver = driver
        self.engine = engine
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


class Database(Protocol):
    """The durable truth, as the stations see it."""

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a function on a consistent snapshot, in a reader thread."""
        ...

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a function in its own savepoint of the next grouped commit.

        Returns once the commit is fsynced. Raises what the function raised (then nothing of
        it is kept), or AppError UNAVAILABLE when the database cannot commit now.
        """
        ...

    def submit(self, verb: Verb, item: Any, weight: int = 1) -> Future[Any]:
        """Join the next grouped commit with one item of a vector verb.

        The future gives the item's outcome after the fsync. `weight` is about how many rows
        the item brings, to bound the size of one commit.
        """
        ...

    def busy_s(self) -> float:
        """Seconds the writer has worked since the start: work that can wait makes way by it."""
        ...

    def start(self) -> None:
        """Open for work on the running event loop."""
        ...

    async def close(self) -> None:
        """Finish what was submitted, then close."""
        ...
