"""uvicorn's HTTP/1.1 protocol with a short cut for small exchanges, offered as an ASGI extension.

ASGI hands a body over and a reply back in several awaited messages. Where all of a request has
arrived already, and its reply is one piece, `scope["extensions"]["gatepost.exchange"]` does the
same with two plain calls, and the reply leaves in one write. A stream that has begun takes further
parts by a plain call as well, so that one task can write to many. Whatever it does not cover goes
through `receive` and `send`, as under any other ASGI server.

Two things more cost less here: waiting for the next request, and carrying requests whose work is
done by somebody else.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

T = TypeVar("T")

EXTENSION = "gatepost.exchange"
PUSH = "gatepost.push"
"""The last of these calls alone, for who hands a request over and watches how its reply begins."""


class Protocol(HttpToolsProtocol):
    """The protocol that `gatepost serve` gives to uvicorn. The application names in `swift` the
    paths whose requests are carried without a task.
    """

    _answered_at = 0.0
    _awaited: Any = None

    def __init__(self, config: Any, server_state: Any, *more: Any, **options: Any) -> None:
        """Share the turns of the loop with all connections of the server."""
        super().__init__(config, server_state, *more, **options)
        self._shared: Shared = vars(server_state).setdefault("shared", Shared(self.loop))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.scope["extensions"] = {EXTENSION: Exchange(cycle, self._shared.replies)}
        if cycle.scope["path"] in app.swift:
            self._shared.errands.add(cycle.run_asgi(app))
        else:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Begin the next request that is here, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    def _wait(self, seconds: float) -> None:
        later = self.loop.call_later
        self.timeout_keep_alive_task = later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no request has come for so long, or not all of one's head.
        One timer lasts for many requests: to set and unset it for each costs more than a look when
        it goes off.
        """
        self.timeout_keep_alive_task = None
        if not self.cycle.response_complete:
            return
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait(left)
        elif self._is_begun():
            self._awaited = self.scope
            self._wait(self.timeout_keep_alive)
        elif not self.transport.is_closing():
            self.transport.close()

    def _is_begun(self) -> bool:
        """Whether a request has begun to come, which has its time too."""
        return self.scope is not self.cycle.scope and self.scope is not self._awaited

    def _unset_keepalive_if_required(self) -> None:
        """It stays set, see there."""

    def shutdown(self) -> None:
        """Close the connection, or after the reply that is due."""
        self._shared.replies.flush()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection, and of its timer."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None


class Errand:
    """Carries a coroutine from one future to the next, as a task does, at half the price. It is
    nobody's current task, and cannot be cancelled: what is begun is committed or refused.
    """

    __slots__ = ("_send",)

    def __init__(self, coroutine: Coroutine[Any, None, None]) -> None:
        """Nothing runs yet."""
        self._send = coroutine.send

    def go_on(self, _done: object = None) -> None:
        """Run up to the next future, or to the end."""
        try:
            future: Any = self._send(None)
        except StopIteration:
            return
        if future is None:  # it only makes way for others
            asyncio.get_running_loop().call_soon(self.go_on)
            return
        # By this asyncio knows that somebody waits for it properly.
        future._asyncio_future_blocking = False  # noqa: SLF001 # made for all kinds of tasks
        future.add_done_callback(self.go_on)


class Turn(Generic[T]):
    """What is done together in the next turn of the event loop, before anything that begins after
    it: one callback for all of it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, do: Callable[[T], None]) -> None:
        """Nothing waits yet."""
        self._loop = loop
        self._do = do
        self._waiting: list[T] = []

    def add(self, one: T) -> None:
        """Have this done."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(one)

    def flush(self) -> None:
        """Do what waits; what fails fails alone."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            try:
                self._do(one)
            except Exception as fault:  # noqa: BLE001 # as of any callback, the loop is told
                self._loop.call_exception_handler({"message": "a turn", "exception": fault})


class Shared:
    """What all connections of a server share: requests are begun together, and replies leave
    together. Each write wakes the client's side, which costs more than the write itself; one that
    follows at once finds it awake.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing waits yet."""
        self.errands: Turn[Coroutine[Any, None, None]] = Turn(loop, _begin)
        self.replies: Turn[tuple[Any, bytes]] = Turn(loop, _write)


def _begin(coroutine: Coroutine[Any, None, None]) -> None:
    Errand(coroutine).go_on()


def _write(reply: tuple[Any, bytes]) -> None:
    transport, data = reply
    if not transport.is_closing():  # the client may have gone meanwhile
        transport.write(data)


class Exchange:
    """One request and its reply; `cycle` is uvicorn's own state of them.

    It leads to the scope, which leads here: held weakly, lest every request wait for the garbage
    collector.
    """

    __slots__ = ("_cycle", "_replies")

    def __init__(self, cycle: Any, replies: Turn[tuple[Any, bytes]]) -> None:
        """Stand beside `receive` and `send`."""
        self._cycle = weakref.ref(cycle)
        self._replies = replies

    def body(self) -> bytes | None:
        """The request's whole body, or None: it has not all arrived, or must be asked for."""
        cycle = self._cycle()
        if cycle is None or cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        return bytes(cycle.body)

    def reply(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a whole reply whose headers tell its length; False: nothing was done."""
        cycle = self._cycle()
        if cycle is None:
            return False
        usual = cycle.keep_alive and not cycle.response_started and not cycle.disconnected
        if not usual or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        lines = b"\r\n".join(map(b": ".join, (*cycle.default_headers, *headers)))
        whole = b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], lines, body)
        self._replies.add((cycle.transport, whole))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def push(self, framed: bytes) -> bool:
        """Write a part, framed by `chunk`, of a reply that has begun without a length; False:
        nothing was done, the client is behind or gone.
        """
        cycle = self._cycle()
        if cycle is None or cycle.disconnected or cycle.flow.write_paused:
            return False
        if not cycle.chunked_encoding or cycle.response_complete or cycle.transport.is_closing():
            return False
        cycle.transport.write(framed)
        return True

    def cut(self) -> None:
        """Hang up in the middle of a reply, so that nobody takes it for a whole one."""
        cycle = self._cycle()
        if cycle is not None:
            cycle.disconnected = True
            cycle.transport.close()


def chunk(content: bytes) -> bytes:
    """Frame a part of a reply that has no length. An empty one would end the reply."""
    return b"%x\r\n%b\r\n" % (len(content), content)
