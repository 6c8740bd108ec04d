"""The data folder from the command line: the same tables and verbs, beside a running server."""

from __future__ import annotations

import contextlib
import getpass
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy

from gatepost import migrations
from gatepost.base import clock, crypto
from gatepost.base.config import DATABASE, PEPPER, Settings
from gatepost.cli.common import Common, Failure, load
from gatepost.domains.audit.model import Actor
from gatepost.domains.plans import store as plans
from gatepost.gate.keycache import TTL_S
from gatepost.storage.db import Tx
from gatepost.storage.sqlite import NotDurable, engine_of

BUSY_MS = 30_000


class Local(msgspec.Struct, frozen=True):
    """One command's way into a data folder."""

    settings: Settings
    engine: Any
    pepper: bytes
    actor: Actor

    @contextlib.contextmanager
    def write(self, *, revokes: bool = False) -> Iterator[Tx]:
        """One transaction, committed and synced at the end of the block.

        A server that runs believes what it has read of a key for up to TTL_S. `revokes` waits
        that long after the commit, so that revocation is true when the command returns.
        """
        with _transaction(self.engine, "BEGIN IMMEDIATE") as tx:
            yield tx
        if revokes:
            time.sleep(TTL_S)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """One snapshot."""
        with _transaction(self.engine, "BEGIN") as tx:
            yield tx

    def now(self) -> int:
        """Read the clock, in ms."""
        return clock.now_ms()


def open_folder(common: Common, *, create: bool = False) -> Local:
    """Open the data folder. Only `create` may make one, with the plans that come along."""
    settings, _ = load(common)
    database = settings.folder / DATABASE
    if not create and not settings.database_url and not database.is_file():
        text = f"no data folder at {settings.folder}: `gatepost serve` makes one, --data names it"
        raise Failure(text)
    _prepare(settings)
    local = Local(settings, engine_of(database), _pepper(settings), _actor())
    if create:
        with local.write() as tx:
            plans.add_presets(tx, local.now())
    return local


@contextlib.contextmanager
def _transaction(engine: sqlalchemy.Engine, begin: str) -> Iterator[Tx]:
    """A busy server leaves short gaps between its commits: wait for one, longer than it would."""
    with engine.connect() as sql:
        raw: Any = sql.connection.driver_connection
        raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        raw.execute(begin)
        try:
            yield Tx(sql, raw, "sqlite")
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        raw.execute("COMMIT")


def _prepare(settings: Settings) -> None:
    """Bring the schema up to date; the quick look spares most commands the server."""
    if not settings.database_url and _stands(settings.folder / DATABASE):
        return
    from gatepost.app import prepare

    try:
        prepare(settings)
    except NotDurable as error:
        raise Failure(str(error)) from None


def _stands(database: Path) -> bool:
    """Whether the database is there, at the newest version."""
    return database.is_file() and migrations.current(engine_of(database)) == migrations.head()


def _pepper(settings: Settings) -> bytes:
    try:
        return crypto.load_pepper(settings.folder / PEPPER)
    except ValueError as error:
        raise Failure(str(error)) from None


def _actor() -> Actor:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # a container's user may have no name
    return Actor("cli", "", user)
