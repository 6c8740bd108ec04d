"""The writer's side of SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator

import sqlalchemy

from gatepost.storage.db import Tx
from gatepost.storage.sqlite.connection import BUSY_MS
from gatepost.storage.sqlite.digests import DigestIndexes
from gatepost.storage.sqlite.engine import SQLITE


class WriteConnection:
    """The writer's side of SQLite, as the committer drives it."""

    def __init__(
        self, engine: sqlalchemy.Engine, restart: threading.Event, indexes: DigestIndexes
    ) -> None:
        """Open the one connection that writes; `restart` asks it to restart the log."""
        self._sql = engine.connect()
        self._raw: sqlite3.Connection = self._sql.connection.driver_connection  # type: ignore[assignment] # the SQLite driver's own
        self._restart = restart
        self._indexes = indexes
        self._raw.execute("PRAGMA busy_timeout=0")

    def begin(self) -> Tx:
        """Take the write lock now rather than at the first write, as soon as it is free."""
        with self._patience():
            self._raw.execute("BEGIN IMMEDIATE")
        return self._tx()

    def begin_at_once(self) -> Tx | None:
        """Take the write lock if it is free: nothing is waited for."""
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None
        return self._tx()

    def _tx(self) -> Tx:
        return Tx(self._sql, self._raw, SQLITE, memory=self._indexes)

    def commit(self) -> None:
        """Commit and sync."""
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything, if a transaction is open."""
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Mark the place one request starts at."""
        self._raw.execute("SAVEPOINT request")

    def release(self) -> None:
        """Keep what the request did."""
        self._raw.execute("RELEASE request")

    def undo(self) -> None:
        """Drop what the request did."""
        self._raw.execute("ROLLBACK TO request")
        self._raw.execute("RELEASE request")

    @property
    def is_due(self) -> bool:
        """Whether there is something to do between commits, which may take its time."""
        return self._restart.is_set()

    def between(self) -> None:
        """Between commits, restart a log that the checkpointer alone cannot shorten."""
        if self._restart.is_set():
            self._restart.clear()
            with self._patience():
                self._raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def again(self, error: BaseException, tries: int) -> float | None:  # noqa: ARG002 # it meets nobody
        """A single writer has nobody to try again for."""
        return None

    def blameless(self, error: BaseException) -> bool:  # noqa: ARG002 # it is always there
        """A file is not away."""
        return False

    def busy(self, error: BaseException) -> bool:
        """Tell trouble of the moment (locked, full, I/O) from a fault of ours."""
        cause = getattr(error, "orig", error)
        return isinstance(cause, sqlite3.OperationalError) and not str(cause).startswith("no such")

    def close(self) -> None:
        """Fold the log into the database and close."""
        with contextlib.suppress(sqlite3.OperationalError), self._patience():
            self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._sql.close()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """Wait for others; what is done in the event loop must not."""
        self._raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        try:
            yield
        finally:
            self._raw.execute("PRAGMA busy_timeout=0")
