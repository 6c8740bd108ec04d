"""What a dialect says of itself in its OpenAPI document, beyond its endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Schema = dict[str, Any]


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
