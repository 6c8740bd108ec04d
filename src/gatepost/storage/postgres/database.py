"""PostgreSQL: a few writers with grouped commits, and a pool of readers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
import sqlalchemy

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.storage.committer import Committer, Writing
from gatepost.storage.db import Tx
from gatepost.storage.group import RETRY_AFTER_S
from gatepost.storage.postgres.connection import driver_error, lost
from gatepost.storage.postgres.engine import POSTGRES
from gatepost.storage.postgres.reach import Reach
from gatepost.storage.postgres.writer import WriteConnection

T = TypeVar("T")

PATIENCE_S = 6.0
"""What has waited longer for a writer is refused: nobody waits for it any more."""
# Terms differ a thousandfold in how common they are: no plan fits them all.
PLANS = "SET plan_cache_mode = force_custom_plan"
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresDatabase(Writing):
    """The Database protocol over one PostgreSQL database."""

    def __init__(self, server: Reach, metrics: Metrics, readers: int, writers: int) -> None:
        """Connections are opened when they are first needed."""
        self._server = server
        self._committer = Committer(
            lambda: WriteConnection(server), metrics, max(writers, 2), PATIENCE_S
        )
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        self._local = threading.local()
        self._open: set[sqlalchemy.Connection] = set()
        self._log = log.get("storage")
        metrics.gauge("gatepost_writer_queue", self._committer.waiting)
        metrics.gauge("gatepost_writer_busy_seconds", self._committer.busy_s)

    def start(self) -> None:
        """Start the writers on the running event loop."""
        self._committer.start()

    async def close(self) -> None:
        """Finish what was submitted, then close."""
        await asyncio.to_thread(self._readers.shutdown, wait=True)
        await self._committer.close()
        for sql in list(self._open):
            sql.close()
        self._server.close()

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a function in a reader thread; a broken connection is replaced once."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Tx], T]) -> T:
        try:
            return self._look(work)
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            if not lost(error):
                raise self._trouble(error) from error
        try:
            return self._look(work)
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            raise self._trouble(error) from error

    def _look(self, work: Callable[[Tx], T]) -> T:
        tx = self._reader()
        try:
            tx.driver.execute(SNAPSHOT)
            result = work(tx)
            tx.driver.execute("COMMIT")
        except BaseException:
            self._end(tx)
            raise
        return result

    def _reader(self) -> Tx:
        tx: Tx | None = getattr(self._local, "tx", None)
        if tx is None:
            sql = self._server.connect()
            self._open.add(sql)
            tx = self._local.tx = Tx(sql, sql.connection.driver_connection, POSTGRES)
        return tx

    def _end(self, tx: Tx) -> None:
        """Leave the transaction, or drop the connection if that cannot be done."""
        with contextlib.suppress(psycopg.Error):
            tx.driver.execute("ROLLBACK")
        if tx.driver.closed:
            self._local.tx = None
            self._open.discard(tx.sql)
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, psycopg.Error):
                tx.sql.invalidate()
                tx.sql.close()

    def _trouble(self, error: Exception) -> Exception:
        """UNAVAILABLE for trouble of the moment, else the fault itself."""
        cause = driver_error(error)
        if not isinstance(cause, psycopg.OperationalError) and not lost(error):
            return error
        self._log.warning("the database cannot answer", reason=type(cause).__name__)
        detail = "The database cannot answer now"
        return AppError(Code.UNAVAILABLE, detail, retry_after_s=RETRY_AFTER_S)
