"""SQLite's side of the Backend protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatepost.base.config import Settings
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Tx
from gatepost.storage.sqlite.connection import engine_of
from gatepost.storage.sqlite.database import SqliteDatabase
from gatepost.storage.sqlite.digests import DigestIndexes
from gatepost.storage.sqlite.engine import SQLITE

PATIENCE_MS = 30_000


class SqliteBackend:
    """A file in the data folder, served by one process."""

    shared = False

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self.path = path
        self.engine = engine_of(path)
        self.shown = str(path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def check(self) -> None:
        """Every connection looks for itself."""

    def database(self, metrics: Metrics, settings: Settings) -> SqliteDatabase:
        """Open it for a service."""
        return SqliteDatabase(self.path, metrics, settings.readers)

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction. A busy server leaves short gaps between its commits: this waits for
        one longer than the server would.
        """
        with self._transaction("BEGIN IMMEDIATE") as tx:
            yield tx

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """One snapshot."""
        with self._transaction("BEGIN") as tx:
            yield tx

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Tx]:
        with self.engine.connect() as sql:
            raw: Any = sql.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
            raw.execute(begin)
            try:
                yield Tx(sql, raw, SQLITE, memory=DigestIndexes())
            except BaseException:
                raw.execute("ROLLBACK")
                raise
            raw.execute("COMMIT")
