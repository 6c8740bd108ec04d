"""What of a request goes to the upstream: where to, its headers, its body, and its worth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.domains.relays import paths, units
from gatepost.domains.relays.model import Relay
from gatepost.gate.relays import Found
from gatepost.web import body, validate
from gatepost.web.body import Receive
from gatepost.web.relay import headers, signing
from gatepost.web.relay.headers import Text
from gatepost.web.relay.upload import Upload
from gatepost.web.request import Request

PROTOS = (b"http", b"https")
BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
AT_ONCE = 1_048_576
"""Bytes that are handed over in one piece."""


class Target(NamedTuple):
    """Where a request goes: the URL, and its path and query alone."""

    url: str
    path: str


class Content(NamedTuple):
    """A body, whole or still coming, and what the request is worth."""

    data: Any
    upload: Upload
    units: int
    length: int | None

    @property
    def is_coming(self) -> bool:
        """Whether the client still sends it."""
        return not self.upload.is_over


def target(found: Found, query: str) -> Target:
    """Fill the upstream's template in."""
    scheme, _, rest = found.relay.upstream.partition("://")
    place, _, path = rest.partition("/")
    path = paths.fill(f"/{path}", found.values) + (f"?{query}" if query else "")
    return Target(f"{scheme}://{place}{path}", path)


async def content(request: Request, relay: Relay, receive: Receive, limit: int) -> Content:
    """Take the body in as far as its worth asks for it; raises INVALID, TOO_LARGE,
    UNSUPPORTED_TYPE, UNSUPPORTED_ENCODING and Disconnected.
    """
    length = _length(request.headers, limit)
    if length is None and b"transfer-encoding" not in request.headers:
        return Content(None, Upload(receive, limit, pending=False), _bare(request, relay), None)
    if relay.units == units.ONE:
        return _streamed(request, receive, limit, length)
    _check_type(request.headers)
    whole = _arrived(request, limit)
    if whole is None:
        whole = await body.read(receive, {}, limit)
    worth = units.count(relay.units, validate.json(_plain(request.headers, whole, limit)))
    upload = Upload(receive, limit, pending=False)
    return Content(_pieces(whole), upload, worth, len(whole))


def identity(request: Request, sent: Target, secret: str, now: int) -> list[Text]:
    """Who asks, signed: see docs/guides/relay-your-api.md."""
    caller, payer = request.caller, request.payer
    if caller is None:  # nobody comes here unknown
        raise AppError(Code.UNAUTHENTICATED)
    account = ids.show("account", caller.account_id)
    key = ids.show("key", caller.key_id)
    customer = "" if payer is None else ids.show_uuid(payer.customer_id)
    at = str(now // 1000)
    parts = (at, request.scope["method"], sent.path, account, key, customer, request.id)
    found = [
        ("x-gatepost-account", account),
        ("x-gatepost-key", key),
        ("x-gatepost-request-id", request.id),
        ("x-gatepost-timestamp", at),
        ("x-gatepost-signature", signing.sign(secret, *parts)),
    ]
    return [*found, ("x-gatepost-customer", customer)] if customer else found


def all_headers(
    request: Request, what: Content, secret: str, about: list[Text], address: str
) -> list[Text]:
    """All headers for the upstream but its Host; `address` is the client's."""
    scope = request.scope
    host = request.headers.get(b"host", b"")
    sent = headers.onward(scope["headers"], secret)
    sent += headers.forwarded(scope, address, host, _proto(request, address))
    if what.length is not None:
        sent.append(("content-length", str(what.length)))
    return [*sent, *about]


def _proto(request: Request, address: str) -> str:
    """How the client came; a proxy whose word on its address counts tells that too."""
    scope = request.scope
    told = request.headers.get(b"x-forwarded-proto", b"")
    if told in PROTOS and (client := scope.get("client")) and client[0] != address:
        return told.decode()
    return str(scope["scheme"])


def _length(given: Mapping[bytes, bytes], limit: int) -> int | None:
    text = given.get(b"content-length")
    if text is None or b"transfer-encoding" in given:
        return None
    if not text.isdigit():
        raise AppError(Code.INVALID, "Content-Length must be a number")
    length = int(text[: body.DIGITS_MAX])
    if length > limit:
        raise body.too_large(limit)
    return length


def _bare(request: Request, relay: Relay) -> int:
    """The worth of a request without a body."""
    if relay.units != units.ONE and request.scope["method"] not in BODILESS:
        validate.json(b"")
    return 1


def _streamed(request: Request, receive: Receive, limit: int, length: int | None) -> Content:
    whole = _arrived(request, limit)
    if whole is not None:
        upload = Upload(receive, limit, pending=False)
        return Content(_pieces(whole), upload, 1, len(whole))
    upload = Upload(receive, limit, pending=True)
    return Content(upload.parts(), upload, 1, length)


def _arrived(request: Request, limit: int) -> bytes | None:
    whole = None if request.exchange is None else request.exchange.body()
    if whole is not None and len(whole) > limit:
        raise body.too_large(limit)
    return whole


def _plain(given: Mapping[bytes, bytes], whole: bytes, limit: int) -> bytes:
    return body.settle(whole, given, limit)


def _check_type(given: Mapping[bytes, bytes]) -> None:
    media = given.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if media != b"application/json" and not media.endswith(b"+json"):
        raise AppError(Code.UNSUPPORTED_TYPE, "Content-Type must be application/json")


def _pieces(whole: bytes) -> Any:
    """A body as aiohttp takes it: a large one bit by bit, so that nobody else waits for it."""
    if len(whole) <= AT_ONCE:
        return whole

    async def pieces() -> Any:
        for at in range(0, len(whole), AT_ONCE):
            yield whole[at : at + AT_ONCE]
            await asyncio.sleep(0)

    return pieces()
