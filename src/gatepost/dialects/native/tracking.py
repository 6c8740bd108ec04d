"""`/mail/open` and `/mail/click`: the image and the links of tracked mails; and what came of
them.

They need no key: each is signed. One that is not is unknown, and leads nowhere.
"""

from __future__ import annotations

import base64
import contextlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import DeliveryId
from gatepost.dialects.native import admin
from gatepost.dialects.native.envelope import ok
from gatepost.domains.outbox import store as outbox
from gatepost.domains.tracks import store
from gatepost.domains.tracks.model import Track, TrackKind
from gatepost.engine import tracking
from gatepost.engine.tracking import PARAMETER, Tracked, Visitor
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import address
from gatepost.web.contract import Call, Endpoint, Services, free

METHODS = ("GET", "HEAD")
POINT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


class Tracks:
    """The image and the links, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        """Hold what it needs."""
        self._services = services
        self._proxies = services.settings.networks()

    @property
    def pages(self) -> dict[str, Tracks]:
        """Itself, by path."""
        return {tracking.OPENED_PATH: self, tracking.CLICKED_PATH: self}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; its body is not read."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in METHODS:
            return Response(status_code=405, headers={"allow": ", ".join(METHODS)})
        found = tracking.read(self._services.pepper, request.query_params.get(PARAMETER, ""))
        path = tracking.CLICKED_PATH if found and found.url else tracking.OPENED_PATH
        if found is None or request.url.path != path:
            return PlainTextResponse("This link is not complete.", 404, headers=HEADERS)
        if request.method == "GET":
            await self._note(request, found)
        if found.url:
            return RedirectResponse(found.url, 302, headers=HEADERS)
        return Response(POINT, media_type="image/gif", headers=HEADERS)

    async def _note(self, request: Request, tracked: Tracked) -> None:
        """Keep it; whoever follows a link gets there, even if that cannot be done."""
        headers = dict(request.scope["headers"])
        agent = headers.get(b"user-agent", b"").decode("latin-1").replace("\x00", "")
        visitor = Visitor(address.of(request.scope, headers, self._proxies), agent)
        now, database = self._services.clock(), self._services.database
        with contextlib.suppress(AppError):
            if await database.write(lambda tx: tracking.note(tx, tracked, visitor, now)):
                self._services.due()


class TrackOut(msgspec.Struct, rename="camel"):
    """Something that was done with a mail, by its recipient or by a program of theirs."""

    kind: TrackKind
    at: str
    url: Annotated[str | None, Meta(description="The link that was followed.")]
    address: Annotated[str, Meta(description="Where the request came from.")]
    agent: Annotated[str, Meta(description="What the program calls itself.")]


class TrackingOut(msgspec.Struct, rename="camel"):
    """What was done with a tracked mail, in order."""

    opens: int
    clicks: int
    tracks: list[TrackOut]


def parse_id(call: Call, _body: bytes) -> DeliveryId:
    """Read the id in the path; raises NOT_FOUND."""
    return DeliveryId(ids.parse("delivery", call.params["id"]))


def get(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read what was done with one mail."""
    one = outbox.get(tx, call.caller.account_id, delivery_id)
    if admin.bound_elsewhere(call, one.project_id):
        raise not_found("delivery with this id")
    found = store.of(tx, one.account_id, one.id)
    clicks = sum(track.kind is TrackKind.CLICKED for track in found)
    shown = TrackingOut(len(found) - clicks, clicks, [_show(track) for track in found])
    return ok(call, shown)


def _show(track: Track) -> TrackOut:
    at = clock.iso(ids.time_of(track.id))
    return TrackOut(track.kind, at, track.url, track.address, track.agent)


ENDPOINTS = (
    Endpoint(
        operation="getDeliveryTracking",
        method="GET",
        path="/v1/deliveries/{id}/tracking",
        scope=Scope.MESSAGES_READ,
        summary="Read whether a mail was opened, and which links were followed",
        description="Only mails are tracked, and only where the message or its domain asks for it. "
        "What programs of a recipient do counts as well, and what they hide does not.",
        tag="Deliveries",
        parse=parse_id,
        run=get,
        charge=free,
        writes=False,
        project=False,
        response=TrackingOut,
        errors=(Code.NOT_FOUND,),
    ),
)
