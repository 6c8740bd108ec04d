"""The shape of Emailit's replies: objects as they are, and refusals in four shapes.

Of keys they are `{"error":{"code","message"}}`, as Emailit's own page on keys has them; of mails
`{"error","message"}`, of suppressions `{"error"}`, of all else `{"statusCode","error","message"}`.
So is whatever is refused at the door, wherever it leads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.dialects.emailit import spent, wire
from gatepost.gate.once import Reply
from gatepost.limiter.contract import Verdict
from gatepost.web import standing, validate
from gatepost.web.contract import Endpoint, Header, IdempotencyPolicy, ThrottlePolicy
from gatepost.web.statuses import STATUSES

KEYS = "API Keys"
EMAILS = "Emails"
SUPPRESSIONS = "Suppressions"
"""The tags of endpoints whose refusals have shapes of their own."""
AT_THE_DOOR = {
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.ACCOUNT_INACTIVE,
    Code.METHOD_NOT_ALLOWED,
    Code.TARGET_TOO_LONG,
}
"""What is refused before it matters what was asked for."""
SPENT = {Code.THROTTLED, Code.QUOTA_EXCEEDED}
NOUNS = {
    KEYS: "API key",
    EMAILS: "Email",
    "Domains": "Domain",
    "Webhooks": "Webhook",
    "Events": "Event",
    "Templates": "Template",
    SUPPRESSIONS: "Suppression",
    "Audiences": "Audience",
    "Subscribers": "Subscriber",
    "Contacts": "Contact",
    "Email Verifications": "Email verification",
}
"""What the objects of a tag are called where there is none, or one already."""
INVALID_KEY = "Invalid API key"
HEADERS: Sequence[Header] = ()


def reply(data: Any, status: int = 200, **extra: Any) -> Reply:
    """Answer with JSON as it is."""
    return Reply(status, msgspec.json.encode(data), **extra)


def render_error(refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
    """Render a refusal with its status and headers."""
    status = refusal.extra.get(wire.STATUS, STATUSES[refusal.code])
    status = status if isinstance(status, int) else STATUSES[refusal.code]
    tag = endpoint.tag if endpoint else ""
    words = _words(refusal, tag)
    if refusal.code in SPENT:
        body = spent.body(refusal)
    else:
        shape = _flat if refusal.code in AT_THE_DOOR else SHAPES.get(tag, _flat)
        body = shape(refusal, status, words)
    existing = refusal.extra.get(wire.EXISTING)
    body |= {"existing": existing} if existing else {}
    body |= {"type": str(refusal.code), "request_id": request_id}
    headers = (*standing.refused(refusal), *spent.headers(refusal))
    return Reply(status, msgspec.json.encode(body), headers)


def _words(refusal: AppError, tag: str) -> str:
    own = refusal.extra.get(wire.WORDS)
    if isinstance(own, str):
        return own
    noun = NOUNS.get(tag)
    if refusal.code is Code.NOT_FOUND:
        return f"{noun} not found" if noun else "Not Found"
    if refusal.code is Code.CONFLICT and noun:
        return f"{noun} already exists"
    if refusal.code is Code.INVALID and tag == KEYS:
        return "Bad Request"
    if refusal.code is Code.UNAUTHENTICATED:
        return INVALID_KEY
    return refusal.detail or _phrase(STATUSES[refusal.code])


def _of_key(refusal: AppError, status: int, words: str) -> dict[str, Any]:
    body: dict[str, Any] = {"error": {"code": status, "message": words}}
    if refusal.code is Code.INVALID and refusal.fields:
        body["details"] = _details(refusal)
    return body


def _of_mail(refusal: AppError, status: int, words: str) -> dict[str, Any]:
    if refusal.detail in validate.UNREADABLE:
        return _flat(refusal, status, words)
    if refusal.code is Code.INVALID and refusal.fields and wire.WORDS not in refusal.extra:
        return {"error": "Validation failed", "validation_errors": _details(refusal)}
    details = refusal.extra.get(wire.DETAILS)
    if details is not None:
        return {"error": words, "details": details}
    return {"error": words, "message": refusal.detail or words}


def _of_suppression(refusal: AppError, status: int, words: str) -> dict[str, Any]:
    body = _flat(refusal, status, words)
    said = refusal.code in {Code.INVALID, Code.NOT_FOUND}
    if not said or refusal.detail in validate.UNREADABLE:
        return body
    details = body.get("details")
    return {"error": words} | ({"details": details} if details else {})


def _flat(refusal: AppError, status: int, words: str) -> dict[str, Any]:
    body: dict[str, Any] = {"statusCode": status, "error": _phrase(status), "message": words}
    unreadable = refusal.detail in validate.UNREADABLE
    if refusal.code is Code.INVALID and refusal.fields and not unreadable:
        body["details"] = _details(refusal)
    return body


SHAPES = {KEYS: _of_key, EMAILS: _of_mail, SUPPRESSIONS: _of_suppression}
"""What refusals look like by the tag of what was asked for; others are flat."""


def _details(refusal: AppError) -> list[str]:
    return [
        f"{_spell(one.path)}: {one.message}" if one.path else one.message for one in refusal.fields
    ]


def _spell(path: Sequence[str | int]) -> str:
    return ".".join(str(one) for one in path)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def rate_headers(verdict: Verdict, now: int) -> Sequence[Header]:
    """`ratelimit-*` of the tightest window; Reset in seconds from now."""
    del now
    tight = verdict.tightest
    left = tight.remaining if verdict.admitted else 0
    return (
        (b"ratelimit-limit", b"%d" % tight.window.limit),
        (b"ratelimit-remaining", b"%d" % left),
        (b"ratelimit-reset", b"%d" % ceil(tight.reset_s)),
    )


THROTTLE = ThrottlePolicy(rate_headers)
IDEMPOTENCY = IdempotencyPolicy(
    b"idempotency-key",
    (b"x-idempotent-replay", b"true"),
    length_max=256,
    pattern=re.compile(rb"[A-Za-z0-9_-]+"),
    compares=False,
    status=200,
)
