"""Headers that tell where a client stands, alike in every dialect that has them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from gatepost.base.errors import AppError
from gatepost.limiter.contract import Verdict
from gatepost.web.contract import Header


def rate(limit: int, left: int, resets_at: int) -> Sequence[Header]:
    """`X-RateLimit-*`; `resets_at` in ms, Reset in Unix seconds."""
    return _three(b"x-ratelimit", limit, left, resets_at)


def tightest(verdict: Verdict, now: int) -> Sequence[Header]:
    """`X-RateLimit-*` of the tightest window."""
    tight = verdict.tightest
    left = tight.remaining if verdict.admitted else 0
    return rate(tight.window.limit, left, now + int(tight.reset_s * 1000))


def quota(limit: int, left: int, resets_at: int) -> Sequence[Header]:
    """`X-Quota-*`: how a hard quota stands; `resets_at` in ms, Reset in Unix seconds."""
    return _three(b"x-quota", limit, left, resets_at)


def refused(refusal: AppError) -> list[Header]:
    """When to come again, and by which methods, as far as a refusal tells."""
    headers: list[Header] = []
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, ceil(refusal.retry_after_s))))
    if "allow" in refusal.extra:
        headers.append((b"allow", str(refusal.extra["allow"]).encode()))
    return headers


def _three(name: bytes, limit: int, left: int, resets_at: int) -> Sequence[Header]:
    return (
        (name + b"-limit", b"%d" % limit),
        (name + b"-remaining", b"%d" % left),
        (name + b"-reset", b"%d" % ceil(resets_at / 1000)),
    )
