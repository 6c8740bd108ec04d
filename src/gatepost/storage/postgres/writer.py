"""A writer's side of PostgreSQL: it reconnects, it tries again, and it knows how a commit ended."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from typing import Any

import psycopg
import sqlalchemy
from psycopg import errors

from gatepost.base import log
from gatepost.storage.db import Tx
from gatepost.storage.postgres.connection import driver_error, lost
from gatepost.storage.postgres.engine import POSTGRES
from gatepost.storage.postgres.reach import Reach

TRIES_MAX = 6
OUTAGE_S = 5.0
SETTLE_S = 7.0
PAUSE_S = 0.1

# Every transaction begins by numbering itself in a row of its writer's own. When a connection
# breaks in the middle of a commit, that row tells whether the commit took place.
MAKE_MARK = (
    "INSERT INTO commit_marks (slot, number, made_at) VALUES (%s, 0, now())"
    " ON CONFLICT (slot) DO NOTHING"
)
MARK = (
    "UPDATE commit_marks SET number = %s WHERE slot = %s"
    " RETURNING gatepost_arrival(pg_current_xact_id())"
)
READ_MARK = "SELECT number FROM commit_marks WHERE slot = %s FOR UPDATE"

AGAIN = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)
"""Others were faster: what is read anew will say so."""


class Unknown(Exception):  # noqa: N818 # it names a state
    """Nobody can tell now whether the commit took place."""


class Forgotten(Exception):  # noqa: N818 # it names a state
    """The mark of a writer that had long been silent is gone."""


class WriteConnection:
    """One writer's connection, as the committer drives it. It connects when it is needed."""

    def __init__(self, server: sqlalchemy.Engine | Reach) -> None:
        """Nothing is opened yet."""
        self._server = server
        self._slot = secrets.token_bytes(16)
        self._number = 0
        self._sql: sqlalchemy.Connection | None = None
        self._raw: psycopg.Connection[Any] | None = None
        self._begun_at = 0.0
        self._down_since: float | None = None
        self._log = log.get("storage")

    def begin(self) -> Tx:
        """Begin and number a transaction, in one round trip."""
        self._begun_at = time.monotonic()
        raw = self._connected()
        self._number += 1
        with raw.pipeline():
            raw.execute("BEGIN")
            marked = raw.execute(MARK, (self._number, self._slot))
        # Asked for within the pipeline, the row would cost a round trip of its own.
        row = marked.fetchone()
        if row is None:
            self._drop()
            raise Forgotten("this writer's mark was cleared away; connecting makes a new one")
        assert self._sql is not None  # noqa: S101 # it came with the raw one
        return Tx(self._sql, raw, POSTGRES, row[0])

    def commit(self) -> None:
        """Commit. Raises when nothing was committed, or Unknown."""
        raw = self._connected()
        try:
            status = raw.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            if not lost(error) or not self._took_place():
                raise
            status = "COMMIT"
        if status != "COMMIT":
            raise errors.InFailedSqlTransaction(f"the server answered {status}")
        self._down_since = None

    def rollback(self) -> None:
        """Undo everything; a connection that cannot is dropped."""
        raw = self._raw
        if raw is None:
            return
        try:
            if not raw.closed and raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                raw.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()
        if raw.closed:
            self._drop()

    def savepoint(self) -> None:
        """Mark the place one request starts at."""
        self._statement("SAVEPOINT request")

    def release(self) -> None:
        """Keep what the request did."""
        self._statement("RELEASE request")

    def undo(self) -> None:
        """Drop what the request did."""
        self._statement("ROLLBACK TO request")
        self._statement("RELEASE request")

    def between(self) -> None:
        """Nothing to do between commits."""

    def again(self, error: BaseException, tries: int) -> float | None:
        """Try again what others were faster at, and, for a while, what an outage interrupted."""
        if isinstance(error, Unknown):
            return None
        if isinstance(error, Forgotten):
            return 0.0
        if isinstance(driver_error(error), AGAIN):
            jitter_s = random.uniform(0, 0.01 * 2**tries)  # noqa: S311 # no secret
            return jitter_s if tries < TRIES_MAX else None
        if not lost(error):
            return None
        # A connection may have been lost long ago, so there is always a second try.
        self._down_since = self._down_since or self._begun_at
        outage_s = time.monotonic() - self._down_since
        return PAUSE_S if tries == 1 or outage_s < OUTAGE_S else None

    def blameless(self, error: BaseException) -> bool:
        """Whether the database is away, or nobody can tell what it did: no request's fault."""
        return isinstance(error, Unknown) or lost(error)

    def busy(self, error: BaseException) -> bool:
        """Tell trouble of the moment (unreachable, time-outs, full) from a fault of ours."""
        cause = driver_error(error)
        return isinstance(cause, Unknown | psycopg.OperationalError) or lost(error)

    def close(self) -> None:
        """Leave no mark behind, and close."""
        if self._raw is not None:
            with contextlib.suppress(psycopg.Error):
                self._raw.execute("DELETE FROM commit_marks WHERE slot = %s", (self._slot,))
        self._drop()

    def _statement(self, text: str) -> None:
        assert self._raw is not None  # noqa: S101 # within a transaction
        self._raw.execute(text)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._raw is None:
            self._connect()
        assert self._raw is not None  # noqa: S101 # connected just now
        return self._raw

    def _connect(self) -> None:
        self._sql = self._server.connect()
        raw: Any = self._sql.connection.driver_connection
        try:
            raw.execute(MAKE_MARK, (self._slot,))
        except BaseException:
            self._drop()
            raise
        self._raw = raw

    def _drop(self) -> None:
        sql, self._sql, self._raw = self._sql, None, None
        if sql is not None:
            with contextlib.suppress(sqlalchemy.exc.SQLAlchemyError, psycopg.Error):
                sql.invalidate()
                sql.close()

    def _took_place(self) -> bool:
        """Learn from the mark how an interrupted commit ended. Raises Unknown after a while.

        The row stays locked until the server is through with it, so the answer is final.
        """
        self._log.warning("connection lost while committing; asking how it ended")
        self._drop()
        while True:
            try:
                row = self._connected().execute(READ_MARK, (self._slot,)).fetchone()
            except Exception as error:
                if not isinstance(driver_error(error), psycopg.Error):
                    raise
                self._drop()
                if time.monotonic() - self._begun_at > SETTLE_S:
                    raise Unknown("the database went away while it was committing") from error
                time.sleep(PAUSE_S)
                continue
            return row is not None and row[0] == self._number
