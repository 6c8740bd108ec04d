"""The dashboard's pages as one ASGI application: finds the route, lets the visit in, answers."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import uuid_utils
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.dashboard import access, general, headers, saved, static
from gatepost.dashboard.desk import Refused
from gatepost.dashboard.guard import Guard
from gatepost.dashboard.render import render
from gatepost.dashboard.routes import Route, Table
from gatepost.dashboard.sections import SECTIONS
from gatepost.dashboard.stays import Stays
from gatepost.dashboard.visit import Visit
from gatepost.web.body import Disconnected
from gatepost.web.contract import Services
from gatepost.web.pipeline import Pipeline
from gatepost.web.statuses import STATUSES

STATIC = "/dashboard/static/"
NOTHING = AppError(Code.NOT_FOUND, "There is no such page, or none that you may see.")
OTHERWISE = AppError(Code.METHOD_NOT_ALLOWED, "This address is not asked in this way.")
INTERNAL = 500


def routes() -> list[Route]:
    """All there are."""
    sections = [route for section in SECTIONS for route in section.routes]
    return [*general.ROUTES, *saved.ROUTES, *access.ROUTES, *sections]


class App:
    """Everything below `/dashboard`."""

    def __init__(self, services: Services, pipeline: Pipeline) -> None:
        """Build the table of routes."""
        self._services = services
        self._table = Table(routes())
        self._sections = {route: one for one in SECTIONS for route in one.routes}
        self._guard = Guard(pipeline, SECTIONS, Stays(services))
        self._log = log.get("dashboard")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request."""
        started = perf_counter()
        visit = Visit(self._services, Request(scope, receive), str(uuid_utils.uuid4()))
        out = _Out(send, visit.request_id)
        path = scope["path"]
        if path.startswith(STATIC):
            found = static.answer(visit.request, path.removeprefix(STATIC))
            await (found or self._refuse(visit, NOTHING))(scope, receive, out.send)
            return
        methods, visit.path = self._table.find(_below(scope))
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = methods.get(method)
        try:
            response = await self._answer(route, visit, OTHERWISE if methods else NOTHING)
        except Disconnected:
            return
        await response(scope, receive, out.send)
        name = route.name if route else "none"
        self._services.metrics.request("dashboard", name, out.status, perf_counter() - started)

    async def _answer(self, route: Route | None, visit: Visit, otherwise: AppError) -> Response:
        """Whatever happens, this is a page."""
        if route is None:
            return self._refuse(visit, otherwise)
        try:
            visit.section = self._sections.get(route)
            elsewhere = await self._guard.admit(route, visit)
            return elsewhere or await route.handler(visit)
        except Refused as refused:
            return self._error(visit, refused.status, refused.code, refused.detail)
        except AppError as refused:
            return self._refuse(visit, refused)
        except Disconnected:
            raise
        except Exception as fault:  # noqa: BLE001 # one page may fail, never the server
            self._log.exception("page failed", request_id=visit.request_id, exc_info=fault)
            return self._error(visit, INTERNAL, Code.INTERNAL, "")

    def _refuse(self, visit: Visit, refused: AppError) -> Response:
        return self._error(visit, STATUSES[refused.code], refused.code, refused.detail)

    def _error(self, visit: Visit, status: int, code: str, detail: str) -> Response:
        """The page of a refusal or a fault, within the frame if the visit came so far."""
        context = {"status": status, "code": str(code), "detail": detail}
        try:
            return visit.page("errors/refused.html", status, **context)
        except Exception as fault:  # noqa: BLE001 # a page that needs nothing but itself
            self._log.exception("page failed", request_id=visit.request_id, exc_info=fault)
            return HTMLResponse(render("errors/bare.html", {"visit": visit}), INTERNAL)


class _Out:
    """The way out: puts the headers to it that everything has."""

    def __init__(self, send: Any, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message["headers"])
            own = {name.decode("latin-1"): value.decode("latin-1") for name, value in given}
            given += headers.security(own.get("content-type", ""), frozenset(own))
            if "x-request-id" not in own:
                given.append((b"x-request-id", self._request_id.encode()))
            message = {**message, "headers": given}
        await self._send(message)


def _below(scope: Any) -> str:
    """The path below `/dashboard`, as it was written; a slash at the end counts for nothing."""
    raw: str = scope["raw_path"].decode("latin-1").partition("?")[0]
    return raw.removeprefix("/dashboard").strip("/")
