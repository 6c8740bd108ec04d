"""A receiver of webhooks on this machine: it does what its paths say, and tells what it got."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self, TypeVar

from tests.server import unique
from tests.waiting import wait_for

T = TypeVar("T")

HEAD_BYTES_MAX = 100_000
LAST_S = 2.0
WITHOUT_BODY = {204, 304}


@dataclass(frozen=True)
class Got:
    """One request: names of headers as they came, the body as bytes. `connection` counts from 1;
    `first` says that this is its first request; `at` is in seconds of `time.monotonic`.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    first: bool = True
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def all(self, name: str) -> list[str]:
        """The values of a header, in the order in which they came."""
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The value of a header that may come once at most."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def by_name(self) -> dict[str, str]:
        """Headers by their names in lower case, as libraries take them."""
        return {name.lower(): value for name, value in self.headers}


class Exchange:
    """One request while it is answered; its body has been read."""

    def __init__(
        self, got: Got, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> None:
        self.got = got
        self.writer = writer
        self.reader = reader

    async def send(self, data: bytes) -> None:
        """Raises ConnectionResetError where the other side has hung up."""
        if self.writer.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)  # else the loop never comes to know that nobody reads

    async def head(self, status: int, *lines: str) -> None:
        text = "\r\n".join((f"HTTP/1.1 {status} Whatever", *lines, "", ""))
        await self.send(text.encode("latin-1"))

    async def answer(self, status: int, body: bytes = b"", *lines: str) -> None:
        if status in WITHOUT_BODY:
            await self.head(status, *lines)
            return
        await self.head(status, f"Content-Length: {len(body)}", *lines)
        if self.got.method != "HEAD":
            await self.send(body)

    async def gone(self) -> None:
        """Wait until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    def reset(self) -> None:
        """Hang up with a reset: the other side's connection breaks."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Exchange], Awaitable[None]]


def answers(status: int, body: bytes = b"{}", *lines: str) -> Behaviour:
    """Answers at once; `lines` are further headers."""

    async def do(exchange: Exchange) -> None:
        await exchange.answer(status, body, *lines)

    return do


def redirects(to: str, status: int = 302) -> Behaviour:
    """Sends whoever follows to somewhere else."""
    return answers(status, b"", f"Location: {to}")


async def stalls(exchange: Exchange) -> None:
    """Never answers."""
    await exchange.gone()


async def resets(exchange: Exchange) -> None:
    """Breaks the connection instead of an answer."""
    exchange.reset()


async def hangs_up(exchange: Exchange) -> None:
    """Closes the connection without an answer."""
    exchange.writer.close()


async def breaks_off(exchange: Exchange) -> None:
    """Closes the connection within the head of its answer."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
    exchange.writer.close()


async def drips_headers(exchange: Exchange) -> None:
    """Sends the head of its answer one line at a time, for ever."""
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(ConnectionError):
        for number in range(1000):
            await exchange.send(b"X-%d: y\r\n" % number)
            await asyncio.sleep(0.2)


def truncates(status: int = 200) -> Behaviour:
    """Announces a body, and ends in the middle of it."""

    async def do(exchange: Exchange) -> None:
        await exchange.head(status, "Content-Length: 1000")
        await exchange.send(b"only this")
        exchange.writer.close()

    return do


async def talks_nonsense(exchange: Exchange) -> None:
    """Answers in no known protocol."""
    await exchange.send(b"220 mail.example.com ESMTP\r\n")
    exchange.writer.close()


def drips(status: int = 200, *, every_s: float = 0.05, bytes_: int = 100_000) -> Behaviour:
    """Answers one byte at a time."""

    async def do(exchange: Exchange) -> None:
        await exchange.head(status, f"Content-Length: {bytes_}")
        with contextlib.suppress(ConnectionError):
            for _ in range(bytes_):
                await exchange.send(b".")
                await asyncio.sleep(every_s)

    return do


def floods(status: int = 200, *, bytes_max: int = 1_000_000_000) -> Behaviour:
    """Answers with a body that is much too large, until the other side hangs up."""

    async def do(exchange: Exchange) -> None:
        await exchange.head(status, f"Content-Length: {bytes_max}")
        with contextlib.suppress(ConnectionError):
            for _ in range(bytes_max // 65_536):
                await exchange.send(b"x" * 65_536)

    return do


def floods_headers(status: int = 200, *, lines: int = 100_000) -> Behaviour:
    """Answers with headers that do not end."""

    async def do(exchange: Exchange) -> None:
        with contextlib.suppress(ConnectionError):
            await exchange.head(status, *(f"X-{number}: {'y' * 100}" for number in range(lines)))

    return do


def then_closes(status: int = 200) -> Behaviour:
    """Answers as if the connection stayed open, and closes it."""

    async def do(exchange: Exchange) -> None:
        await exchange.answer(status, b"{}")
        exchange.writer.close()

    return do


def waits(seconds: float, then: Behaviour) -> Behaviour:
    """Takes its time."""

    async def do(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await then(exchange)

    return do


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first, …; the last one is for all that follow."""
    turn = count()

    async def do(exchange: Exchange) -> None:
        await behaviours[min(next(turn), len(behaviours) - 1)](exchange)

    return do


async def hangs_up_if_used(exchange: Exchange) -> None:
    """Closes a connection that has brought a request before; answers on a new one."""
    if exchange.got.first:
        await exchange.answer(200, b"{}")
    else:
        exchange.writer.close()


class Receiver:
    """An HTTP/1.1 server on a free port of an address of this machine; a context manager.

    What a path does is `does[path]`, else `otherwise`. With `tls` it speaks HTTPS alone, as
    `name`, which is what a certificate is made for. Every connection is counted, also one that
    brings no request.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        *,
        tls: ssl.SSLContext | None = None,
        name: str = "",
        port: int = 0,
    ) -> None:
        self.host = host
        self.port = port
        self.name = name or host
        self.does: dict[str, Behaviour] = {}
        self.otherwise: Behaviour = answers(200)
        self.got: list[Got] = []
        self.connections = 0
        self.open = 0
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self._ending: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self.run(self._start())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exc: object) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        """Its URL without a path."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def place(self, does: Behaviour | None = None) -> tuple[str, str]:
        """A path of the test's own that does something: (the whole URL, the path)."""
        path = f"/{unique('hook')}"
        if does is not None:
            self.does[path] = does
        return self.address + path, path

    def at(self, path: str) -> list[Got]:
        """What came for a path so far."""
        return [one for one in list(self.got) if one.path == path]

    def wait(self, path: str, number: int = 1, timeout_s: float = 30.0) -> list[Got]:
        """Wait until so many requests have come for a path; returns them all."""
        return wait_for(
            lambda: found if len(found := self.at(path)) >= number else None,
            f"{number} requests for {path}",
            timeout_s,
        )

    def one(self, path: str, timeout_s: float = 30.0) -> Got:
        """Wait for the first request for a path."""
        return self.wait(path, 1, timeout_s)[0]

    def hang_up(self) -> None:
        """Close every connection that is open, as a server does with idle ones."""
        for writer in list(self._writers):
            self._loop.call_soon_threadsafe(writer.close)
        wait_for(lambda: not self._writers, "the end of all connections")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the receiver's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self._tls, limit=HEAD_BYTES_MAX, backlog=1024
        )

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._ending:
            writer.transport.abort()  # what the other side did not read would keep it open
        ends = (writer.wait_closed() for writer in self._ending)
        await asyncio.gather(*ends, return_exceptions=True)
        await self._settled()

    async def _settled(self) -> None:
        """Wait for connections of which nobody tells the end: handshakes that have failed."""
        server: Any = self._server
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                while server._active_count:  # noqa: ASYNC110 # there is no event for it
                    await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        number = self.connections
        self._writers.add(writer)
        first = True
        try:
            while await self._exchange(number, first, reader, writer):
                first = False
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:  # the receiver closes; asyncio would make a fuss
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            self._ending.append(writer)
            writer.close()

    async def _exchange(
        self, number: int, first: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = start.split(" ")
        pairs = [line.partition(":") for line in lines if line]
        headers = [(name, value.strip()) for name, _, value in pairs]
        body = await _body(reader, {name.lower(): value for name, value in headers})
        got = Got(method, target, headers, body, number, first)
        self.got.append(got)
        await self.does.get(got.path, self.otherwise)(Exchange(got, writer, reader))
        return not writer.is_closing()


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
