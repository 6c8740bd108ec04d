"""SIGTERM: nothing in flight is lost, streams end, nothing new is let in, exit code 0."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import plain
from tests.server import Server
from tests.waiting import wait_for

BODY = b'{"channelName": "drain", "title": "In flight"}'


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as server:
        yield server


def connect(server: Server) -> socket.socket:
    where = urlsplit(server.address)
    return socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=30)


def head(server: Server) -> bytes:
    return (
        f"POST /v1/events HTTP/1.1\r\nHost: gatepost\r\nAuthorization: Bearer "
        f"{server.first_run_key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode()


def half_sent(server: Server) -> socket.socket:
    """A connection whose request has begun: the head and the first byte of the body."""
    sock = connect(server)
    sock.sendall(head(server) + BODY[:1])
    return sock


def all_of(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def refuses(server: Server) -> bool:
    try:
        connect(server).close()
    except OSError:
        return True
    return False


def ended(server: Server) -> int | None:
    process = server._process
    assert process is not None
    return process.poll()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered_and_kept(fresh: Server, number: signal.Signals) -> None:
    with contextlib.closing(half_sent(fresh)) as sock:
        in_flight(fresh)
        os.kill(fresh.pid, number)
        wait_for(lambda: refuses(fresh), "the closed door")
        assert ended(fresh) is None
        sock.sendall(BODY[1:])
        answer = all_of(sock)
    assert answer.startswith(b"HTTP/1.1 201 ")
    wait_for(lambda: ended(fresh) is not None, "the end")
    assert ended(fresh) == 0
    fresh._process = None
    fresh.start()
    headers = {"Authorization": f"Bearer {fresh.first_run_key}"}
    events = plain.get(f"{fresh.address}/v1/events", headers=headers)
    assert [one["title"] for one in events.json()["data"]["events"]] == ["In flight"]


def in_flight(server: Server) -> None:
    """Wait until the server has read all that was sent to it."""
    headers = {"Authorization": f"Bearer {server.first_run_key}"}
    for _ in range(3):  # answered after what came before it, on the same event loop
        plain.get(f"{server.address}/v1/me", headers=headers).raise_for_status()


def test_a_stream_ends_and_an_idle_connection_does_not_hold_the_exit(fresh: Server) -> None:
    headers = {"Authorization": f"Bearer {fresh.first_run_key}"}
    ends: list[str] = []
    first = threading.Event()

    def read() -> None:
        url = f"{fresh.address}/v1/events/stream"
        with plain.stream("GET", url, headers=headers, timeout=60) as response:
            for _ in response.iter_lines():
                first.set()
        ends.append("clean")

    reader = threading.Thread(target=read)
    reader.start()
    assert first.wait(30)
    with plain.Client() as idle:
        idle.get(f"{fresh.address}/v1/me", headers=headers)
        assert fresh.stop(timeout_s=15) == 0
    reader.join(30)
    assert ends == ["clean"]


def test_a_second_signal_ends_it_at_once(fresh: Server) -> None:
    with contextlib.closing(half_sent(fresh)):
        in_flight(fresh)
        os.kill(fresh.pid, signal.SIGTERM)
        wait_for(lambda: refuses(fresh), "the closed door")
        os.kill(fresh.pid, signal.SIGTERM)
        wait_for(lambda: ended(fresh) is not None, "the end")
    assert ended(fresh) == 128 + signal.SIGTERM
    fresh._process = None
    fresh.start()


def test_a_delay_lets_a_load_balancer_notice(tmp_path: Path) -> None:
    with Server(tmp_path / "data", env={"GATEPOST_DRAIN_DELAY_S": "3"}) as server:
        os.kill(server.pid, signal.SIGTERM)
        ready = f"{server.address}/readyz"
        wait_for(lambda: plain.get(ready).status_code == 503, "not ready")
        key = {"Authorization": f"Bearer {server.first_run_key}"}
        answer = plain.post(f"{server.address}/v1/events", content=BODY, headers=key)
        assert answer.status_code == 201
        assert not refuses(server)
        wait_for(lambda: refuses(server), "the end of the delay")
        assert server.wait() == 0
