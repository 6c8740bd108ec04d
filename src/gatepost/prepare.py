"""Before a process may work: the data folder, the schema, the pepper."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gatepost import migrations
from gatepost.base import crypto
from gatepost.base.config import PEPPER, ConfigError, Settings
from gatepost.base.durable import make_folder
from gatepost.domains.events import store as events
from gatepost.domains.installation import store as installation
from gatepost.domains.usage import store as usage
from gatepost.gate import once
from gatepost.storage import copies
from gatepost.storage.backend import Backend, backend_of
from gatepost.storage.db import Tx
from gatepost.storage.sqlite.backend import SqliteBackend


def prepare(settings: Settings) -> Backend:
    """Return the database, fit to be served.

    A SQLite file is made, or brought to the newest version. What other processes may be using
    is not touched: that is `gatepost migrate`'s. Raises ConfigError and NotDurable.
    """
    backend = backend_of(settings)
    if not backend.shared:
        migrate(settings)
        return backend
    backend.exists()
    backend.check()
    found = current(backend)
    if found != migrations.head():
        state = "is empty" if found is None else f"is at version {found}"
        message = f"database_url: {backend.shown} {state}: run `gatepost migrate` first"
        raise ConfigError(message)
    with backend.read() as tx:
        _check_moved(tx)
    return backend


def _check_moved(tx: Tx) -> None:
    """Raise ConfigError for a database that holds a part of what is moved into it."""
    begun = installation.find(tx, installation.MOVE_BEGUN)
    if begun is not None and installation.find(tx, installation.MOVE_ENDED) is None:
        message = "database_url: a move into it is not finished: run `gatepost data move` again"
        raise ConfigError(message)


def migrate(settings: Settings) -> str | None:
    """Bring the database to the newest version; returns the one it was at, None for none."""
    backend = backend_of(settings)
    if not backend.shared or not settings.pepper:
        make_folder(settings.folder)
    backend.exists()
    backend.check()
    found = current(backend)
    if found == migrations.head():
        return found
    if found is not None and isinstance(backend, SqliteBackend):
        snapshot(backend.path, found)
    return migrations.upgrade(backend.engine)


def current(backend: Backend) -> str | None:
    """The version of the schema; raises ConfigError when this program is too old for it."""
    found = migrations.current(backend.engine)
    if found is not None and not migrations.knows(found):
        message = "this database was written by a newer Gatepost; upgrade the program"
        raise ConfigError(message)
    return found


def snapshot(database: Path, version: str) -> Path:
    """Copy the database beside itself before its schema changes."""
    target = copies.place(database, version)
    with sqlite3.connect(database) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target


def pepper_of(settings: Settings) -> bytes:
    """The pepper that is set, or that of the data folder; raises ValueError for a damaged one."""
    if not settings.pepper:
        make_folder(settings.folder)
    return crypto.load_pepper(settings.folder / PEPPER, settings.pepper)


def settle(tx: Tx, pepper: bytes, now: int) -> None:
    """Agree with all processes, now and later, on one pepper; make room for what comes."""
    installation.settle(tx, installation.PEPPER, crypto.pepper_check(pepper))
    events.make_parts(tx, now)
    events.mend_arrivals(tx)
    once.make_parts(tx, now)
    usage.make_parts(tx, now)


def check_pepper(tx: Tx, pepper: bytes) -> None:
    """Raise ConfigError for another pepper than the database's: it would recognise no key."""
    settled = installation.find(tx, installation.PEPPER)
    if settled is not None and settled != crypto.pepper_check(pepper):
        message = "pepper: this is not the pepper that the database's keys were made with"
        raise ConfigError(message)
