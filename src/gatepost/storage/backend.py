"""Which engine the settings mean, and a way to it without the service."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy

from gatepost.base.config import DATABASE, ConfigError, Settings
from gatepost.base.metrics import Metrics
from gatepost.storage.db import Database, Tx
from gatepost.storage.sqlite.backend import SqliteBackend


class Backend(Protocol):
    """One database, by its address."""

    @property
    def engine(self) -> sqlalchemy.Engine:
        """SQLAlchemy's engine, for schema changes and looks from outside."""
        ...

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several processes may serve it at once."""
        ...

    def exists(self) -> bool:
        """Whether there is a database; raises ConfigError when that cannot be told."""
        ...

    def check(self) -> None:
        """Raise NotDurable when it would not keep what it acknowledges."""
        ...

    def database(self, metrics: Metrics, settings: Settings) -> Database:
        """Open it for a service."""
        ...

    def write(self) -> AbstractContextManager[Tx]:
        """One transaction, committed and synced at the end of the block."""
        ...

    def read(self) -> AbstractContextManager[Tx]:
        """One look."""
        ...


def backend_of(settings: Settings) -> Backend:
    """Return the backend the settings name; raises ConfigError for an address of no known kind."""
    if not settings.database_url:
        return SqliteBackend(settings.folder / DATABASE)
    # Its driver takes a while to load, and most commands run on SQLite.
    from gatepost.storage.postgres.backend import PostgresBackend  # noqa: PLC0415 # see above

    try:
        return PostgresBackend(settings.database_url)
    except ValueError as error:
        message = f"database_url: {error}"
        raise ConfigError(message) from None
