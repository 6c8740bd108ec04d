"""The response headers of one dialect: components once, references everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from gatepost.web.contract import Endpoint, Naming
from gatepost.web.manual import Manual, Schema

COMMON: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "Names this request in the service's log.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "description": "Seconds until the same request would be admitted.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 12,
    },
    "WWW-Authenticate": {
        "description": "The scheme that is expected (RFC 9110).",
        "schema": {"type": "string"},
        "example": 'Bearer realm="gatepost"',
    },
    "Allow": {
        "description": "The methods this path knows.",
        "schema": {"type": "string"},
        "example": "GET, POST",
    },
}
QUOTA: dict[str, Schema] = {
    "X-Quota-Limit": {
        "description": "What the customer may use in a period, where its quota is hard.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 10_000,
    },
    "X-Quota-Remaining": {
        "description": "What is left of it.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 9_993,
    },
    "X-Quota-Reset": {
        "description": "When the next period begins, in Unix seconds.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1_769_904_000,
    },
}
_BY_LOWER = {name.lower(): name for name in COMMON}


def components(manual: Manual, prefix: str) -> dict[str, Schema]:
    """All headers of a dialect by component name."""
    every = {**COMMON, **QUOTA, **manual.rate_headers, **manual.replay_header}
    return {prefix + name: header for name, header in every.items()}


def succeeded(manual: Manual, prefix: str, endpoint: Endpoint) -> dict[str, Schema]:
    """References to the headers of a success."""
    names = ["X-Request-ID", *manual.rate_headers]
    names += manual.replay_header if endpoint.writes and endpoint.idempotent else ()
    names += QUOTA if endpoint.customer is not Naming.IGNORED else ()
    return _references(prefix, names)


def refused(
    manual: Manual, prefix: str, lower: Iterable[str], *, limited: bool
) -> dict[str, Schema]:
    """References to the headers of a refusal: `lower` are those its rendering carries; those of
    limits are the dialect's own.
    """
    rates = manual.rate_headers if limited else ()
    names = [
        "X-Request-ID",
        *sorted(_BY_LOWER[name] for name in lower if name in _BY_LOWER),
        *rates,
    ]
    return _references(prefix, names)


def _references(prefix: str, names: Iterable[str]) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{prefix}{name}"} for name in names}
