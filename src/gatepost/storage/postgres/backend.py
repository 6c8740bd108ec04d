"""PostgreSQL's side of the Backend protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy

from gatepost.base.config import ConfigError, Settings
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Tx
from gatepost.storage.postgres.connection import check, driver_error, engine_of, shown
from gatepost.storage.postgres.database import SNAPSHOT, PostgresDatabase
from gatepost.storage.postgres.engine import POSTGRES
from gatepost.storage.postgres.reach import Reach
from gatepost.storage.postgres.writer import WriteConnection


class PostgresBackend:
    """A database that any number of processes share."""

    shared = True

    def __init__(self, url: str) -> None:
        """Nothing is opened yet; raises ValueError for an address of another kind."""
        self._url = url
        self.engine = engine_of(url)
        self.shown = shown(url)

    def exists(self) -> bool:
        """Whether the server has the database; raises ConfigError when it cannot be reached."""
        try:
            self.engine.connect().close()
        except sqlalchemy.exc.OperationalError as error:
            reason = str(driver_error(error)).strip().splitlines()[0]
            message = f"database_url: {self.shown}: {reason}"
            raise ConfigError(message) from None
        return True

    def check(self) -> None:
        """Raise NotDurable when the server would not keep what it acknowledges."""
        check(self.engine)

    def database(self, metrics: Metrics, settings: Settings) -> PostgresDatabase:
        """Open it for a service."""
        return PostgresDatabase(Reach(self._url), metrics, settings.readers, settings.writers)

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction, numbered like those of a service."""
        connection = WriteConnection(self.engine)
        try:
            tx = connection.begin()
            yield tx
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """One snapshot."""
        with self.engine.connect() as sql:
            raw: Any = sql.connection.driver_connection
            raw.execute(SNAPSHOT)
            yield Tx(sql, raw, POSTGRES)
            raw.execute("COMMIT")
