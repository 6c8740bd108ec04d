"""What anybody may ask: which service this is, and whether it answers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost import __version__
from gatepost.dialects.emmi.paths import place
from gatepost.web.contract import Page, Services


class ServiceOut(msgspec.Struct):
    """Which service this is, and where its document lies."""

    service: Annotated[str, Meta(examples=["gatepost"])]
    version: Annotated[str, Meta(examples=[__version__])]
    docs_url: Annotated[str, Meta(examples=["https://gatepost.example.com/openapi/emmi.json"])]


class HealthOut(msgspec.Struct):
    """It answers."""

    status: Annotated[str, Meta(examples=["ok"])] = "ok"


def service(services: Services) -> ServiceOut:
    """Say which service this is."""
    base = services.settings.public_url.rstrip("/")
    return ServiceOut("gatepost", __version__, f"{base}/openapi/emmi.json")


def health(_services: Services) -> HealthOut:
    """Say that it answers."""
    return HealthOut()


_root, _health = place(""), place("/health")

PAGES = (
    Page(
        operation="getService",
        path=_root.path,
        aliases=(*_root.aliases, *(f"{path}/" for path in (_root.path, *_root.aliases))),
        summary="Tell which service this is",
        answer=service,
        response=ServiceOut,
    ),
    Page(
        operation="getServiceHealth",
        path=_health.path,
        aliases=_health.aliases,
        summary="Tell whether the service answers",
        answer=health,
        response=HealthOut,
    ),
)
