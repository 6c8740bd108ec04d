"""Connections to SQLite that keep what an acknowledgement promises."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy
from sqlalchemy.pool import NullPool

from gatepost.storage.db import NotDurable

BUSY_MS = 5000
STATEMENTS_CACHED = 1024


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
