"""The shape of Eventicat's replies: one sentence, and numbers beside it when a limit is reached."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.gate.once import Reply
from gatepost.web import standing
from gatepost.web.contract import Call, Endpoint, Header, IdempotencyPolicy, ThrottlePolicy
from gatepost.web.statuses import STATUSES

COUNTED = frozenset({"countEventByGet", "countEventByPost"})
"""Operations whose unknown aggregator is told in the published words."""
# Clients may compare the sentences: these stay as they are, to the letter.
SENTENCES = {
    Code.UNAUTHENTICATED: "Invalid API key",
    Code.METHOD_NOT_ALLOWED: "Method not allowed",
    Code.TOO_LARGE: "Payload too large",
    Code.TARGET_TOO_LONG: "URI too long",
    Code.UNSUPPORTED_TYPE: "Unsupported content type",
    Code.THROTTLED: "Rate limit exceeded",
    Code.QUOTA_EXCEEDED: "Rate limit exceeded",
    Code.INTERNAL: "Internal server error",
}
INVALID_AGGREGATOR = "Invalid aggregator"
ORIGIN: Header = (b"access-control-allow-origin", b"*")
HEADERS: Sequence[Header] = (
    ORIGIN,
    (
        b"access-control-expose-headers",
        b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
    ),
    (b"cache-control", b"no-store"),
)
PREFLIGHT: Sequence[Header] = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key"),
    (b"access-control-max-age", b"86400"),
)


class ErrorBody(msgspec.Struct, rename="camel", omit_defaults=True):
    """Every refusal: a sentence. A limit that is used up adds what it is and when it resets."""

    error: str
    limit: int | msgspec.UnsetType = msgspec.UNSET
    remaining: int | msgspec.UnsetType = msgspec.UNSET
    reset_time: int | msgspec.UnsetType = msgspec.UNSET


def reply(_call: Call, data: Any, status: int = 200, **extra: Any) -> Reply:
    """Answer with JSON as it is: there is no envelope."""
    return Reply(status, msgspec.json.encode(data), **extra)


def render_error(refusal: AppError, endpoint: Endpoint | None) -> Reply:
    """Render a refusal with its status and headers."""
    body = ErrorBody(_sentence(refusal, endpoint))
    if refusal.spent is not None:
        seconds = _seconds(refusal.spent.resets_at)
        body = ErrorBody(body.error, refusal.spent.limit, 0, seconds)
    return Reply(
        STATUSES[refusal.code], msgspec.json.encode(body), tuple(standing.refused(refusal))
    )


def _sentence(refusal: AppError, endpoint: Endpoint | None) -> str:
    if refusal.code is Code.NOT_FOUND and endpoint is not None and endpoint.operation in COUNTED:
        return INVALID_AGGREGATOR
    return SENTENCES.get(refusal.code) or refusal.detail


def _seconds(at: int) -> int:
    return ceil(at / 1000)


THROTTLE = ThrottlePolicy(standing.tightest)
IDEMPOTENCY = IdempotencyPolicy(b"idempotency-key", (b"x-idempotent-replay", b"true"))
