"""Is it there, what is it, does it answer."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.dialects.notifykit.envelope import ok, wrapped
from gatepost.dialects.notifykit.shapes import InfoOut, PongOut
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, Page, Services, free

NAME = "NotifyKit API"
VERSION = "1.0.0"
"""Of the API that is spoken here."""
ABOUT = "E-mails and webhooks, sent by Gatepost"


class HealthOut(msgspec.Struct):
    """It answers; 503 where it is about to end."""

    success: bool
    data: Annotated[dict[str, str], Meta(examples=[{"status": "ok"}])]
    timestamp: Annotated[str, Meta(examples=["2026-01-15T10:30:00.000Z"])]


def parse(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def ping(_tx: Tx, call: Call, _command: None) -> Reply:
    """Say that the key works."""
    return ok(call, PongOut("pong"))


def info(_tx: Tx, call: Call, _command: None) -> Reply:
    """Say which service this is."""
    public = call.services.settings.public_url.rstrip("/")
    host = call.headers.get(b"host", b"localhost").decode("latin-1")
    return ok(call, InfoOut(NAME, VERSION, ABOUT, f"{public or f'http://{host}'}/docs"))


def health(services: Services) -> Reply:
    """Say that it answers, and whether it will go on."""
    now = clock.now_ms()
    if services.draining.is_set():
        return Reply(503, wrapped({"status": "draining"}, now))
    return Reply(200, wrapped({"status": "ok"}, now))


def _endpoint(operation: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.ANY,
        tag="Service",
        parse=parse,
        charge=free,
        writes=False,
        project=False,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "ping",
        "/api/v1/ping",
        summary="Check the key",
        description="The rate limit counts it, no quota does.",
        run=ping,
        response=PongOut,
    ),
    _endpoint(
        "getApiInfo",
        "/api/v1/info",
        summary="Tell which service this is",
        description="With a link to its documents.",
        run=info,
        response=InfoOut,
    ),
)

PAGES = (
    Page(
        operation="getSimpleHealth",
        path="/api/v1/health/simple",
        summary="Tell whether the service answers",
        answer=health,
        response=HealthOut,
    ),
)
