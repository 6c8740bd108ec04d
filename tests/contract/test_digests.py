"""Rows found by digests, on both engines, against a plain dictionary: whatever has been flushed,
rolled back, removed or cut off by a crash meanwhile.
"""

import asyncio
import random
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import now_ms
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.gate import once
from gatepost.gate.tables import REPLIES
from gatepost.storage.backend import Backend, backend_of
from gatepost.storage.db import Database, Tx
from gatepost.storage.digests import Mark
from gatepost.storage.sqlite import digests, sifter
from gatepost.storage.sqlite.database import SqliteDatabase
from tests.waiting import wait_for

SCOPES = [ids.new() for _ in range(3)]
ROUNDS = 800
STATUS = ("status",)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite's index flush after some rows, filter at once and forget soon."""
    monkeypatch.setattr(digests, "RUN_ENTRIES", 50)
    monkeypatch.setattr(digests, "PART_ENTRIES", 6)
    monkeypatch.setattr(digests, "FILTER_ENTRIES_MIN", 200)
    monkeypatch.setattr(digests, "SIFTED_AT_ONCE", 7)
    monkeypatch.setattr(sifter, "EVERY_S", 0.001)
    monkeypatch.setattr(sifter, "DROP_EVERY_S", 0.0)


def opened(backend: Backend) -> Database:
    database = backend.database(Metrics(), Settings())
    database.start()
    return database


def mark(chance: random.Random) -> Mark:
    """One of so few digests that they come again, also in another scope."""
    return chance.choice(SCOPES), chance.randbytes(1) * 15 + bytes([chance.randrange(16)])


class Model:
    """What should be there, and steps that change it and the database alike."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kept: dict[Mark, int] = {}

    async def step(self, database: Database) -> None:
        steps = [self._add, self._add_in_vain, self._remove, self._look, self._expire]
        weights = [12, 2, 4, 4, 1 if isinstance(database, SqliteDatabase) else 0]
        await self.chance.choices(steps, weights)[0](database)

    async def _add(self, database: Database) -> None:
        marks = {mark(self.chance) for _ in range(self.chance.randrange(1, 30))}
        fresh = dict.fromkeys(marks, self.chance.randrange(1000))
        await database.write(lambda tx: self._replace(tx, fresh))
        for one, value in fresh.items():
            self.kept.pop(one, None)
            self.kept[one] = value

    async def _add_in_vain(self, database: Database) -> None:
        marks = {mark(self.chance) for _ in range(20)}

        def fail(tx: Tx) -> None:
            self._replace(tx, dict.fromkeys(marks, -1))
            raise AppError(Code.CONFLICT, "No")

        with pytest.raises(AppError):
            await database.write(fail)

    def _replace(self, tx: Tx, fresh: dict[Mark, int]) -> None:
        assert REPLIES.find(tx, STATUS, fresh) == {
            one: (self.kept[one],) for one in fresh if one in self.kept
        }
        REPLIES.remove(tx, fresh)
        add(tx, fresh)
        assert REPLIES.find(tx, STATUS, fresh) == {one: (value,) for one, value in fresh.items()}

    async def _remove(self, database: Database) -> None:
        gone = self.chance.sample(sorted(self.kept), k=min(len(self.kept), 10))
        await database.write(lambda tx: REPLIES.remove(tx, gone))
        for one in gone:
            del self.kept[one]

    async def _expire(self, database: Database) -> None:
        """Drop the oldest rows, or all of them."""
        count = self.chance.choice([30, 300, len(self.kept)])
        later = now_ms() + 2 * once.TTL_MS
        await database.write(lambda tx: once.expire(tx, later, count))
        for one in list(self.kept)[:count]:
            del self.kept[one]

    async def _look(self, database: Database) -> None:
        asked = [mark(self.chance) for _ in range(40)]
        found = await database.write(lambda tx: REPLIES.find(tx, STATUS, asked))
        assert found == {one: (self.kept[one],) for one in asked if one in self.kept}

    async def check(self, database: Database) -> None:
        everything = [
            (scope, bytes([a]) * 15 + bytes([b]))
            for scope in SCOPES
            for a in range(256)
            for b in range(16)
        ]
        found = await database.write(lambda tx: REPLIES.find(tx, STATUS, everything))
        assert found == {one: (value,) for one, value in self.kept.items()}


def add(tx: Tx, fresh: dict[Mark, int]) -> None:
    ends_at = now_ms() + once.TTL_MS
    rows = [(*one, bytes(16), value, b"", ends_at) for one, value in fresh.items()]
    REPLIES.add(tx, once.COLUMNS, rows)


def count(backend: Backend, text: str) -> int:
    with backend.read() as tx:
        return int(tx.driver.execute(text).fetchone()[0])


def entries(backend: Backend) -> int:
    return count(backend, "SELECT count(*) FROM idempotency_entries")


def runs(backend: Backend) -> int:
    return count(backend, "SELECT count(*) FROM idempotency_runs")


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_there_is_found_and_nothing_else(backend: Backend, seed: int) -> None:
    with backend.write() as tx:
        once.make_parts(tx, now_ms())
    model, most = Model(seed), 0
    for _ in range(4):
        database = opened(backend)
        for _ in range(ROUNDS // 40):
            for _ in range(10):
                await model.step(database)
            most = max(most, 0 if backend.shared else entries(backend))
        await model.check(database)
        await database.close()
    assert backend.shared or most > digests.RUN_ENTRIES


async def test_a_crash_in_the_middle_of_a_run_loses_nothing(tmp_path: Path) -> None:
    """A copy of the files at any moment is what a crash leaves."""
    there = tmp_path / "there"
    there.mkdir()
    backend = backend_of(Settings(data=str(there)))
    migrations.upgrade(backend.engine)
    model, database = Model(7), opened(backend)
    for number in range(20):
        for _ in range(7):
            await model.step(database)
        kept, copy = dict(model.kept), tmp_path / f"copy-{number}"
        await copy_files(database, there, copy)
        survivor = Model(number)
        survivor.kept = kept
        again = opened(backend_of(Settings(data=str(copy))))
        await survivor.check(again)
        for _ in range(10):
            await survivor.step(again)
        await survivor.check(again)
        await again.close()
    await database.close()


async def copy_files(database: Database, there: Path, copy: Path) -> None:
    """While nobody writes."""
    await database.write(lambda _: shutil.copytree(there, copy))


async def test_runs_go_with_their_rows(tmp_path: Path) -> None:
    backend = backend_of(Settings(data=str(tmp_path)))
    migrations.upgrade(backend.engine)
    database = opened(backend)
    await fill(database, 1000)
    await asyncio.to_thread(wait_for, lambda: runs(backend) > 1, "some runs")
    later = now_ms() + 2 * once.TTL_MS
    while await database.write(lambda tx: once.expire(tx, later, 300)):
        pass
    await asyncio.to_thread(wait_for, lambda: runs(backend) == 0, "their end")
    assert count(backend, "SELECT count(DISTINCT run) FROM idempotency_entries") <= 1  # under way
    await fill(database, 100)
    await database.close()


async def fill(database: Database, rows: int) -> None:
    for _ in range(rows // 20):
        fresh = {(SCOPES[0], ids.random()): 1 for _ in range(20)}
        await database.write(partial(add, fresh=fresh))


def test_replies_of_before_are_the_first_run(tmp_path: Path) -> None:
    backend = backend_of(Settings(data=str(tmp_path)))
    upgrade(backend, "0027")
    old = {(SCOPES[n % 3], ids.random()): n for n in range(300)}
    rows = [(*one, bytes(16), value, b"", 1) for one, value in old.items()]
    insert = f"INSERT INTO idempotency ({','.join(once.COLUMNS)}) VALUES (?,?,?,?,?,?)"
    with backend.write() as tx:
        tx.driver.executemany(insert, rows)
    migrations.upgrade(backend.engine)
    assert find(backend, list(old)) == {one: (value,) for one, value in old.items()}
    assert count(backend, "SELECT entries FROM idempotency_runs") == len(old)


def upgrade(backend: Backend, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    with backend.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def find(backend: Backend, marks: Sequence[Mark]) -> dict[Mark, tuple[int, ...]]:
    with backend.write() as tx:
        return REPLIES.find(tx, STATUS, marks)
