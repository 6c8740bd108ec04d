"""The first minute: start, copy the line it prints, start again; and every way not to start."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import pytest
from alembic.config import Config

from gatepost import migrations
from gatepost.base.durable import make_folder
from gatepost.storage.sqlite.connection import engine_of
from tests import plain
from tests.program import PROGRAM
from tests.server import Server
from tests.waiting import wait_for

pytestmark = pytest.mark.once

START_S = 30


class Started:
    """`gatepost serve` as a newcomer runs it: no `--json`, its output kept as text."""

    def __init__(self, data: Path, *options: str) -> None:
        self.out = data.with_name("out.txt")
        command = [*PROGRAM, "serve", "--port", "0", "--data", str(data), *options]
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        wait_for(lambda: "Docs" in self.text(), "the addresses", START_S)

    def text(self) -> str:
        return self.out.read_text()

    def line(self, name: str) -> str:
        """The second word of the line that begins with a name."""
        return next(line.split()[1] for line in self.text().splitlines() if line.startswith(name))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextlib.contextmanager
def started(data: Path, *options: str) -> Iterator[Started]:
    running = Started(data, *options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def refused(data: Path, *, port: str = "0", env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code and the words of a start that must not succeed."""
    done = subprocess.run(
        [*PROGRAM, "serve", "--port", port, "--data", str(data)],
        env=dict(os.environ) | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.returncode, done.stderr


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def get(url: str, key: str) -> Any:
    return plain.get(url, headers=bearer(key)).json()["data"]


def test_the_printed_command_stores_a_first_event(tmp_path: Path) -> None:
    with started(tmp_path / "data") as running:
        wait_for(lambda: "curl" in running.text(), "the command")
        command = running.text().partition("curl ")[2]
        shell = ["bash", "-c", "curl --silent --fail " + command]
        done = subprocess.run(shell, capture_output=True, text=True, timeout=30, check=True)
        event = json.loads(done.stdout)["data"]
        key = running.line("Key")
        read = get(f"{running.line('API')}/v1/events/{event['id']}", key)
        assert read["title"] == "My first event"
        docs = plain.get(running.line("Docs"))
        assert docs.status_code == 200
        assert running.stop() == 0


def test_the_key_is_shown_once_and_goes_on_working(tmp_path: Path) -> None:
    with started(tmp_path / "data") as first:
        key = first.line("Key")
        assert first.stop() == 0
    with started(tmp_path / "data") as second:
        assert get(f"{second.line('API')}/v1/me", key)
        assert key not in second.text()
        assert "Key" not in second.text()
        assert second.stop() == 0


def test_json_is_one_line_with_the_address_and_the_key(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        (line,) = (server.logs / "serve-1.out").read_text().splitlines()
        printed = json.loads(line)
        link = printed.pop("dashboard")
        assert printed == {"address": server.address, "key": server.first_run_key}
        assert link.startswith(f"{server.address}/dashboard/open/")
        assert server.first_run_key is not None
        assert server.first_run_key.startswith("gp_live_")
        server.stop()
        server.start()
        (line,) = (server.logs / "serve-2.out").read_text().splitlines()
        printed = {"address": server.address, "key": None, "dashboard": None}
        assert json.loads(line) == printed


def test_the_data_folder_is_the_owners_alone(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.data.iterdir()}
        assert modes
        assert set(modes.values()) == {0o600}, modes


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        code, words = refused(server.data)
        assert code == 1
        assert f"is served already, by process {server.pid}" in words
        assert plain.get(f"{server.address}/readyz").status_code == 200
        server.kill()
        server.start()  # a killed server leaves no lock behind


def test_a_taken_port_is_refused_and_the_folder_stays_empty(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, words = refused(tmp_path / "data", port=port)
    assert code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in words
    assert not (tmp_path / "data" / "gatepost.db").exists()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"GATEPOST_PROT": "80"}, "unknown setting GATEPOST_PROT; did you mean GATEPOST_PORT?"),
        ({"GATEPOST_READERS": "0"}, "readers (from GATEPOST_READERS)"),
        ({"GATEPOST_TRUSTED_PROXIES": "here"}, "trusted_proxies"),
    ],
)
def test_bad_settings_are_an_error_of_usage(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    code, said = refused(tmp_path / "data", env=env)
    assert code == 2
    assert words in said
    assert not (tmp_path / "data").exists()


def test_a_damaged_pepper_is_refused(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        server.stop()
        pepper = server.data / "pepper.key"
        kept = pepper.read_bytes()
        pepper.write_bytes(b"short")
        code, words = refused(server.data)
        assert code == 1
        assert "pepper.key must hold exactly 32 bytes" in words
        pepper.write_bytes(kept)
        server.start()


def test_another_pepper_is_refused(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        server.stop()
        kept = (server.data / "pepper.key").read_bytes().hex()
        another = {"GATEPOST_PEPPER": "another secret of at least 32 characters"}
        code, words = refused(server.data, env=another)
        assert (code, "not the pepper" in words) == (1, True)
        assert "another secret" not in words
        assert "not the pepper" in Server(server.data, env=another).command("key", "list").stderr
        server.env["GATEPOST_PEPPER"] = kept
        server.start()
        assert server.cli("key", "list")["keys"]


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        server.stop()
        ((version,),) = server.query("SELECT version_num FROM alembic_version")
        server.query("UPDATE alembic_version SET version_num = '9999'")
        code, words = refused(server.data)
        assert code == 1
        assert "newer Gatepost" in words
        assert server.query("SELECT version_num FROM alembic_version") == [("9999",)]
        server.query("UPDATE alembic_version SET version_num = ?", version)
        server.start()


@pytest.mark.parametrize("version", migrations.versions()[:-1])
def test_an_older_database_is_copied_and_upgraded(tmp_path: Path, version: str) -> None:
    data = tmp_path / "data"
    make_folder(data)
    make_database(data / "gatepost.db", version)
    with Server(data) as server:
        assert (data / f"before-upgrade-from-{version}.db").is_file()
        assert server.query("SELECT version_num FROM alembic_version") == [(migrations.head(),)]
        assert server.query("SELECT count(*) FROM accounts") == [(1,)]


def make_database(path: Path, version: str) -> None:
    """A database as an older program has left it, before anybody used it."""
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    engine = engine_of(path)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, version)
    engine.dispose()
