"""A move from SQLite to PostgreSQL: what is copied, in what order of steps, and when not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa

from gatepost import migrations, prepare
from gatepost.base import clock, crypto
from gatepost.base.config import PEPPER, Settings
from gatepost.cli.common import USAGE, Failure
from gatepost.domains.accounts import store as accounts
from gatepost.domains.events import search
from gatepost.domains.events import store as events
from gatepost.domains.installation import store as installation
from gatepost.domains.outbox import attempts
from gatepost.domains.outbox import marks as outbox
from gatepost.domains.processes import store as processes
from gatepost.domains.usage import store as usage
from gatepost.gate import once
from gatepost.storage import moving
from gatepost.storage.backend import Backend, backend_of
from gatepost.storage.db import Tx
from gatepost.storage.moving import TableCopy
from gatepost.storage.postgres import later
from gatepost.storage.postgres.engine import POSTGRES
from gatepost.storage.sqlite.backend import SqliteBackend

BEGUN, ENDED = installation.MOVE_BEGUN, installation.MOVE_ENDED
"""What the target's `installation` says of a move: a Begun as JSON, the end in ms."""

# Who serves now, and what the engine's own index has reached.
NOT_COPIED = frozenset({"processes", "event_index"})
# What PostgreSQL numbers arrivals by, what is settled from the start, and the move's own.
NOT_AGREED = ("arrival epoch", installation.PEPPER, BEGUN, ENDED)
TERMS = "event_terms"
MARKS = "outbox_marks"
"""Whoever has served an empty database has left some."""
LOCK = 0x6461_7461_6D6F_7665
"""The number of the advisory lock: `datamove` in ASCII."""
# What makes an index takes its time.
SESSION = "SET statement_timeout = 0; SET lock_timeout = '60s'"
INDEX_CHUNK = 2000

COPYING, INDEXING, SORTING, COMPARING = "Copying", "Indexing", "Sorting", "Comparing"
Step = Callable[[str, int, int], None]
"""Told what is being done, how many rows of it are done, and of how many."""


class Begun(msgspec.Struct, frozen=True):
    """Whose data is moved, by the id of its oldest account, and since when (ms)."""

    account: str
    at: int


class Moved(msgspec.Struct, frozen=True):
    """A table that both databases hold alike."""

    name: str
    rows: int
    checksum: str


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What was moved where; no tables when it had been moved before."""

    target: str
    tables: list[Moved]
    seconds: float
    moved_at: str


def copies(at: int) -> list[TableCopy]:
    """What is copied of each table, as of the moment (ms) the move was begun."""
    found = migrations.all_tables().tables
    return [_copy(found[name], at) for name in sorted(found) if name not in NOT_COPIED]


def _copy(table: sa.Table, at: int) -> TableCopy:
    columns = tuple(table.c.keys())
    key = tuple(column.name for column in table.primary_key)
    both = {"sqlite": key, "postgresql": key}
    if table.name == "idempotency":
        # Only SQLite numbers them. Those past their time have no part to go to.
        columns = tuple(name for name in columns if name != "seq")
        both["postgresql"] = ("scope", "claim", "expires_at")
        return TableCopy(table, columns, both, table.c.expires_at > at)
    if table.name == "installation":
        return TableCopy(table, columns, both, table.c.name.not_in(NOT_AGREED))
    return TableCopy(table, columns, both, sa.true())


def run(path: Path, settings: Settings, step: Step) -> Report:
    """Move a SQLite file into the database the settings name.

    Nobody else writes to the file meanwhile. Raises Failure, ConfigError and NotDurable.
    """
    started = time.monotonic()
    source, target = SqliteBackend(path), _target(settings)
    _check_schema(source)
    with source.write() as tx:
        pepper = _known_pepper(tx, settings)
        _migrate(target, settings)
        with target.engine.connect() as sql:
            move = Move(tx, pepper, sql, target.shown, step)
            move.hold()
            tables = [] if move.ended() else move.run()
            ended = move.ended() or 0
    seconds = round(time.monotonic() - started, 3)
    return Report(target.shown, tables, seconds, clock.iso(ended))


def _target(settings: Settings) -> Backend:
    backend = backend_of(settings)
    if not backend.shared:
        text = "--to names the database to move to: postgresql://user:password@host/database"
        raise Failure(text, USAGE)
    return backend


def _check_schema(source: SqliteBackend) -> None:
    found, newest = prepare.current(source), migrations.head()
    if found is None:
        raise Failure(f"{source.shown} is no database of Gatepost's")
    if found != newest:
        text = f"{source.shown} is at version {found} of the schema, not {newest}"
        raise Failure(f"{text}: start and stop `gatepost serve` on it once")


def _known_pepper(tx: Tx, settings: Settings) -> str:
    """What tells the pepper of the source's keys from others: every process checks it.

    Raises Failure when nobody can tell, ConfigError when the one at hand is another.
    """
    file = settings.folder / PEPPER
    settled = installation.find(tx, installation.PEPPER)
    if settings.pepper or file.is_file():
        pepper = _pepper(file, settings.pepper)
        if settled is None and file.is_file() and pepper != _pepper(file):
            raise Failure(f"GATEPOST_PEPPER is not what {file} holds: keep the right one alone")
        prepare.check_pepper(tx, pepper)
        return crypto.pepper_check(pepper)
    if settled is None:
        raise Failure(f"{file} is missing: set GATEPOST_PEPPER")
    return settled


def _pepper(file: Path, given: str = "") -> bytes:
    try:
        return crypto.load_pepper(file, given)
    except ValueError as error:
        raise Failure(str(error)) from None


def _migrate(target: Backend, settings: Settings) -> None:
    """Make the tables; one that has them is checked for data once it is known to be as new."""
    target.exists()
    found = prepare.current(target)
    if found not in {None, migrations.head()}:
        text = f"{target.shown} is at version {found} of the schema: name an empty database"
        raise Failure(text)
    prepare.migrate(settings)


class Move:
    """One move into a database whose schema stands. It can be run again until it succeeds."""

    def __init__(self, source: Tx, pepper: str, sql: sa.Connection, shown: str, step: Step) -> None:
        """Take the source, the check of its pepper, the target's connection, and the target's
        address without secrets.
        """
        self._source = source
        self._pepper = pepper
        raw: Any = sql.connection.driver_connection
        raw.execute(SESSION)
        self._target = Tx(sql, raw, POSTGRES)
        self._shown = shown
        self._step = step

    def hold(self) -> None:
        """Wait for the end of one that was killed: its last statement may still be at work.

        Raises Failure when that takes too long.
        """
        try:
            self._target.driver.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        except psycopg.errors.LockNotAvailable:
            raise Failure(f"another move into {self._shown} is still at work") from None

    def run(self) -> list[Moved]:
        """Copy what is missing, index it, compare all; raises Failure."""
        begun = self._begun() or self._begin()
        if processes.alive(self._target, clock.now_ms()):
            raise Failure(f"{self._shown} is being served: stop its processes first")
        wanted = copies(begun.at)
        if not moving.copied(self._target):
            with self._transaction():
                outbox.forget(self._target)
        self._copy(wanted)
        self._index()
        moved = self._compare(wanted)
        self._end()
        return moved

    def ended(self) -> int | None:
        """When this very move was ended (ms), None when it was not."""
        found = installation.find(self._target, ENDED)
        return None if found is None or self._begun() is None else int(found)

    def _begun(self) -> Begun | None:
        """The move that was begun, None when none was; raises Failure for somebody else's."""
        found = installation.find(self._target, BEGUN)
        if found is None:
            return None
        begun = msgspec.json.decode(found, type=Begun)
        if begun.account != self._account():
            raise Failure(f"{self._shown} holds the data of another installation")
        return begun

    def _account(self) -> str:
        found = accounts.list_(self._source)
        if not found:
            raise Failure("there is no account yet, so there is nothing to move")
        return found[0].id.hex()

    def _begin(self) -> Begun:
        begun = Begun(self._account(), clock.now_ms())
        wanted = copies(begun.at)
        self._refuse_unless_empty(wanted)
        with self._transaction():
            moving.begin(self._target, wanted)
            later.put_off(self._target, TERMS)
            events.make_parts(self._target, begun.at)
            once.make_parts(self._target, begun.at)
            usage.make_parts(self._target, begun.at)
            attempts.make_parts(self._target, begun.at)
            installation.settle(self._target, installation.PEPPER, self._pepper)
            installation.settle(self._target, BEGUN, msgspec.json.encode(begun).decode())
        return begun

    def _refuse_unless_empty(self, wanted: Sequence[TableCopy]) -> None:
        held = [
            one.table.name
            for one in wanted
            if one.table.name != MARKS and not moving.is_empty(self._target, one)
        ]
        if held:
            text = f"{self._shown} holds data already ({', '.join(held)}): name an empty database"
            raise Failure(text)
        if installation.find(self._target, installation.PEPPER) not in {None, self._pepper}:
            raise Failure(f"{self._shown} was made for another pepper: name an empty database")

    def _copy(self, wanted: Sequence[TableCopy]) -> None:
        total = sum(moving.count(self._source, one) for one in wanted)
        done = moving.copied(self._target)
        for one in wanted:
            while copied := self._advance(one):
                done += copied
                self._step(COPYING, done, total)
        with self._transaction():
            events.mend_arrivals(self._target)

    def _advance(self, one: TableCopy) -> int:
        with self._transaction():
            return moving.advance(self._source, self._target, one)

    def _index(self) -> None:
        """Build the index of events, so that the first searches need not wait for it."""
        total = events.count_after(self._target, 0, 2**62)
        done = total - search.lag(self._target, total)
        while indexed := self._advance_index():
            done += indexed
            self._step(INDEXING, done, total)
        self._step(SORTING, 0, 1)
        with self._transaction():
            later.make(self._target)
        self._target.driver.execute("VACUUM (ANALYZE)")
        self._step(SORTING, 1, 1)

    def _advance_index(self) -> int:
        with self._transaction():
            return search.advance(self._target, INDEX_CHUNK)

    def _compare(self, wanted: Sequence[TableCopy]) -> list[Moved]:
        """Read everything back from both; raises Failure naming what differs."""
        total = 2 * sum(moving.count(self._source, one) for one in wanted)
        done = 0

        def step(rows: int) -> None:
            nonlocal done
            done += rows
            self._step(COMPARING, done, total)

        moved, wrong = [], []
        for one in wanted:
            ours = moving.add_up(self._source, one, step)
            with self._transaction():
                theirs = moving.add_up(self._target, one, step)
            moved.append(Moved(str(one.table.name), *ours))
            if ours != theirs:
                wrong.append(f"{one.table.name} ({ours.rows:,} rows against {theirs.rows:,})")
        if wrong:
            raise Failure(
                f"the copy differs from the source: {', '.join(wrong)}."
                " If either was changed meanwhile, begin again with an empty database"
            )
        return moved

    def _end(self) -> None:
        with self._transaction():
            installation.settle(self._target, ENDED, str(clock.now_ms()))
            moving.finish(self._target)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        raw: Any = self._target.driver
        with raw.transaction():
            yield
