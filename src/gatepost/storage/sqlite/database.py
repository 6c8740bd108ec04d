"""SQLite: WAL, a sync at every commit, one writer, several readers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy

from gatepost.base.durable import sync_folder
from gatepost.base.metrics import Metrics
from gatepost.storage.committer import Writing
from gatepost.storage.db import Tx
from gatepost.storage.sqlite.committer import SqliteCommitter
from gatepost.storage.sqlite.connection import engine_of
from gatepost.storage.sqlite.digests import DigestIndexes
from gatepost.storage.sqlite.engine import SQLITE
from gatepost.storage.sqlite.sifter import Sifter
from gatepost.storage.sqlite.writer import WriteConnection

T = TypeVar("T")

CHECKPOINT_EVERY_S = 0.25
CHECKPOINT_BYTES = 4 * 1024 * 1024
RESTART_PAGES = 16 * 1024


class SqliteDatabase(Writing):
    """The Database protocol over one SQLite file."""

    def __init__(self, path: Path, metrics: Metrics, readers: int = 4) -> None:
        """Open the file; raises NotDurable when SQLite refuses WAL or full sync."""
        self.path = path
        self._wal = path.with_name(path.name + "-wal")
        self._engine = engine_of(path)
        self._restart = threading.Event()
        self._indexes = DigestIndexes()
        self._committer = SqliteCommitter(self._writer, metrics)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        self._local = threading.local()
        self._chores: list[asyncio.Task[None]] = []
        metrics.gauge("gatepost_writer_queue", self._committer.waiting)
        metrics.gauge("gatepost_writer_busy_seconds", self._committer.busy_s)
        metrics.gauge("gatepost_database_bytes", lambda: _size(path))
        metrics.gauge("gatepost_wal_bytes", lambda: _size(self._wal))
        self._make_durable()

    def _writer(self) -> WriteConnection:
        return WriteConnection(self._engine, self._restart, self._indexes)

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
        """Start the writer, and what is done beside it, on the running event loop."""
        self._committer.start()
        sifter = Sifter(self, self._indexes)
        self._chores = [asyncio.create_task(one) for one in (self._checkpoint(), sifter.run())]

    async def close(self) -> None:
        """Finish what was submitted, then close."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._readers.shutdown(wait=True)
        await self._committer.close()
        self._engine.dispose()

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
            tx = self._local.tx = Tx(sql, raw, SQLITE)
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
