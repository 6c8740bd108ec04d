"""The shape of NotifyKit's replies: data or one sentence, and the moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatepost.base import clock
from gatepost.base.errors import AppError, Code
from gatepost.dialects.notifykit import wire
from gatepost.gate.once import Reply
from gatepost.limiter.contract import Verdict
from gatepost.web import standing
from gatepost.web.beside import WHERE
from gatepost.web.contract import Call, Header, IdempotencyPolicy, ThrottlePolicy
from gatepost.web.statuses import STATUSES

STATUS = {**STATUSES, Code.METHOD_NOT_ALLOWED: 404, Code.QUOTA_EXCEEDED: 403}
LATER = frozenset({Code.THROTTLED, Code.UNAVAILABLE})
"""Refusals that say when to come again."""
# Clients may compare the sentences: these stay as they are, to the letter.
SENTENCES = {
    Code.UNAUTHENTICATED: wire.INVALID_KEY,
    Code.THROTTLED: "Rate limit exceeded",
    Code.INTERNAL: "Internal server error",
}
INACTIVE = {"deleted": "Account has been deleted"}

HEADERS: Sequence[Header] = ((b"cache-control", b"no-store"),)
"""The key may be in a header that caches do not know."""


def ok(call: Call, data: Any, status: int = 200, **extra: Any) -> Reply:
    """Wrap data in the envelope of a success."""
    return Reply(status, wrapped(data, call.now), **extra)


def wrapped(data: Any, now: int) -> bytes:
    """Write the envelope of a success."""
    shown = {"success": True, "data": data, "timestamp": clock.iso(now)}
    return msgspec.json.encode(shown)


def render_error(refusal: AppError) -> Reply:
    """Render a refusal with its status and headers."""
    shown = {"success": False, "error": _words(refusal), "timestamp": clock.iso(clock.now_ms())}
    headers = standing.refused(refusal) if refusal.code in LATER else ()
    return Reply(STATUS[refusal.code], msgspec.json.encode(shown), tuple(headers))


def _words(refusal: AppError) -> str:
    own = refusal.extra.get(wire.WORDS)
    if isinstance(own, str):
        return own
    where = refusal.extra.get(WHERE)
    if isinstance(where, tuple):
        return "Cannot {} {}".format(*where)
    if refusal.code is Code.QUOTA_EXCEEDED:
        return _spent(refusal)
    if refusal.code is Code.ACCOUNT_INACTIVE:
        return INACTIVE.get(str(refusal.extra.get("status")), "Account is inactive")
    if refusal.code is Code.INVALID and refusal.fields and refusal.fields[0].path:
        path = ".".join(str(step) for step in refusal.fields[0].path)
        return f"{path}: {refusal.detail}"
    return SENTENCES.get(refusal.code) or refusal.detail


def _spent(refusal: AppError) -> str:
    """How much was used of how much, and on which day (UTC) it begins anew."""
    if refusal.spent is None:
        return refusal.detail
    limit = refusal.spent.limit
    used = refusal.extra.get("used", limit)
    day = datetime.fromtimestamp(refusal.spent.resets_at / 1000, UTC)
    reset = f"{day.month}/{day.day}/{day.year}"
    return (
        f"Monthly usage limit exceeded ({used}/{limit}). "
        f"Upgrade your plan or wait for reset on {reset}."
    )


def no_headers(verdict: Verdict, now: int) -> Sequence[Header]:
    """NotifyKit tells nothing of how limits stand."""
    del verdict, now
    return ()


THROTTLE = ThrottlePolicy(no_headers)
IDEMPOTENCY = IdempotencyPolicy(b"idempotency-key", (b"x-idempotent-replay", b"true"))
