"""The response headers of one dialect: components once, references everywhere."""

from __future__ import annotations

from collections.abc import Iterable

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
_BY_LOWER = {name.lower(): name for name in COMMON}


def components(manual: Manual, prefix: str) -> dict[str, Schema]:
    """All headers of a dialect by component name."""
    every = {**COMMON, **manual.rate_headers, **manual.replay_header}
    return {prefix + name: header for name, header in every.items()}


def succeeded(manual: Manual, prefix: str, *, writes: bool) -> dict[str, Schema]:
    """References to the headers of a success."""
    names = ["X-Request-ID", *manual.rate_headers, *(manual.replay_header if writes else ())]
    return _references(prefix, names)


def refused(
    manual: Manual, prefix: str, lower: Iterable[str], *, limited: bool
) -> dict[str, Schema]:
    """References to the headers of a refusal: `lower` are those its rendering carries."""
    rates = manual.rate_headers if limited else ()
    names = ["X-Request-ID", *sorted(_BY_LOWER[name] for name in lower), *rates]
    return _references(prefix, names)


def _references(prefix: str, names: Iterable[str]) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{prefix}{name}"} for name in names}
