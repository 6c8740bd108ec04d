"""How Emailit tells that a limit or a quota is used up."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from gatepost.base.errors import AppError, Code
from gatepost.gate.admit import MAIL_S
from gatepost.web.contract import Header

SECOND = 1


def body(refusal: AppError) -> dict[str, Any]:
    """What is used up: how much there is of it, and when to come again (seconds)."""
    daily = refusal.code is Code.QUOTA_EXCEEDED
    limit = _limit(refusal)
    return {
        "error": "Daily limit exceeded" if daily else "Rate limit exceeded",
        "message": _words(refusal, limit),
        "limit": limit,
        "current": refusal.extra.get("used", limit),
        "retry_after": _wait_s(refusal),
    }


def headers(refusal: AppError) -> Sequence[Header]:
    """`ratelimit-…` of what is used up, where no window of requests has told it."""
    if refusal.code is Code.QUOTA_EXCEEDED:
        used = refusal.extra.get("used")
        left = _limit(refusal) - used if isinstance(used, int) else 0
        return _three(b"ratelimit-daily", refusal, max(0, left))
    return _three(b"ratelimit", refusal, 0) if MAIL_S in refusal.extra else ()


def _three(name: bytes, refusal: AppError, left: int) -> Sequence[Header]:
    return (
        (name + b"-limit", b"%d" % _limit(refusal)),
        (name + b"-remaining", b"%d" % left),
        (name + b"-reset", b"%d" % _wait_s(refusal)),
    )


def _words(refusal: AppError, limit: int) -> str:
    seconds = refusal.extra.get(MAIL_S)
    if seconds is None:
        return refusal.detail
    span = "per second" if seconds == SECOND else f"in {seconds} seconds"
    return f"Too many requests. Maximum {limit} messages {span} allowed."


def _limit(refusal: AppError) -> int:
    return 0 if refusal.spent is None else refusal.spent.limit


def _wait_s(refusal: AppError) -> int:
    return max(1, ceil(refusal.retry_after_s or 0))
