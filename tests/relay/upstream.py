"""An upstream of a test's own: it does what its paths say, and tells what it saw."""

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

T = TypeVar("T")

REASON = "Whatever"


@dataclass
class Seen:
    """One request, as it came over the wire; names of headers in lower case, in order."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    parts: list[bytes] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)

    def header(self, name: str) -> str | None:
        values = [value for other, value in self.headers if other == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


class Exchange:
    """One request while it is answered."""

    def __init__(
        self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.seen = seen
        self.reader = reader
        self.writer = writer

    async def part(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        size = int(await self.reader.readline(), 16)
        part = await self.reader.readexactly(size)
        await self.reader.readline()
        self.seen.parts.append(part)
        return part

    async def read(self) -> bytes:
        """The whole body."""
        if self.seen.header("transfer-encoding") == "chunked":
            while part := await self.part():
                self.seen.body += part
        elif length := int(self.seen.header("content-length") or 0):
            self.seen.body = await self.reader.readexactly(length)
        return self.seen.body

    async def head(self, status: int, *lines: str) -> None:
        text = "\r\n".join((f"HTTP/1.1 {status} {REASON}", *lines, "", ""))
        self.writer.write(text.encode("latin-1"))
        await self.writer.drain()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def answer(self, status: int, body: bytes, *lines: str) -> None:
        await self.head(status, f"Content-Length: {len(body)}", *lines)
        if self.seen.method != "HEAD":
            await self.send(body)

    async def gone(self) -> None:
        """Wait until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()
        self.seen.hung_up.set()


Behaviour = Callable[[Exchange], Awaitable[None]]


async def echo(exchange: Exchange) -> None:
    """Tell what came."""
    body = await exchange.read()
    seen = exchange.seen
    told = {
        "method": seen.method,
        "target": seen.target,
        "headers": seen.headers,
        "body": body.decode("latin-1"),
    }
    content = json.dumps(told).encode()
    await exchange.answer(200, content, "Content-Type: application/json", "X-Own: theirs")


class Upstream:
    """An HTTP/1.1 server on a free port; a context manager.

    What a path does is `does[path]`, else `echo`; `/status/500` answers so.
    """

    def __init__(self) -> None:
        self.does: dict[str, Behaviour] = {}
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exc: object) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def event(self) -> "Flag":
        """A flag that a behaviour waits for and a test raises."""
        return Flag(self._loop)

    def one(self, path: str) -> Seen:
        """The only request that came for a path."""
        (seen,) = self.seen[path]
        return seen

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = [line.partition(":") for line in lines if line]
        seen = Seen(method, target, [(name.lower(), value.strip()) for name, _, value in pairs])
        path = target.partition("?")[0]
        self.seen[path].append(seen)
        exchange = Exchange(seen, reader, writer)
        if path.startswith("/status/"):
            await exchange.read()
            await exchange.answer(int(path.rpartition("/")[2]), b"{}")
        else:
            await self.does.get(path, echo)(exchange)
        return not writer.is_closing()


class Flag:
    """An event between a test's thread and the server's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def set(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        await self._event.wait()
