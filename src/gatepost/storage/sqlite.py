"""SQLite: WAL, a sync at every commit, one writer, several readers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from asyncio import Future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy.pool import NullPool

from gatepost.base.durable import sync_folder
from gatepost.base.metrics import Metrics
from gatepost.storage.committer import Committer
from gatepost.storage.db import Tx, Verb

T = TypeVar("T")

BUSY_MS = 5000
CHECKPOINT_EVERY_S = 0.25
CHECKPOINT_BYTES = 4 * 1024 * 1024
RESTART_PAGES = 16 * 1024
STATEMENTS_CACHED = 1024


class NotDurable(Exception):  # noqa: N818 # it names a state, as the message does
    """SQLite would not promise what Gatepost promises, so Gatepost does not start."""


def engine_of(path: Path) -> sqlalchemy.Engine:
    """Return an engine whose connections carry the settings an acknowledgement relies on."""
    engine = sqlalchemy.create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "cached_statements": STATEMENTS_CACHED},
    )
    sqlalchemy.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(raw: sqlite3.Connection, _record: object) -> None:
    raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    (journal,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA fullfsync=ON")
    raw.execute("PRAGMA foreign_keys=ON")
    raw.execute("PRAGMA temp_store=MEMORY")
    raw.execute("PRAGMA cache_size=-32768")
    raw.execute("PRAGMA wal_autocheckpoint=0")
    (synchronous,) = raw.execute("PRAGMA synchronous").fetchone()
    if (journal, synchronous) != ("wal", 2):
        message = f"SQLite gave journal_mode={journal}, synchronous={synchronous}"
        raise NotDurable(message)


class WriteConnection:
    """The writer's side of SQLite, as the committer drives it."""

    def __init__(self, engine: sqlalchemy.Engine, restart: threading.Event) -> None:
        """Open the one connection that writes; `restart` asks it to restart the log."""
        self._sql = engine.connect()
        self._raw: sqlite3.Connection = self._sql.connection.driver_connection  # type: ignore[assignment] # the SQLite driver's own
        self._restart = restart

    def begin(self) -> Tx:
        """Take the write lock now rather than at the first write."""
        self._raw.execute("BEGIN IMMEDIATE")
        return Tx(self._sql, self._raw, "sqlite")

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

    def between(self) -> None:
        """Between commits, restart a log that the checkpointer alone cannot shorten."""
        if self._restart.is_set():
            self._restart.clear()
            self._raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def busy(self, error: BaseException) -> bool:
        """Tell trouble of the moment (locked, full, I/O) from a fault of ours."""
        cause = getattr(error, "orig", error)
        return isinstance(cause, sqlite3.OperationalError) and not str(cause).startswith("no such")

    def close(self) -> None:
        """Fold the log into the database and close."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._sql.close()


class SqliteDatabase:
    """The Database protocol over one SQLite file."""

    def __init__(self, path: Path, metrics: Metrics, readers: int = 4) -> None:
        """Open the file; raises NotDurable when SQLite refuses WAL or full sync."""
        self.path = path
        self._wal = path.with_name(path.name + "-wal")
        self._engine = engine_of(path)
        self._restart = threading.Event()
        self._committer = Committer(lambda: WriteConnection(self._engine, self._restart), metrics)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        self._local = threading.local()
        self._checkpoints: asyncio.Task[None] | None = None
        metrics.gauge("gatepost_writer_queue", self._committer.waiting)
        metrics.gauge("gatepost_writer_busy_seconds", self.busy_s)
        metrics.gauge("gatepost_database_bytes", lambda: _size(path))
        metrics.gauge("gatepost_wal_bytes", lambda: _size(self._wal))
        self._make_durable()

    def _make_durable(self) -> None:
        """Sync what a killed process left behind: commits it wrote but did not live to sync
        are read as done, so that a repeated request would be acknowledged from them.
        """
        with self._engine.connect() as sql:
            (version,) = sql.exec_driver_sql("PRAGMA user_version").one()
            sql.exec_driver_sql("BEGIN IMMEDIATE")
            sql.exec_driver_sql(f"PRAGMA user_version={version}")  # any commit syncs all the log
            sql.exec_driver_sql("COMMIT")
            sync_folder(self.path.parent)

    def start(self) -> None:
        """Start the writer and the checkpointer on the running event loop."""
        self._committer.start()
        self._checkpoints = asyncio.create_task(self._checkpoint())

    async def close(self) -> None:
        """Finish what was submitted, then close."""
        if self._checkpoints is not None:
            self._checkpoints.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checkpoints
        self._readers.shutdown(wait=True)
        await self._committer.close()
        self._engine.dispose()

    def busy_s(self) -> float:
        """Seconds the writer has worked since the start."""
        return self._committer.busy_s

    def submit(self, verb: Verb, item: Any, weight: int = 1) -> Future[Any]:
        """Join the next grouped commit with one item of a vector verb."""
        return self._committer.submit(verb, item, weight)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a function in its own savepoint of the next grouped commit."""
        result: T = await self._committer.submit(None, work)
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a function on a consistent snapshot, in a reader thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._snapshot, work)

    def _snapshot(self, work: Callable[[Tx], T]) -> T:
        tx = self._reader()
        tx.driver.execute("BEGIN")
        try:
            return work(tx)
        finally:
            tx.driver.execute("ROLLBACK")

    def _reader(self) -> Tx:
        tx: Tx | None = getattr(self._local, "tx", None)
        if tx is None:
            sql = self._engine.connect()
            raw: Any = sql.connection.driver_connection
            raw.execute("PRAGMA query_only=ON")
            tx = self._local.tx = Tx(sql, raw, "sqlite")
        return tx

    async def _checkpoint(self) -> None:
        """Copy the log into the database beside the writer, so that no commit waits for it.

        While commits keep coming it never ends, and the log grows: then the writer itself
        restarts it, with little left to copy.
        """
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            if _size(self._wal) <= CHECKPOINT_BYTES:
                continue
            if await asyncio.to_thread(self._copy_log) > RESTART_PAGES:
                await asyncio.to_thread(self._copy_log)
                self._restart.set()

    def _copy_log(self) -> int:
        """Checkpoint what no reader still needs; returns the pages in the log."""
        with self._engine.connect() as sql, contextlib.suppress(sqlalchemy.exc.OperationalError):
            _busy, pages, _copied = sql.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
            return int(pages)
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
