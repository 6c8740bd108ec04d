"""The shape of every native reply, and the headers around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import CustomerId
from gatepost.gate.once import Reply
from gatepost.limiter.contract import Standing, Verdict, Window
from gatepost.web import standing
from gatepost.web.contract import Call, Endpoint, Header, IdempotencyPolicy, ThrottlePolicy

encode = msgspec.json.encode
POLICIES = 1024

STATUS = {
    Code.INVALID: (400, "Validation error"),
    Code.UNAUTHENTICATED: (401, "Unauthorized"),
    Code.FORBIDDEN: (403, "Forbidden"),
    Code.ACCOUNT_INACTIVE: (403, "Account inactive"),
    Code.NOT_FOUND: (404, "Not found"),
    Code.METHOD_NOT_ALLOWED: (405, "Method not allowed"),
    Code.CUSTOMER_MISSING: (400, "Customer missing"),
    Code.CUSTOMER_INVALID: (400, "Customer invalid"),
    Code.CUSTOMER_INACTIVE: (403, "Customer inactive"),
    Code.CONFLICT: (409, "Conflict"),
    Code.IDEMPOTENCY_CONFLICT: (409, "Idempotency conflict"),
    Code.TOO_LARGE: (413, "Payload too large"),
    Code.TARGET_TOO_LONG: (414, "URI too long"),
    Code.UNSUPPORTED_ENCODING: (415, "Unsupported content encoding"),
    Code.UNSUPPORTED_TYPE: (415, "Unsupported media type"),
    Code.THROTTLED: (429, "Rate limit exceeded"),
    Code.QUOTA_EXCEEDED: (429, "Quota exceeded"),
    Code.RANGE_TOO_LARGE: (422, "Range too large"),
    Code.UPSTREAM_FAILED: (502, "Upstream failed"),
    Code.UPSTREAM_TIMEOUT: (504, "Upstream timeout"),
    Code.UNAVAILABLE: (503, "Service unavailable"),
    Code.INTERNAL: (500, "Internal error"),
}

FAULTS = {
    "createEvent": "Failed to create event",
    "listEvents": "Failed to list events",
    "getEvent": "Failed to read event",
    "listChannels": "Failed to list channels",
    "me": "Failed to read the credential",
    "identifyUser": "Failed to identify user",
    "deleteIdentity": "Failed to delete identity",
}


class Detail(msgspec.Struct):
    """One faulty field; `path` leads to it from the body's root, indexes as numbers."""

    path: list[str | int]
    message: str


class ErrorBody(msgspec.Struct, rename="camel", omit_defaults=True):
    """Every refusal. `code` is stable; `error` and `message` are for people."""

    code: str
    error: str
    request_id: str
    message: str = ""
    details: list[Detail] = []
    data: dict[str, Any] = {}


def bearer(headers: Mapping[bytes, bytes]) -> str | None:
    """The secret in `Authorization: Bearer <key>`, None when there is none."""
    scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return secret.strip().decode("latin-1") or None


def customer(headers: Mapping[bytes, bytes]) -> CustomerId | None:
    """The customer in `X-Customer-ID`, None when there is none; raises CUSTOMER_INVALID."""
    text = headers.get(b"x-customer-id", b"").decode("latin-1").strip()
    if not text:
        return None
    try:
        if text.startswith("customer_"):
            return CustomerId(ids.parse("customer", text))
        return CustomerId(ids.parse_uuid(text))
    except (AppError, ValueError):
        detail = "X-Customer-ID must be a customer's id (customer_…), not your identifier"
        raise AppError(Code.CUSTOMER_INVALID, detail) from None


def ok(call: Call, data: Any, status: int = 200, **extra: Any) -> Reply:
    """Wrap data in the envelope of a success."""
    return Reply(status, envelope(call.request_id, encode(data)), **extra)


def envelope(request_id: str, data: bytes) -> bytes:
    """Write the envelope around JSON that is encoded already."""
    return b'{"success":true,"data":%b,"requestId":"%b"}' % (data, request_id.encode())


def render_error(refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
    """Render a refusal with its status and headers."""
    status, title = STATUS[refusal.code]
    if refusal.code is Code.INTERNAL and endpoint is not None:
        title = FAULTS.get(endpoint.operation, title)
    error = ErrorBody(
        code=str(refusal.code),
        error=title,
        request_id=request_id,
        message=refusal.detail,
        details=[Detail(list(one.path), one.message) for one in refusal.fields],
        data={name: value for name, value in refusal.extra.items() if _plain(value)},
    )
    body = b'{"success":false,' + encode(error)[1:]
    return Reply(status, body, tuple(_error_headers(refusal)))


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | dict)


def _error_headers(refusal: AppError) -> list[Header]:
    headers: list[Header] = []
    if refusal.code is Code.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b'Bearer realm="gatepost"'))
    return headers + standing.refused(refusal)


def rate_headers(verdict: Verdict, now: int) -> Sequence[Header]:
    """`X-RateLimit-*` of the tightest window (Reset in Unix seconds), and all of them in
    `RateLimit` and `RateLimit-Policy` (IETF draft-ietf-httpapi-ratelimit-headers-10).
    """
    tight = verdict.tightest
    limit, policy, name = _fixed(tight.window)
    state = b"%b;r=%d;t=%d" % (name, tight.remaining, ceil(tight.reset_s))
    if len(verdict.standings) > 1:
        policy, state = _several(verdict.standings)
    return (
        limit,
        (b"x-ratelimit-remaining", b"%d" % (tight.remaining if verdict.admitted else 0)),
        (b"x-ratelimit-reset", b"%d" % ((now + int(tight.reset_s * 1000)) // 1000)),
        (b"ratelimit-policy", policy),
        (b"ratelimit", state),
    )


@lru_cache(POLICIES)
def _fixed(window: Window) -> tuple[Header, bytes, bytes]:
    """What stays the same as long as a limit does: it, its policy, and its name in quotes."""
    name = f'"{window.name}"'.encode()
    policy = b"%b;q=%d;w=%d" % (name, window.limit, window.seconds)
    return (b"x-ratelimit-limit", b"%d" % window.limit), policy, name


def _several(standings: Sequence[Standing]) -> tuple[bytes, bytes]:
    """The policies of several limits, and how they stand."""
    known = [(_fixed(one.window), one.remaining, ceil(one.reset_s)) for one in standings]
    states = [b"%b;r=%d;t=%d" % (fixed[2], left, reset_s) for fixed, left, reset_s in known]
    return b", ".join([fixed[1] for fixed, _, _ in known]), b", ".join(states)


THROTTLE = ThrottlePolicy(rate_headers)
IDEMPOTENCY = IdempotencyPolicy(b"idempotency-key", (b"x-idempotent-replay", b"true"))
