"""An open stream's way to its client, which either side may end at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

Push = Callable[[bytes], bool]
"""Write a framed part of a reply at once; False: nothing was done, it must be sent."""


class Over(Exception):  # noqa: N818 # no error: streams end like this
    """The client has left, or the server is going down."""


class Stalled(Exception):  # noqa: N818 # the same
    """The client takes nothing any more: `sending` has still to finish."""

    def __init__(self, sending: asyncio.Future[None]) -> None:
        """Hold what was not taken."""
        super().__init__()
        self.sending = sending


class Channel(NamedTuple):
    """Both directions of one HTTP exchange; what its server can write at once, if it can."""

    send: Any
    receive: Any
    push: Push | None


class Line:
    """One client's end of a stream. While nothing is sent it costs no more than to be told that the
    client has left.
    """

    __slots__ = ("_ears", "_push", "_send", "_stall_s", "over")

    def __init__(self, channel: Channel, stall_s: float) -> None:
        """Listen to the client from now on."""
        self._send = channel.send
        self._push = channel.push
        self._stall_s = stall_s
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ears = asyncio.ensure_future(_left(channel.receive))
        self._ears.add_done_callback(lambda _: self.end())

    def end(self) -> None:
        """Send no more."""
        if not self.over.done():
            self.over.set_result(None)

    def close(self) -> None:
        """Stop listening."""
        self._ears.cancel()

    def push(self, framed: bytes) -> bool:
        """Write at once what `chunk` framed; False where that cannot be, and nothing is done."""
        return self._push is not None and not self.over.done() and self._push(framed)

    async def send(self, part: bytes) -> None:
        """Send, and wait while the client is behind. Raises Over or Stalled."""
        message = {"type": "http.response.body", "body": part, "more_body": True}
        sending = asyncio.ensure_future(self._send(message))
        if not await self.finished(sending, self._stall_s):
            raise Stalled(sending)
        self.check()

    def check(self) -> None:
        """Raise Over where it is."""
        if self.over.done():
            raise Over

    async def finished(self, sending: asyncio.Future[None], patience_s: float) -> bool:
        """Wait for a sending, but not longer than the exchange lasts."""
        await asyncio.wait({sending, self.over}, timeout=patience_s, return_when=_FIRST)
        return sending.done() and sending.result() is None


class Lines:
    """All that are open: they end when the server goes down."""

    def __init__(self, draining: asyncio.Event) -> None:
        """Begin with none."""
        self._draining = draining
        self._open: set[Line] = set()
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def opened(self, channel: Channel, stall_s: float) -> Iterator[Line]:
        """Open a line for as long as the context is."""
        line = Line(channel, stall_s)
        self._open.add(line)
        if self._draining.is_set():
            line.end()
        if self._watch is None:
            self._watch = asyncio.create_task(self._drain())
        try:
            yield line
        finally:
            line.close()
            self._open.discard(line)
            if not self._open and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _drain(self) -> None:
        await self._draining.wait()
        for line in self._open:
            line.end()


_FIRST = asyncio.FIRST_COMPLETED


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
