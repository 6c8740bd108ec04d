"""The protocol under uvicorn: how long connections are kept, and what an errand can do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from uvicorn.server import ServerState

from gatepost.web.protocol import Protocol

KEEP_ALIVE_S = 1


class Application:
    """Answers after a wait of some kind, named in the query; `/swift` is carried without a task."""

    swift = frozenset({"/swift"})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        how = scope["query_string"].decode()
        if how == "raise":
            raise ValueError(how)
        if how == "turn":
            await asyncio.sleep(0)
        if how == "future":
            await asyncio.get_running_loop().run_in_executor(None, time.time)
        body = b"task" if asyncio.current_task() else b"errand"
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[Connection]:
    """A client's connection to an application of that kind."""
    config = uvicorn.Config(
        Application(),
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    async with listening:
        connection = Connection(*await asyncio.open_connection(*listening.sockets[0].getsockname()))
        yield connection
        connection.writer.close()
        await connection.writer.wait_closed()


class Connection:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def ask(self, target: str) -> None:
        self.writer.write(f"GET {target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())

    async def answer(self) -> tuple[int, str]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        (length,) = (int(one.split(":")[1]) for one in lines if one.startswith("content-length"))
        return int(head.split()[1]), (await self.reader.readexactly(length)).decode()


@pytest.mark.parametrize("how", ["", "turn", "future"])
async def test_an_errand_waits_for_anything(connection: Connection, how: str) -> None:
    for path, carrier in (("/swift", "errand"), ("/usual", "task"), ("/swift", "errand")):
        connection.ask(f"{path}?{how}")
        assert await connection.answer() == (200, carrier)


async def test_what_an_errand_raises_is_answered(connection: Connection) -> None:
    connection.ask("/swift?raise")
    assert (await connection.answer())[0] == 500


async def test_requests_that_come_at_once_are_answered_in_turn(connection: Connection) -> None:
    for target in ("/swift?future", "/usual?turn", "/swift"):
        connection.ask(target)
    answers = [(await connection.answer())[1] for _ in range(3)]
    assert answers == ["errand", "task", "errand"]


async def test_a_connection_is_kept_for_so_long_after_the_last_request(
    connection: Connection,
) -> None:
    heard = time.monotonic()
    for _ in range(3):
        connection.ask("/swift?future")
        await connection.answer()
        heard = time.monotonic()
        await asyncio.sleep(KEEP_ALIVE_S / 2)  # a client that takes its time
    assert await connection.reader.read() == b""
    assert time.monotonic() - heard >= KEEP_ALIVE_S * 0.95


async def test_half_a_request_is_not_waited_for_for_ever(connection: Connection) -> None:
    connection.ask("/swift")
    await connection.answer()
    await asyncio.sleep(KEEP_ALIVE_S / 2)  # a client that takes its time
    connection.writer.write(b"GET /swift HTTP/1.1\r\nHost: ")
    begun = time.monotonic()
    assert await connection.reader.read() == b""
    assert KEEP_ALIVE_S <= time.monotonic() - begun < KEEP_ALIVE_S * 3


async def test_a_slow_request_is_answered(
    connection: Connection,
) -> None:
    connection.ask("/swift")
    await connection.answer()
    connection.writer.write(b"GET /swift HTTP/1.1\r\nHost: ")
    await asyncio.sleep(KEEP_ALIVE_S * 1.5)  # the timer has gone off once
    connection.writer.write(b"here\r\n\r\n")
    assert await connection.answer() == (200, "errand")
