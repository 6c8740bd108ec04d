"""uvicorn's HTTP/1.1 protocol with a short cut for small exchanges, offered as an ASGI extension.

ASGI hands a body over and a reply back in several awaited messages. Where all of a request has
arrived already, and its reply is one piece, `scope["extensions"]["gatepost.exchange"]` does the
same with two plain calls, and the reply leaves in one write. A stream that has begun takes further
parts by a plain call as well, so that one task can write to many. Whatever it does not cover goes
through `receive` and `send`, as under any other ASGI server.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

EXTENSION = "gatepost.exchange"
PUSH = "gatepost.push"
"""The last of these calls alone, for who hands a request over and watches how its reply begins."""


class Protocol(HttpToolsProtocol):
    """The protocol that `gatepost serve` gives to uvicorn."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        cycle.scope["extensions"] = {EXTENSION: Exchange(cycle)}
        super()._start_asgi_task(cycle, app)


class Exchange:
    """One request and its reply; `cycle` is uvicorn's own state of them.

    It leads to the scope, which leads here: held weakly, lest every request wait for the garbage
    collector.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: Any) -> None:
        """Stand beside `receive` and `send`."""
        self._cycle = weakref.ref(cycle)

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
        parts = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body)
        cycle.transport.write(b"".join(parts))
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
