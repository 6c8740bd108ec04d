"""An API of somebody's own behind the gate: a Starlette app, served by uvicorn."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from gatepost_client import GateMiddleware
from gatepost_client.asgi import App
from tests import plain
from tests.waiting import wait_for

HOST = "127.0.0.1"
CHUNKS = 3


@dataclass
class Api:
    """What the app was asked for, and when its stream may go on."""

    served: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def app(self, **options: Any) -> Starlette:
        """The app with the gate in front of it."""
        return Starlette(
            routes=[
                Route("/orders/{id:int}", self.order, methods=["GET", "POST"]),
                Route("/open", self.open),
                Route("/stream", self.stream),
                Mount("/sub", routes=[Route("/{name}", self.order)]),
                WebSocketRoute("/echo", self.echo),
            ],
            middleware=[Middleware(GateMiddleware, **options)],
        )

    async def order(self, request: Request) -> JSONResponse:
        self.served.append(request.url.path)
        verdict = request.state.gatepost
        assert request.scope["gatepost"] is verdict
        key = verdict.key
        return JSONResponse(
            {
                "verified": verdict.verified,
                "key": key and key.id,
                "metadata": key and dict(key.metadata),
                "customer": verdict.customer_id,
            }
        )

    async def open(self, request: Request) -> PlainTextResponse:
        self.served.append(request.url.path)
        return PlainTextResponse("open")

    async def stream(self, _request: Request) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.to_thread(self.go_on.wait)
            for number in range(CHUNKS):
                yield b"%d" % number

        return StreamingResponse(chunks(), media_type="text/plain", headers={"x-own": "1"})

    async def echo(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()


class Site:
    """An ASGI app on a port of its own, in a thread of its own; a context manager."""

    def __init__(self, app: App, *, lifespan: str = "auto") -> None:
        self._socket = socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan=lifespan,  # type: ignore[arg-type]  # one of its words
            ws="websockets-sansio",
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="site")
        self.http = plain.Client(
            base_url=f"http://{self.address}",
            timeout=30,
            limits=httpx2.Limits(max_connections=200, max_keepalive_connections=200),
        )

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self._server.started or not self._thread.is_alive(), "the site")
        assert self._server.started
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Shut it down in good order."""
        self.http.close()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def get(self, path: str, key: str | None = None, **headers: str) -> httpx2.Response:
        named = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self.http.get(path, headers=named | headers)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
