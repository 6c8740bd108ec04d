"""An acknowledgement means synced: kill -9 and power cuts under load lose nothing promised."""

import contextlib
import json
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gatepost.cli.trial import Trial
from tests import plain
from tests.process.lost_cache import Disk, build
from tests.program import PROGRAM
from tests.server import Server, unique
from tests.waiting import wait_for

pytestmark = pytest.mark.once

CYCLES = 5
POWER_CUTS = 4
ENOUGH_CUTS = 6
"""For one of them to find out a database that does not sync."""
CONNECTIONS = 8
LONG_LIFE_S = (0.1, 1.5)
"""Long enough for checkpoints in the middle of the load."""
FIRST_SYNCS = (2, 5, 8, 20)
"""Of about twenty: the folder, the pepper, the database, its schema, the first account."""
NO_LIMIT = {"GATEPOST_RATE_LIMIT": "off"}
WEAKENED = """
import sqlite3

class Connection(sqlite3.Connection):
    def execute(self, sql, *args):
        if sql == "BEGIN IMMEDIATE":
            super().execute("PRAGMA synchronous={mode}")
        return super().execute(sql, *args)

def connect(*args, real=sqlite3.connect, **kwargs):
    return real(*args, factory=Connection, **kwargs)

sqlite3.connect = sqlite3.dbapi2.connect = connect
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("shim"))


@pytest.mark.timeout(240)
def test_a_killed_server_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    command = [*PROGRAM, "selftest", "durability", "--cycles", str(CYCLES), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["cycles"] == CYCLES
    assert report["acknowledged"] > CYCLES
    assert report["repeated"] > CYCLES
    assert report["lost"] == report["doubled"] == report["changed"] == report["refused"] == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("writeback_percent", [0, 30])
async def test_a_power_cut_keeps_what_was_acknowledged(
    tmp_path: Path, library: Path, writeback_percent: int
) -> None:
    disk = Disk(tmp_path, library, writeback_percent)
    trial = Trial(
        disk.world / "data",
        CONNECTIONS,
        environ=disk.environ,
        crashed=disk.crash,
        load_s=LONG_LIFE_S,
    )
    report = await trial.run(POWER_CUTS)
    assert report.kept, report
    assert report.cycles == POWER_CUTS


@pytest.mark.parametrize("mode", ["OFF", "NORMAL"])
async def test_the_power_cut_finds_out_a_database_that_does_not_sync(
    tmp_path: Path, library: Path, mode: str
) -> None:
    disk = Disk(tmp_path / "disk", library)
    (tmp_path / "sitecustomize.py").write_text(WEAKENED.format(mode=mode))
    environ = disk.environ | {"PYTHONPATH": str(tmp_path)}
    trial = Trial(disk.world / "data", CONNECTIONS, environ=environ, crashed=disk.crash)
    report = await trial.run(ENOUGH_CUTS)
    assert not report.kept
    assert report.lost > 0


def test_a_repeat_is_not_acknowledged_from_what_was_never_synced(
    tmp_path: Path, library: Path
) -> None:
    disk = Disk(tmp_path, library)
    with Server(disk.world / "data", env=disk.environ | NO_LIMIT) as server:
        assert post(server, "first").status_code == 201
        key = kill_between_write_and_sync(disk, server)
        with reading(server.data / "gatepost.db"):
            server.start()
            reply = post(server, key)
            # The killed server had written all of it, so the next one reads it as done.
            assert reply.headers["x-idempotent-replay"] == "true"
            server.kill()
        disk.crash()
        server.start()
        found = get(server, f"/v1/events/{reply.json()['data']['id']}")
        assert found.status_code == 200


@pytest.mark.parametrize("number", FIRST_SYNCS)
def test_a_power_cut_in_the_first_start_does_no_harm(
    tmp_path: Path, library: Path, number: int
) -> None:
    disk = Disk(tmp_path, library)
    assert ends_at_sync(disk, number)
    disk.crash()
    with Server(disk.world / "data", env=disk.environ | NO_LIMIT) as server:
        # Where the first start had made a key but could not print it, another one is made.
        server.first_run_key = server.first_run_key or server.cli("key", "create", "k")["key"]
        assert post(server, "first").status_code == 201


def kill_between_write_and_sync(disk: Disk, server: Server) -> str:
    """The idempotency key of an event that is in the log, unsynced and unanswered."""
    for number in range(20):
        key = unique(f"swallowed-{number}")
        disk.hang()
        asking = threading.Thread(target=post_in_vain, args=(server, key))
        asking.start()
        wait_for(disk.hangs, "a commit to reach its sync")
        written = key.encode() in (server.data / "gatepost.db-wal").read_bytes()
        if written:
            server.kill()
        disk.release()
        asking.join()
        if written:
            return key
        # It was another commit that waited, one of the server's own.
    raise AssertionError("no commit of an event was caught")


def post_in_vain(server: Server, key: str) -> None:
    with contextlib.suppress(httpx2.TransportError):
        post(server, key)


@contextlib.contextmanager
def reading(database: Path) -> Iterator[None]:
    """Somebody looks into the database, which keeps SQLite from folding its log in and syncing
    it whenever nobody else has the file open.
    """
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as looking:
        looking.execute("SELECT count(*) FROM events").fetchall()
        yield


def ends_at_sync(disk: Disk, number: int) -> bool:
    """Start a server that is killed at one of its syncs; False when it gets ready before."""
    server = Server(
        disk.world / "data", env=disk.environ | NO_LIMIT | {"LOST_CACHE_DIE_AT": str(number)}
    )
    try:
        server.start()
    except (AssertionError, httpx2.TransportError):
        return True
    server.kill()
    return False


def post(server: Server, key: str) -> httpx2.Response:
    headers = authorized(server) | {"Idempotency-Key": key}
    body = {"channelName": "durability", "title": key}
    return plain.post(f"{server.address}/v1/events", headers=headers, json=body, timeout=30)


def get(server: Server, path: str) -> httpx2.Response:
    return plain.get(f"{server.address}{path}", headers=authorized(server), timeout=30)


def authorized(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.first_run_key}"}
