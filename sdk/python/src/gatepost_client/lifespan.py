"""The lifespan of an app that has one, and of one that has none."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from gatepost_client.asgi import App, Message, Receive, Scope, Send

logger = logging.getLogger("gatepost_client")
ENDS = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


class Lifespan:
    """One run of the lifespan protocol; `close` is awaited before the app says it has shut down.

    An app that does not answer the protocol gets it answered in its place, so that `close` is
    awaited all the same.
    """

    def __init__(self, app: App, close: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._close = close
        self._received: list[str] = []
        self._answered = False

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run until the server shuts down; raises what an app raises that knows the protocol."""

        async def noting_receive() -> Message:
            message = await receive()
            self._received.append(message["type"])
            return message

        async def closing_send(message: Message) -> None:
            self._answered = True
            if message["type"] in ENDS:
                await self._close()
            await send(message)

        try:
            await self._app(scope, noting_receive, closing_send)
        except Exception as error:
            if self._answered:
                raise
            logger.info("The app has no lifespan of its own (%s)", type(error).__name__)
        if not self._answered:
            await self._stand_in(receive, send)

    async def _stand_in(self, receive: Receive, send: Send) -> None:
        if "lifespan.startup" not in self._received:
            await receive()
        await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != "lifespan.shutdown":
            pass
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})
