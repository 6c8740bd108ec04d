"""What is learnt of a request on its way, and how its reply leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
import uuid_utils

from gatepost.base.errors import AppError, Code
from gatepost.gate.admit import Caller
from gatepost.gate.budget import Left, Payer
from gatepost.gate.once import Reply
from gatepost.limiter.contract import Verdict
from gatepost.web import body, standing
from gatepost.web.contract import Dialect, Header
from gatepost.web.line import Push
from gatepost.web.protocol import EXTENSION, PUSH, Exchange
from gatepost.web.router import Route

JSON: Header = (b"content-type", b"application/json")
NO_CONTENT = 204


class Request(msgspec.Struct):
    """What is learnt of a request on its way, so that a refusal can still tell it.

    `route` is the endpoint it is for, where there is one; `now` when it was admitted (ms).
    """

    scope: Any
    params: Mapping[str, str]
    id: str
    headers: dict[bytes, bytes]
    address: str
    exchange: Exchange | None
    caller: Caller | None = None
    route: Route = None  # type: ignore[assignment] # known before anybody asks for it
    verdict: Verdict | None = None
    now: int = 0
    replayed: bool = False
    metered: bool = False
    payer: Payer | None = None
    left: Left | None = None
    about: str = ""
    refusal: AppError | None = None

    @staticmethod
    def begin(scope: Any, params: Mapping[str, str], caller: Caller | None = None) -> Request:
        """Read what is known from the beginning."""
        extensions, client = scope.get("extensions"), scope.get("client")
        return Request(
            scope,
            params,
            str(uuid_utils.uuid4()),
            dict(scope["headers"]),
            client[0] if client else "",
            extensions.get(EXTENSION) if extensions else None,
            caller,
        )

    def arrived(self, limit: int) -> bytes | None:
        """The body, decompressed, if it is here already; raises as `body.read` does."""
        whole = None if self.exchange is None else self.exchange.body()
        return None if whole is None else body.settle(whole, self.headers, limit)

    def headers_out(self, dialect: Dialect) -> list[Header]:
        """The headers every reply to this request carries."""
        headers = [JSON, *dialect.headers, *self.standing(dialect)]
        if self.replayed:
            headers.append(dialect.idempotency.replay)
        return headers

    def standing(self, dialect: Dialect) -> list[Header]:
        """Which request it was, and how limits and a hard quota stand after it."""
        headers = [(b"x-request-id", self.id.encode())]
        if self.verdict is not None and self.verdict.standings:
            headers += dialect.throttle.headers(self.verdict, self.now)
        if self.left is not None:
            left = self.left
            headers += standing.quota(left.limit, left.remaining, left.resets_at)
        return headers

    @property
    def push(self) -> Push | None:
        """How parts of a stream are written at once, where the server can."""
        if self.exchange is not None:
            return self.exchange.push
        given: Push | None = (self.scope.get("extensions") or {}).get(PUSH)
        return given

    def cut(self) -> None:
        """Hang up on the client: a reply that has begun cannot be ended properly. A server that
        cannot be told so does it when the application returns.
        """
        if self.exchange is not None:
            self.exchange.cut()


def check_target(dialect: Dialect, scope: Any) -> None:
    """Raise TARGET_TOO_LONG."""
    if len(scope["raw_path"]) + len(scope["query_string"]) >= dialect.target_bytes_max:
        detail = f"Path and query exceed {dialect.target_bytes_max} bytes together"
        raise AppError(Code.TARGET_TOO_LONG, detail)


def send_reply(
    request: Request, send: Any, reply: Reply, headers: list[Header]
) -> Awaitable[None] | None:
    """Send a whole reply; its own headers stand in place of others of their name. Where it cannot
    leave at once, what is returned has to be awaited.
    """
    own = reply.headers
    if own:
        names = {name for name, _ in own}
        headers = [one for one in headers if one[0] not in names] + list(own)
    if reply.status == NO_CONTENT:
        headers = [one for one in headers if one[0] != JSON[0]]
    else:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    # A header that a handler has made is left to the server to check.
    exchange = None if own else request.exchange
    if exchange is not None and exchange.reply(reply.status, headers, reply.body):
        return None
    return _send(send, reply, headers)


async def _send(send: Any, reply: Reply, headers: list[Header]) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
