"""What a dialect says of itself in its OpenAPI document, beyond its endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Schema = dict[str, Any]

NUMBER: Schema = {"type": "integer", "minimum": 0}
REPLAY_HEADER: dict[str, Schema] = {
    "X-Idempotent-Replay": {
        "description": "`true` when this is the remembered reply of an earlier request.",
        "schema": {"const": "true"},
    }
}


def rate_headers(limit: int) -> dict[str, Schema]:
    """`X-RateLimit-*`, with a usual limit for an example."""
    return {
        "X-RateLimit-Limit": {
            "description": "Requests the tightest window admits.",
            "schema": NUMBER,
            "example": limit,
        },
        "X-RateLimit-Remaining": {
            "description": "Requests it would admit now.",
            "schema": NUMBER,
            "example": limit - 1,
        },
        "X-RateLimit-Reset": {
            "description": "When that number grows next, in Unix seconds.",
            "schema": NUMBER,
            "example": 1768473060,
        },
    }


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect's own words.

    `wrap` makes the schema of a successful reply from that of its data, `refusal` that of an
    error from the codes it may carry; `refusals` names the latter by status. `vocabulary` says
    what a member means wherever it occurs: keys are `member`, `Struct.member` or `Struct`,
    values are what its schema says unless the struct says otherwise. `rate_headers` and
    `replay_header` are OpenAPI headers by name. `prefix` goes before its names where several
    dialects share one document.
    """

    title: str
    description: str
    prefix: str
    tags: Mapping[str, str]
    security: Mapping[str, Schema]
    wrap: Callable[[Schema], Schema]
    refusal: Callable[[list[str]], Schema]
    refusals: Mapping[int, str]
    rate_headers: Mapping[str, Schema]
    replay_header: Mapping[str, Schema]
    vocabulary: Mapping[str, Schema]
