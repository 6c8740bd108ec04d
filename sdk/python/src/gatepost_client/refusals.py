"""Refusals as HTTP answers, and the headers that tell a client how it stands."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from gatepost_client.asgi import App, Header, Message, Receive, Scope, Send
from gatepost_client.wire import Reason, Verdict, Window

KEY_MISSING = "key_missing"
CHECK_INVALID = "check_invalid"
UNAVAILABLE = "gate_unavailable"
STATUS = {
    KEY_MISSING: 401,
    Reason.KEY_NOT_FOUND: 401,
    Reason.KEY_DISABLED: 401,
    Reason.KEY_EXPIRED: 401,
    Reason.RATE_LIMITED: 429,
    Reason.QUOTA_EXCEEDED: 429,
    CHECK_INVALID: 400,
    UNAVAILABLE: 503,
}
FORBIDDEN = 403
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that does not pass.

    `code` is stable: a `Reason`, or `key_missing`, `check_invalid`, `gate_unavailable`.
    `retry_after_s` says when another try may pass, in whole seconds.
    """

    status: int
    code: str
    detail: str
    retry_after_s: int | None = None
    verdict: Verdict | None = None


def refusal(code: str, detail: str, retry_after_s: int | None = None) -> Refusal:
    """A refusal without a verdict."""
    return Refusal(STATUS[code], code, detail, retry_after_s)


def of_verdict(verdict: Verdict) -> Refusal:
    """The refusal that a verdict means; reasons not known here are 403."""
    code = str(verdict.reason or "refused")
    status = STATUS.get(code, FORBIDDEN)
    wait = _wait(verdict) if status == HTTPStatus.TOO_MANY_REQUESTS else None
    return Refusal(status, code, verdict.message or "The key may not do this", wait, verdict)


def _wait(verdict: Verdict) -> int | None:
    wait_s = verdict.retry_after_s
    if wait_s is None and verdict.tightest:
        wait_s = _until(verdict.tightest)
    return None if wait_s is None else max(1, math.ceil(wait_s))


def problem(refused: Refusal) -> App:
    """The answer as problem details (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": refused.detail,
        "code": refused.code,
    }
    content = json.dumps(body).encode()

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(content)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return answer


def refusal_headers(refused: Refusal) -> list[Header]:
    """What belongs to a refusal whoever renders it."""
    headers = rate_headers(refused.verdict) if refused.verdict else []
    if refused.status == UNAUTHORIZED:
        wrong = b"" if refused.code == KEY_MISSING else b' error="invalid_token"'
        headers.append((b"www-authenticate", b"Bearer" + wrong))
    if refused.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % refused.retry_after_s))
    return headers


def rate_headers(verdict: Verdict) -> list[Header]:
    """The tightest window as `RateLimit` and `RateLimit-Policy` (IETF draft 10), and as
    `X-RateLimit-*` with Reset in Unix seconds; none where the key has no window.
    """
    window = verdict.tightest
    if window is None:
        return []
    name = NOT_IN_A_NAME.sub("", window.name)
    wait = b"" if window.reset_at is None else b";t=%d" % math.ceil(_until(window))
    headers = [
        (b"ratelimit-policy", b'"%b";q=%d' % (name.encode(), window.limit)),
        (b"ratelimit", b'"%b";r=%d%b' % (name.encode(), window.remaining, wait)),
        (b"x-ratelimit-limit", b"%d" % window.limit),
        (b"x-ratelimit-remaining", b"%d" % window.remaining),
    ]
    if window.reset_at is not None:
        headers.append((b"x-ratelimit-reset", b"%d" % window.reset_at.timestamp()))
    return headers


def _until(window: Window) -> float:
    return 0.0 if window.reset_at is None else max(0.0, window.reset_at.timestamp() - time.time())


def with_headers(send: Send, headers: Iterable[Header]) -> Send:
    """A `send` that adds to the response the headers it has not got; bodies pass as they are."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            there = {name.lower() for name, _ in own}
            added = [one for one in headers if one[0] not in there]
            message = {**message, "headers": [*own, *added]}
        await send(message)

    return adding
