"""Connections to PostgreSQL that keep what an acknowledgement promises."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy
from psycopg import errors
from sqlalchemy.pool import NullPool

from gatepost.storage.db import NotDurable

VERSION_MIN = 150_000
CONNECT_S = 3
# A peer that vanished is noticed after this long, be it silent or not.
SILENT_MS = 5000
SESSION = {
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "statement_timeout": "20s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "5s",
    "default_transaction_isolation": "read committed",
    # The server's side: what a client that vanished has locked is soon free again.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": str(SILENT_MS),
}
ENDED = (psycopg.InterfaceError, errors.IdleInTransactionSessionTimeout)
SYNCED = ("on", "local", "remote_write", "remote_apply")


def engine_of(url: str) -> sqlalchemy.Engine:
    """Return an engine whose connections carry the settings an acknowledgement relies on.

    Raises ValueError for an address that is none of PostgreSQL's.
    """
    engine = sqlalchemy.create_engine(
        address(url),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        connect_args={
            "connect_timeout": CONNECT_S,
            "keepalives_idle": 2,
            "keepalives_interval": 1,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENT_MS,
            "application_name": "gatepost",
        },
    )
    sqlalchemy.event.listen(engine, "connect", _prepare)
    return engine


def address(url: str) -> sqlalchemy.URL:
    """Read `postgresql://user:password@host:port/database?options`, as libpq does."""
    try:
        found = sqlalchemy.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise ValueError("not an address: postgresql://user:password@host/database") from None
    if found.drivername not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("only postgresql://… is supported, or nothing for SQLite")
    return found.set(drivername="postgresql+psycopg")


def shown(url: str) -> str:
    """Write an address without its password."""
    return address(url).set(drivername="postgresql").render_as_string(hide_password=True)


def _prepare(raw: psycopg.Connection[Any], _record: object) -> None:
    texts = [f"SET {name} = '{value}'" for name, value in SESSION.items()]
    raw.execute("; ".join(texts))


def check(engine: sqlalchemy.Engine) -> None:
    """Raise NotDurable unless the server is able and set up to keep what it commits."""
    with engine.connect() as sql:
        version, fsync, synced, full_pages = sql.exec_driver_sql(
            "SELECT current_setting('server_version_num')::int, current_setting('fsync'),"
            " current_setting('synchronous_commit'), current_setting('full_page_writes')"
        ).one()
    if version < VERSION_MIN:
        raise NotDurable(f"PostgreSQL {version // 10_000} is too old: 15 is the least")
    if fsync != "on" or full_pages != "on" or synced not in SYNCED:
        raise NotDurable(
            f"PostgreSQL runs with fsync={fsync}, full_page_writes={full_pages},"
            f" synchronous_commit={synced}: what it acknowledges may be lost"
        )


def lost(error: BaseException) -> bool:
    """Whether an error means that the connection, or the server, is gone."""
    cause = driver_error(error)
    if isinstance(cause, ENDED):
        return True
    if not isinstance(cause, psycopg.OperationalError):
        return False
    # Without a state it did not come from the server: the network. 57P: it shuts down or starts;
    # 53: out of connections; 08: connection exceptions; 25006: it has become a standby.
    state = cause.sqlstate or "08"
    return state[:2] in {"08", "53"} or state.startswith("57P")


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's."""
    found: BaseException = getattr(error, "orig", None) or error
    return found
