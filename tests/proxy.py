"""A TCP road to a server, spoilt on demand: reset in mid-stream, stalled, cut, or ambushed."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

T = TypeVar("T")

HOST = "127.0.0.1"
CHUNK = 65_536
ANSWER_S = 10.0
NO_LINGER = struct.pack("ii", 1, 0)
"""Closing such a socket sends RST instead of FIN."""


@dataclass(frozen=True)
class Ambush:
    """On one connection a client says `word`, and later the server `answer`: then it is reset.

    The answer is lost or, if it is `passed` on, whatever the client says next.
    """

    word: bytes
    answer: bytes
    passed: bool = False


class Proxy:
    """Forwards a port of its own to a server's; runs in its own thread; a context manager.

    `carrying` names connections by what their client has ever said on them: `b"commit_marks"`
    are those that write, and none of Valkey's.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self._target = port
        self._roads: set[_Road] = set()
        self._stalled: bytes | None = None
        self._cut = False
        self.ambushed: Ambush | None = None
        """What is still waited for."""
        self._victim: _Road | None = None
        self._then: Callable[[], object] = _nothing
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(ANSWER_S)
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(ANSWER_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def by_way_of(self, url: str) -> str:
        """The address of the server, changed to lead through here."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    # What can happen to it

    def reset(self, carrying: bytes = b"") -> int:
        """RST to both ends of the connections; how many there were."""
        return self._do(partial(self._reset, carrying))

    @contextmanager
    def stalled(self, carrying: bytes = b"", *, after: Ambush | None = None) -> Iterator[None]:
        """Nothing passes, nobody is told; new connections are accepted and silent as well."""
        self._begin(partial(self._set_stall, carrying), after)
        try:
            yield
        finally:
            self._do(partial(self._set_stall, None))

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Connections are reset, and so is each new one."""
        self._do(partial(self._set_cut, True))
        try:
            yield
        finally:
            self._do(partial(self._set_cut, False))

    def ambush(self, ambush: Ambush) -> None:
        """Let it happen once; `ambushed` is None from then on."""
        self._begin(_nothing, ambush)

    # In the thread of the loop

    def _do(self, work: Callable[[], T]) -> T:
        done: Future[T] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(work()))
        return done.result(ANSWER_S)

    def _begin(self, trouble: Callable[[], object], after: Ambush | None) -> None:
        self._do(trouble if after is None else partial(self._lie_in_wait, after, trouble))

    def _lie_in_wait(self, ambush: Ambush, then: Callable[[], object]) -> None:
        self.ambushed, self._victim, self._then = ambush, None, then

    def _reset(self, carrying: bytes) -> int:
        roads = [road for road in self._roads if road.carries(carrying)]
        for road in roads:
            road.reset()
        return len(roads)

    def _set_stall(self, carrying: bytes | None) -> None:
        self._stalled = carrying
        self._changed.set()
        self._changed = asyncio.Event()

    def _set_cut(self, cut: bool) -> None:
        self._cut = cut
        if cut:
            self._reset(b"")

    async def passable(self, road: "_Road") -> None:
        """Wait while the road is stalled."""
        while self._stalled is not None and road.carries(self._stalled):
            await self._changed.wait()

    def chosen(self, road: "_Road", ambush: Ambush) -> bool:
        """Whether it is this road's: the first one that comes so far."""
        if self.ambushed is ambush and self._victim is None:
            self._victim = road
        return self._victim is road

    def fallen(self) -> None:
        self.ambushed = self._victim = None
        self._then()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._reset(b"")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._cut:
                raise ConnectionResetError
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            _reset(writer)
            return
        road = _Road(self, writer, far_writer)
        self._roads.add(road)
        try:
            await asyncio.gather(road.there(reader), road.back(far_reader))
        finally:
            self._roads.discard(road)


class _Road:
    """One connection: its two ends, and what the client has said."""

    def __init__(
        self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._said = bytearray()
        self._expected: Ambush | None = None
        self._due = False

    def carries(self, word: bytes) -> bool:
        return word in self._said

    def reset(self) -> None:
        _reset(self._client)
        _reset(self._server)

    async def there(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                self._said += data[: CHUNK - len(self._said)]
                if self._due:
                    self._fall()
                    return
                ambush = self._proxy.ambushed
                if ambush is not None and ambush.word in data:
                    self._expected = ambush
                await self._pass(data, self._server)
        self._server.close()

    async def back(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                expected = self._expected
                if expected is not None and expected.answer in data:
                    self._due = self._proxy.chosen(self, expected)
                if self._due and expected is not None and not expected.passed:
                    self._fall()
                    return
                await self._pass(data, self._client)
        self._client.close()

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        await self._proxy.passable(self)
        writer.write(data)
        await writer.drain()

    def _fall(self) -> None:
        self.reset()
        self._proxy.fallen()


def _nothing() -> None:
    pass


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()
