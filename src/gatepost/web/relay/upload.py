"""A request's body on its way to an upstream, and word of the client's leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from gatepost.base.errors import AppError, Code
from gatepost.web import body
from gatepost.web.body import Receive

IDLE_S = 30.0
"""How long the next part may be missing, of a request or of an answer."""


class Upload:
    """What a client still sends. `fault` tells why it ended early, if it did."""

    def __init__(self, receive: Receive, limit: int, *, pending: bool) -> None:
        """Nothing is `pending` where the body has arrived, or there is none."""
        self.fault: Exception | None = None
        self._receive = receive
        self._limit = limit
        self._deadline: asyncio.Timeout | None = None
        self._patience_s = 0.0
        self._over = asyncio.Event()
        if not pending:
            self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken from the client."""
        return self._over.is_set()

    def press(self, deadline: asyncio.Timeout | None, patience_s: float = 0.0) -> None:
        """Push a deadline on: the upstream has this long after each part it was given."""
        self._deadline, self._patience_s = deadline, patience_s
        self._push(patience_s if self._over.is_set() else None)

    async def parts(self) -> AsyncGenerator[bytes]:
        """The body, as it comes; raises what is then the `fault`."""
        try:
            size, more = 0, True
            while more:
                part, more = await self._next()
                size += len(part)
                self._check(size)
                self._push(self._patience_s)
                if part:
                    yield part
        except Exception as fault:
            self.fault = fault
            raise
        finally:
            self._over.set()

    async def left(self) -> None:
        """Return when the client has gone."""
        await self._over.wait()
        while not isinstance(self.fault, body.Disconnected):
            if (await self._receive())["type"] != "http.request":
                return

    async def _next(self) -> tuple[bytes, bool]:
        self._push(None)
        try:
            async with asyncio.timeout(IDLE_S):
                message = await self._receive()
        except TimeoutError:
            raise AppError(Code.INVALID, "The body has stopped coming") from None
        if message["type"] != "http.request":
            raise body.Disconnected
        return message.get("body", b""), message.get("more_body", False)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise body.too_large(self._limit)

    def _push(self, patience_s: float | None) -> None:
        if self._deadline is None:
            return
        now = asyncio.get_running_loop().time()
        self._deadline.reschedule(None if patience_s is None else now + patience_s)
