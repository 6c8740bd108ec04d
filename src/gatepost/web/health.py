"""Is it alive, is it ready, what does it count. No key needed, nothing secret shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gatepost.domains.accounts import store as accounts
from gatepost.web.contract import Services

Page = Callable[[Any, Any, Any], Awaitable[None]]


class Health:
    """`/healthz`, `/readyz`, `/metrics`."""

    def __init__(self, services: Services) -> None:
        """Not ready until the service says so."""
        self.up = False
        self._services = services
        self.pages: Mapping[str, Page] = {
            "/healthz": self._page(self.live),
            "/readyz": self._page(self.ready),
            "/metrics": self._page(self.metrics),
        }

    async def live(self) -> Response:
        """The process answers."""
        return _json(200, {"status": "ok"})

    async def ready(self) -> Response:
        """The database can be read, and the process is not going down."""
        if not self.up:
            return _json(503, {"status": "draining"})
        try:
            await self._services.database.read(accounts.any_)
        except Exception:  # noqa: BLE001 # whatever it is, this process cannot serve
            return _json(503, {"status": "database"})
        return _json(200, {"status": "ok"})

    async def metrics(self) -> Response:
        """All counters in Prometheus' text format."""
        text = self._services.metrics.render()
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @property
    def nothing(self) -> Page:
        """What a process that answers no requests says to one."""
        return self._page(self._nothing)

    async def _nothing(self) -> Response:
        return _json(404, {"status": "this process answers no requests"})

    def _page(self, make: Callable[[], Awaitable[Response]]) -> Page:
        async def page(scope: Any, receive: Any, send: Any) -> None:
            if Request(scope).method not in ("GET", "HEAD"):
                response = Response(status_code=405, headers={"allow": "GET, HEAD"})
            else:
                response = await make()
            await response(scope, receive, send)

        return page


def _json(status: int, body: object) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
