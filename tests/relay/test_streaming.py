"""Bodies pass as they come, in both directions; what breaks off is never taken for an end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.relay.tenant import Route, Tenant
from tests.relay.upstream import Behaviour, Exchange, Flag
from tests.waiting import wait_for


@contextmanager
def opened(tenant: Tenant, route: Route, *lines: str) -> Iterator[socket.socket]:
    """A connection with the head of a chunked request sent."""
    host, port = tenant.server.address.removeprefix("http://").split(":")
    head = [f"POST {route.path} HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", *lines]
    head += [f"Authorization: Bearer {tenant.admin.wire.key}", "", ""]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(head).encode())
        yield connection


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """What comes until some bytes, or until the other side hangs up."""
    found = b""
    while end not in found and (part := connection.recv(65536)):
        found += part
    return found


def test_a_body_arrives_piece_by_piece(tenant: Tenant) -> None:
    """The first piece is there before the second is sent."""

    async def reading(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(200, b"done")

    route = tenant.route(reading)
    with opened(tenant, route) as connection:
        for number in range(3):
            connection.sendall(b"5\r\nhell%d\r\n" % number)
            await_parts(tenant, route, number + 1)
        connection.sendall(b"0\r\n\r\n")
        assert read_until(connection, b"done").startswith(b"HTTP/1.1 200")
    assert tenant.seen(route).body == b"hell0hell1hell2"
    assert tenant.metered(f"POST {route.path}") == [(200, 1, 1)]


def await_parts(tenant: Tenant, route: Route, number: int) -> None:
    wait_for(lambda: len(parts_of(tenant, route)) == number, "the piece there")


def parts_of(tenant: Tenant, route: Route) -> list[bytes]:
    seen = tenant.upstream.seen[route.there]
    return seen[0].parts if seen else []


def pieces(go: list[Flag], *lines: str, end: bytes = b"0\r\n\r\n") -> Behaviour:
    """Sends a piece at each sign, and then an end."""

    async def send(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.head(200, *lines)
        for number, sign in enumerate(go):
            await sign.wait()
            await exchange.chunk(b"piece %d" % number)
        await exchange.send(end)

    return send


def test_an_answer_arrives_piece_by_piece(tenant: Tenant) -> None:
    go = [tenant.upstream.event() for _ in range(3)]
    route = tenant.route(pieces(go, "Transfer-Encoding: chunked"))
    wire = tenant.admin.wire
    headers = {"Authorization": f"Bearer {wire.key}"}
    with wire.client.stream("POST", wire.address + route.path, headers=headers) as answer:
        assert tenant.metered(f"POST {route.path}") == [(200, 1, 1)]
        parts = answer.iter_raw()
        for number, sign in enumerate(go):
            sign.set()
            assert next(parts) == b"piece %d" % number
        assert list(parts) == []


def test_both_directions_at_once(tenant: Tenant) -> None:
    """The upstream answers each piece before the next is sent."""

    async def talking(exchange: Exchange) -> None:
        await exchange.head(200, "Transfer-Encoding: chunked")
        while part := await exchange.part():
            await exchange.chunk(part.upper())
        await exchange.send(b"0\r\n\r\n")

    route = tenant.route(talking)
    with opened(tenant, route, "Connection: close") as connection:
        connection.sendall(b"3\r\none\r\n")
        assert b"ONE" in read_until(connection, b"ONE")
        connection.sendall(b"3\r\ntwo\r\n")
        assert b"TWO" in read_until(connection, b"TWO")
        connection.sendall(b"0\r\n\r\n")
        assert read_until(connection, b"no such end").endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 100"], b"begun"),
        (["Transfer-Encoding: chunked"], b"5\r\nbegun\r\n"),
    ],
)
def test_an_answer_that_breaks_off_is_cut(tenant: Tenant, lines: list[str], body: bytes) -> None:
    async def breaking(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.head(200, *lines)
        await exchange.send(body)
        exchange.writer.close()

    route = tenant.route(breaking)
    with pytest.raises(httpx2.RemoteProtocolError):
        tenant.send(route.path)
    assert tenant.metered(f"POST {route.path}") == [(200, 1, 1)]
    assert "Traceback" not in tenant.server.output()
    assert tenant.send(tenant.route().path).status_code == 200


def test_a_large_answer_waits_for_a_slow_reader(tenant: Tenant) -> None:
    """What the client does not read stays with the upstream, not in Gatepost's memory."""
    total, step = 64 * 1024 * 1024, 1024 * 1024
    sent = threading.Event()
    progress = {"bytes": 0}

    async def flooding(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.head(200, f"Content-Length: {total}")
        for _ in range(total // step):
            await exchange.send(b"x" * step)
            progress["bytes"] += step
        sent.set()

    route = tenant.route(flooding)
    wire = tenant.admin.wire
    headers = {"Authorization": f"Bearer {wire.key}"}
    with wire.client.stream("POST", wire.address + route.path, headers=headers) as answer:
        parts = answer.iter_raw()
        received = len(next(parts))
        wait_for(lambda: stands_still(progress), "the upstream to wait")
        assert progress["bytes"] < total / 2
        assert not sent.is_set()
        received += sum(map(len, parts))
    assert received == total


def stands_still(progress: dict[str, int]) -> bool:
    """Whether nothing has moved for some looks."""
    before, progress["before"] = progress.get("before"), progress["bytes"]
    progress["looks"] = progress.get("looks", 0) + 1 if before == progress["bytes"] else 0
    return progress["looks"] > 20


def test_a_streamed_body_has_a_bound(tenant: Tenant) -> None:
    async def reading(exchange: Exchange) -> None:
        await exchange.read()

    route = tenant.route(reading)
    part = b"x" * 1_048_576
    with opened(tenant, route) as connection, contextless(ConnectionError):
        for _ in range(11):
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        assert b" 413 " in read_until(connection, b"\r\n")
    assert wait_for(lambda: tenant.metered(f"POST {route.path}"), "the refusal") == [(413, 1, 0)]


@contextmanager
def contextless(*kinds: type[Exception]) -> Iterator[None]:
    """What the server says may come before it hangs up, or be lost with it."""
    try:
        yield
    except kinds:
        return


def test_an_early_answer_passes_although_the_body_still_comes(tenant: Tenant) -> None:
    async def impatient(exchange: Exchange) -> None:
        await exchange.part()
        await exchange.answer(403, b"no more", "Connection: close")

    route = tenant.route(impatient)
    with opened(tenant, route) as connection:
        connection.sendall(b"3\r\none\r\n")
        answer = read_until(connection, b"no more")
    assert answer.startswith(b"HTTP/1.1 403")
    assert tenant.metered(f"POST {route.path}") == [(403, 1, 0)]


def test_a_client_that_leaves_in_the_middle_of_its_body(tenant: Tenant) -> None:
    async def reading(exchange: Exchange) -> None:
        try:
            await exchange.read()
        finally:
            exchange.seen.hung_up.set()

    route = tenant.route(reading)
    with opened(tenant, route) as connection:
        connection.sendall(b"3\r\none\r\n")
        wait_for(lambda: parts_of(tenant, route), "the first piece there")
    assert tenant.seen(route).hung_up.wait(10)
    assert tenant.metered(f"POST {route.path}") == []


def test_an_upstream_may_be_slow_while_the_body_still_comes(tenant: Tenant) -> None:
    """Its time begins when it has the whole body."""

    async def reading(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(200, b"done")

    route: Any = tenant.route(reading, timeoutSeconds=0.5)
    ticks = iter(range(4))
    with opened(tenant, route) as connection:
        for number in ticks:
            connection.sendall(b"1\r\n%d\r\n" % number)
            await_parts(tenant, route, number + 1)
            threading.Event().wait(0.4)  # a slow client
        connection.sendall(b"0\r\n\r\n")
        assert read_until(connection, b"done").startswith(b"HTTP/1.1 200")
