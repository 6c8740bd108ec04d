"""The gate is closed before the app says that it has ended, whatever the app does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from gatepost_client.asgi import App, Message, Receive, Scope, Send
from gatepost_client.lifespan import Lifespan


async def unaware(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise KeyError("path")


async def returning(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


async def halfway(_scope: Scope, receive: Receive, _send: Send) -> None:
    await receive()
    raise KeyError("path")


async def drive(app: App) -> list[str]:
    """What a server is told by `app`, and when the gate was closed."""
    said: list[str] = []
    given = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(given)}

    async def send(message: Message) -> None:
        said.append(message["type"].removeprefix("lifespan."))

    async def close() -> None:
        said.append("closed")

    await Lifespan(app, close).run({"type": "lifespan", "state": {}}, receive, send)
    return said


def starlette(*, fails: str = "") -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if fails == "startup":
            raise RuntimeError(fails)
        yield
        if fails == "shutdown":
            raise RuntimeError(fails)

    return Starlette(lifespan=lifespan)


APPS: dict[str, App] = {
    "starlette": starlette(),
    "unaware": unaware,
    "returning": returning,
    "halfway": halfway,
}


@pytest.mark.parametrize("name", APPS)
async def test_it_is_closed_at_the_end(name: str) -> None:
    assert await drive(APPS[name]) == ["startup.complete", "closed", "shutdown.complete"]


async def test_an_app_that_fails_says_so_itself() -> None:
    said: list[str] = []
    for moment in ("startup", "shutdown"):
        with pytest.raises(RuntimeError, match=moment):
            said += await drive(starlette(fails=moment))
    assert said == []
