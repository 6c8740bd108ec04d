"""An acknowledgement means synced: kill -9 and power cuts under load lose nothing promised."""

import json
import subprocess
import threading
from pathlib import Path

import httpx2
import pytest

from gatepost.cli.trial import Trial
from tests.process.lost_cache import Disk, build
from tests.server import PROGRAM, Server, wait_for

CYCLES = 20
POWER_CUTS = 10
CONNECTIONS = 8
FIRST_SYNCS = 40
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
    trial = Trial(disk.world / "data", CONNECTIONS, environ=disk.environ, crashed=disk.crash)
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
    report = await trial.run(POWER_CUTS)
    assert not report.kept
    assert report.lost > 0


def test_a_repeat_is_not_acknowledged_from_what_was_never_synced(
    tmp_path: Path, library: Path
) -> None:
    disk = Disk(tmp_path, library)
    with Server(disk.world / "data", env=disk.environ | NO_LIMIT) as server:
        assert post(server, "first").status_code == 201
        disk.hang()
        swallowed = threading.Thread(target=post_in_vain, args=(server, "second"))
        swallowed.start()
        wait_for(disk.hangs, "the commit to reach its sync")
        server.kill()
        swallowed.join()
        disk.release()
        server.start()
        reply = post(server, "second")
        # The killed server had written all of it, so the next one reads it as done.
        assert reply.headers["x-idempotent-replay"] == "true"
        server.kill()
        disk.crash()
        server.start()
        found = get(server, f"/v1/events/{reply.json()['data']['id']}")
        assert found.status_code == 200


@pytest.mark.timeout(240)
def test_a_power_cut_at_any_sync_of_the_first_start_does_no_harm(
    tmp_path: Path, library: Path
) -> None:
    for number in range(1, FIRST_SYNCS):
        disk = Disk(tmp_path / str(number), library)
        if not ends_at_sync(disk, number):
            assert number > 5
            return
        disk.crash()
        with Server(disk.world / "data", env=disk.environ | NO_LIMIT) as server:
            # Where the first start had made a key but could not print it, another one is made.
            server.first_run_key = server.first_run_key or server.cli("key", "create", "k")["key"]
            assert post(server, "first").status_code == 201
    pytest.fail("the first start never came to an end")


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
    return httpx2.post(
        f"{server.address}/v1/events", headers=headers, json=body, timeout=30, trust_env=False
    )


def post_in_vain(server: Server, key: str) -> None:
    with pytest.raises(httpx2.TransportError):
        post(server, key)


def get(server: Server, path: str) -> httpx2.Response:
    return httpx2.get(
        f"{server.address}{path}", headers=authorized(server), timeout=30, trust_env=False
    )


def authorized(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.first_run_key}"}
