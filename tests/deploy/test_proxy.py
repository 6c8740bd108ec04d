"""The proxy of the compose file: real Caddy with our Caddyfile, in front of the real program."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests import plain
from tests.deploy import files
from tests.server import Server
from tests.waiting import wait_for

UPSTREAMS = re.compile(r"(?<=reverse_proxy ).*(?= {)")
# No second process may want the same port, and what it makes stays in the test's folder.
ALONE = "{\n\tadmin off\n\tpersist_config off\n}\n"


def validated(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    home = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    options = ["--adapter", "caddyfile", "--config"]
    return files.run("caddy", "validate", *options, file, SITE=":80", **home)


@contextlib.contextmanager
def proxy(folder: Path, *upstreams: str) -> Iterator[httpx2.Client]:
    """Run Caddy on a socket in `folder`; a client that speaks to it."""
    door, file = folder / "proxy.sock", folder / "Caddyfile"
    text = UPSTREAMS.sub(" ".join(upstreams), files.CADDYFILE.read_text())
    file.write_text(ALONE + text.replace("{$SITE} {", f"http:// {{\n\tbind unix/{door}", 1))
    caddy = str(Path(sys.executable).with_name("caddy"))
    command = [caddy, "run", "--adapter", "caddyfile", "--config", str(file)]
    home = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | home, stdout=log, stderr=log)
    try:
        wait_for(lambda: opens(door), "Caddy")
        transport = httpx2.HTTPTransport(uds=str(door), verify=plain.TRUSTS_NOBODY)
        with plain.Client(transport=transport, base_url="http://gatepost", timeout=30) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def opens(door: Path) -> bool:
    """Whether somebody listens: the socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(door)) == 0


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Server]]:
    with Server(tmp_path / "one") as one, Server(tmp_path / "two") as two:
        yield [one, two]


def where(server: Server) -> str:
    return urlsplit(server.address).netloc


def closed() -> str:
    """An address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


def test_caddy_understands_it(tmp_path: Path) -> None:
    done = validated(files.CADDYFILE, tmp_path)
    assert done.returncode == 0, done.stdout
    assert files.run("caddy", "fmt", "--diff", files.CADDYFILE).returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lb_policy least_conn", "lb_policy least_busy"),
        ("health_uri", "health_url"),
        ("request_body {", "request_body"),
    ],
)
def test_caddy_notices(old: str, new: str, tmp_path: Path) -> None:
    copy = files.broken(files.copy_of(files.CADDYFILE, tmp_path), old, new)
    assert validated(copy, tmp_path).returncode != 0


def test_a_process_that_goes_down_is_not_noticed(pair: list[Server], tmp_path: Path) -> None:
    leaving, staying = pair
    with proxy(tmp_path, where(leaving), where(staying)) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200, "the first answer")
        os.kill(leaving.pid, signal.SIGTERM)
        answers = [client.get("/healthz").status_code]
        while not ended(leaving):
            answers.append(client.get("/healthz").status_code)
        answers += [client.get("/healthz").status_code for _ in range(50)]
    leaving._process = None
    assert set(answers) == {200}


def ended(server: Server) -> bool:
    process = server._process
    assert process is not None
    return process.poll() is not None


def test_with_nobody_there_clients_are_told_when_to_come_back(tmp_path: Path) -> None:
    with proxy(tmp_path, closed(), closed()) as client:
        answer = client.get("/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_the_numbers_stay_inside(server: Server, tmp_path: Path) -> None:
    with proxy(tmp_path, where(server)) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/healthz").status_code == 200
