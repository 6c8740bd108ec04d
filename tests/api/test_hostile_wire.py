"""Lies on the wire itself: each is refused or ended in good time, the next honest one served."""

import contextlib
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests import plain
from tests.server import Server, unique

PATIENCE_S = 20.0
PACKED = json.dumps({"channelName": "hostile", "title": "t"}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: whatever happens here, the other tests' one knows nothing of it."""
    env = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "10000"}
    with Server(tmp_path_factory.mktemp("hostile") / "data", env=env) as running:
        yield running
        assert "Traceback" not in running.output()


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.make_tenant(limit="off").key.secret


@pytest.fixture(autouse=True)
def still_serving(server: Server, key: str) -> Iterator[None]:
    """After whatever was sent, an honest event is stored."""
    yield
    headers = {"Authorization": f"Bearer {key}"}
    event = {"channelName": unique("after"), "title": "Still here"}
    answer = plain.post(f"{server.address}/v1/events", json=event, headers=headers, timeout=5)
    assert answer.status_code == 201


def raw(server: Server, request: bytes, timeout_s: float = PATIENCE_S) -> bytes:
    """What comes back on a connection of its own, up to its end or the end of one reply."""
    where = urlsplit(server.address)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout_s) as peer:
        received = b""
        with contextlib.suppress(ConnectionError):  # it may hang up before it has read all
            peer.sendall(request)
        with contextlib.suppress(ConnectionError):
            while not complete(received) and (part := peer.recv(65_536)):
                received += part
    return received


def complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return bool(end) and bool(lengths) and len(body) >= lengths[0]


def status(received: bytes) -> int:
    assert received.startswith(b"HTTP/1.1 "), received[:200]
    return int(received[9:12])


def head(key: str, *lines: str, method: str = "POST", path: str = "/v1/events") -> bytes:
    fields = ["Host: gatepost", f"Authorization: Bearer {key}", *lines]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""]).encode("latin-1")


# Lies on the wire


@pytest.mark.parametrize(
    "length", ["-1", "+5", "1.0", "0x10", "ten", "", "5 5", "5, 6", "9" * 30, "\xb2"]
)
def test_a_senseless_length_is_refused(server: Server, key: str, length: str) -> None:
    request = head(key, f"Content-Length: {length}")
    assert status(raw(server, request + PACKED)) in {400, 413}


def test_two_lengths_are_refused(server: Server, key: str) -> None:
    size = len(PACKED)
    lines = [f"Content-Length: {size}", f"Content-Length: {size + 1}"]
    assert status(raw(server, head(key, *lines) + PACKED)) == 400


def test_a_length_and_chunks_are_refused(server: Server, key: str) -> None:
    lines = [f"Content-Length: {len(PACKED)}", "Transfer-Encoding: chunked"]
    assert status(raw(server, head(key, *lines) + b"0\r\n\r\n")) == 400


def test_a_huge_length_is_refused_before_its_body(server: Server, key: str) -> None:
    assert status(raw(server, head(key, f"Content-Length: {10**12}"))) == 413


def test_a_body_shorter_than_its_length_keeps_nobody_waiting(server: Server, key: str) -> None:
    where = urlsplit(server.address)
    with socket.create_connection((where.hostname or "", where.port or 0), 5) as peer:
        peer.sendall(head(key, "Content-Length: 1000") + PACKED)


def test_a_body_longer_than_its_length_is_a_broken_next_request(server: Server, key: str) -> None:
    received = raw(server, head(key, "Content-Length: 2") + b"{}" + b"x" * 100)
    assert status(received) == 400


def test_chunks_without_end_are_cut_off(server: Server, key: str) -> None:
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    received = raw(server, head(key, "Transfer-Encoding: chunked") + chunk * 20)
    assert status(received) == 413


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"\r\n\r\n", b"ffffffffffffffffff\r\n"])
def test_a_senseless_chunk_is_refused(server: Server, key: str, chunk: bytes) -> None:
    assert status(raw(server, head(key, "Transfer-Encoding: chunked") + chunk)) == 400


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
    ],
    ids=["TLS", "no path", "version", "no colon", "name", "NUL"],
)
def test_what_is_no_http_is_refused(server: Server, junk: bytes) -> None:
    received = raw(server, junk)
    assert received == b"" or status(received) == 400


# Paths, queries, headers


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events/" + "x" * 60_000,
        "/v1/people/" + "%00",
        "/v1/people/" + "%ff%fe",
        "/v1/people/" + "%zz",
        "/v1/people/" + "%",
        "/v1/people/%ed%a0%80",
        "/v1/events/..%2f..%2fetc%2fpasswd",
        "/v1/events/../../etc/passwd",
        "/v1/events/event_" + "g" * 32,
        "/v1/events/event_" + "%20" * 32,
        "/v1/events/event_%C2%B2" + "0" * 31,
        "/v1/nothing",
        "/" * 5000,
        "//v1//nothing//",
        "/v1/people/" + "a/" * 3000,
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_odd_path_is_refused(server: Server, key: str, path: str, method: str) -> None:
    received = raw(server, head(key, method=method, path=path))
    assert 300 <= status(received) < 500


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e3",
        "limit=" + "9" * 5000,
        "limit=%00",
        "limit=%D9%A1",
        "limit=1&limit=2",
        "cursor=%00",
        "cursor=" + "A" * 10_000,
        "cursor=%FF",
        "channel=%00",
        "channel=" + "x" * 300,
        "channel=%ED%A0%80",
        "nothing=1",
        "&" * 1000 + "nothing",
        "a=1&" * 1000,
        "since=tomorrow",
        "since=99999-01-01T00:00:00Z",
        "before=" + "9" * 400,
        "q=" + "a%20" * 5000,
        "metadata.=1",
        "metadata.a.b..c=1",
        "metadata." + "a." * 1000 + "b=1",
        "%=%",
        "=",
        "q=%27%22%3B--%20*%20NEAR(%20AND",
    ],
    ids=lambda query: query[:40],
)
def test_an_odd_query_is_refused_or_read(server: Server, key: str, query: str) -> None:
    received = raw(server, head(key, method="GET", path=f"/v1/events?{query}"))
    assert status(received) in {200, 400}, received
    if query.startswith(("limit", "cursor", "nothing", "since")):
        assert status(received) == 400, received


@pytest.mark.parametrize(
    "lines",
    [
        ["X: " + "a" * 200_000],
        [f"X-{number}: a" for number in range(5000)],
        ["Cookie: " + "a=b; " * 40_000],
    ],
    ids=["long", "many", "cookies"],
)
def test_a_flood_of_headers_is_survived(server: Server, key: str, lines: list[str]) -> None:
    received = raw(server, head(key, *lines, method="GET", path="/v1/ping"))
    assert received == b"" or status(received) in {200, 400, 431}


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        ("X-Project-ID: nothing", {404}),
        ("X-Project-ID: project_" + "\xff" * 32, {404}),
        ("X-Project-ID: " + "x" * 5000, {404}),
        ("Idempotency-Key: " + "x" * 256, {400}),
        ("Idempotency-Key: " + "\xff" * 255, {201}),
        ("Idempotency-Key:", {201}),
        ("X-Forwarded-For: not, an, address, \xff", {201}),
        ("Host: [", {201, 400}),
        ("Expect: something", {201, 400, 417}),
        ("Upgrade: websocket", {201, 400, 426}),
        ("Connection: close, \xff", {201, 400}),
    ],
)
def test_an_odd_header_is_refused_or_ignored(
    server: Server, key: str, line: str, statuses: set[int]
) -> None:
    request = head(key, line, f"Content-Length: {len(PACKED)}") + PACKED
    assert status(raw(server, request)) in statuses


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer",
        "Authorization: Bearer  ",
        "Authorization: Bearer " + "x" * 60_000,
        "Authorization: Bearer \xff\xfe",
        "Authorization: Bearer a b c",
        "Authorization: Basic OnRoaXM=",
        "Authorization:",
        "X-Api-Key: nothing",
    ],
)
def test_an_odd_credential_is_unauthorized(server: Server, line: str) -> None:
    request = f"GET /v1/me HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n".encode("latin-1")
    assert status(raw(server, request)) == 401


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "BREW", "get"])
def test_an_odd_method_is_refused(server: Server, key: str, method: str) -> None:
    received = raw(server, head(key, method=method, path="/v1/events"))
    assert 400 <= status(received) < 500
