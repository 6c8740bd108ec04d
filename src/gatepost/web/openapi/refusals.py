"""Which refusals an operation can answer with, and what each one looks like on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code, Spent, invalid
from gatepost.base.meanings import MEANINGS
from gatepost.gate.once import Reply
from gatepost.web.contract import Dialect, Endpoint, Naming, free
from gatepost.web.manual import Schema
from gatepost.web.openapi import headers
from gatepost.web.openapi.examples import MOMENT
from gatepost.web.openapi.schemas import Schemas

Rendered = dict[Code, Reply]
REQUEST_ID = "0b5e8f0a-3f5d-4f0e-9d3b-6a4b1c2d3e4f"
ALWAYS = (
    Code.UNAUTHENTICATED,
    Code.FORBIDDEN,
    Code.ACCOUNT_INACTIVE,
    Code.THROTTLED,
    Code.INTERNAL,
)
SAMPLES = {
    Code.INVALID: invalid((["title"], "Required")),
    Code.UNAUTHENTICATED: AppError(
        Code.UNAUTHENTICATED, "Invalid or missing authentication credentials"
    ),
    Code.FORBIDDEN: AppError(Code.FORBIDDEN, "This key lacks the scope events:write"),
    Code.ACCOUNT_INACTIVE: AppError(Code.ACCOUNT_INACTIVE, "This account is not active"),
    Code.NOT_FOUND: AppError(Code.NOT_FOUND, "Nothing with this id"),
    Code.METHOD_NOT_ALLOWED: AppError(Code.METHOD_NOT_ALLOWED, "Use POST", extra={"allow": "POST"}),
    Code.CUSTOMER_MISSING: AppError(Code.CUSTOMER_MISSING, "The X-Customer-ID header is required"),
    Code.CUSTOMER_INVALID: AppError(Code.CUSTOMER_INVALID, "X-Customer-ID must be a customer's id"),
    Code.CUSTOMER_INACTIVE: AppError(Code.CUSTOMER_INACTIVE, "This customer is not active"),
    Code.CONFLICT: AppError(Code.CONFLICT, "This name is taken"),
    Code.IDEMPOTENCY_CONFLICT: AppError(
        Code.IDEMPOTENCY_CONFLICT,
        "This idempotency key was already used with a different request",
    ),
    Code.TOO_LARGE: AppError(Code.TOO_LARGE, "Request body exceeds the 1 MiB limit"),
    Code.TARGET_TOO_LONG: AppError(
        Code.TARGET_TOO_LONG, "Path and query exceed 8192 bytes together"
    ),
    Code.UNSUPPORTED_ENCODING: AppError(
        Code.UNSUPPORTED_ENCODING, "Content-Encoding must be gzip, deflate or zstd"
    ),
    Code.UNSUPPORTED_TYPE: AppError(Code.UNSUPPORTED_TYPE, "Content-Type must be JSON"),
    Code.THROTTLED: AppError(
        Code.THROTTLED,
        "Too many requests. Please try again later.",
        retry_after_s=12,
        spent=Spent(1000, 1_768_473_060_000),
    ),
    Code.QUOTA_EXCEEDED: AppError(
        Code.QUOTA_EXCEEDED,
        "The quota of this period is spent",
        retry_after_s=86_400,
        spent=Spent(100_000, 1_769_904_000_000),
    ),
    Code.RANGE_TOO_LARGE: AppError(Code.RANGE_TOO_LARGE, "Hours are told for at most 31 days"),
    Code.UPSTREAM_FAILED: AppError(Code.UPSTREAM_FAILED, "The upstream could not be reached"),
    Code.UPSTREAM_TIMEOUT: AppError(
        Code.UPSTREAM_TIMEOUT, "The upstream did not answer within 30 s"
    ),
    Code.UNAVAILABLE: AppError(Code.UNAVAILABLE, "Shutting down", retry_after_s=5),
    Code.INTERNAL: AppError(Code.INTERNAL),
}


def possible(endpoint: Endpoint) -> list[Code]:
    """All codes an operation can answer with, in the order of `Code`."""
    codes = {*ALWAYS, *endpoint.errors}
    if endpoint.request is not None:
        codes |= {Code.INVALID, Code.TOO_LARGE, Code.UNSUPPORTED_ENCODING}
    if endpoint.query is not None:
        codes.add(Code.INVALID)
    if endpoint.project or "{" in endpoint.path:
        codes.add(Code.NOT_FOUND)
    if endpoint.writes:
        codes.add(Code.UNAVAILABLE)
    if endpoint.writes and endpoint.idempotent:
        codes |= {Code.INVALID, Code.IDEMPOTENCY_CONFLICT}
    if endpoint.customer is not Naming.IGNORED:
        codes |= {Code.CUSTOMER_INVALID, Code.CUSTOMER_INACTIVE, Code.NOT_FOUND}
        codes.add(Code.QUOTA_EXCEEDED)
    if endpoint.customer is Naming.REQUIRED:
        codes.add(Code.CUSTOMER_MISSING)
    if endpoint.charge is not free:
        codes.add(Code.QUOTA_EXCEEDED)
    return [code for code in Code if code in codes]


def add_schemas(dialect: Dialect, schemas: Schemas) -> None:
    """Add one component per status that any refusal has."""
    grouped = by_status(dialect, list(Code))
    for status, code in _further(dialect):
        grouped[status] = [one for one in Code if one == code or one in grouped.get(status, ())]
    for status, codes in sorted(grouped.items()):
        words = [str(code) for code in codes]
        schemas.add(dialect.manual.refusals[status], dialect.manual.refusal(words))


def _further(dialect: Dialect) -> Iterator[tuple[int, Code]]:
    """What endpoints refuse with a status of their own."""
    for endpoint in dialect.endpoints:
        for sample in endpoint.samples:
            yield dialect.error(sample, REQUEST_ID, endpoint).status, sample.code


def by_status(dialect: Dialect, codes: list[Code]) -> dict[int, list[Code]]:
    """Group codes by the status the dialect renders them with."""
    grouped: dict[int, list[Code]] = {}
    for code in codes:
        status = dialect.error(SAMPLES[code], REQUEST_ID, None).status
        grouped.setdefault(status, []).append(code)
    return dict(sorted(grouped.items()))


def responses(dialect: Dialect, endpoint: Endpoint, schemas: Schemas) -> dict[str, Schema]:
    """The refusals of one operation as OpenAPI responses by status."""
    grouped: dict[int, Rendered] = {}
    for sample in (*(SAMPLES[code] for code in possible(endpoint)), *endpoint.samples):
        reply = dialect.error(sample, REQUEST_ID, endpoint)
        grouped.setdefault(reply.status, {}).setdefault(sample.code, reply)
    return {
        str(status): _response(dialect, schemas, status, rendered)
        for status, rendered in sorted(grouped.items())
    }


def _response(dialect: Dialect, schemas: Schemas, status: int, rendered: Rendered) -> Schema:
    codes = list(rendered)
    names = {name.decode() for reply in rendered.values() for name, _ in reply.headers}
    limited = any(code is not Code.UNAUTHENTICATED for code in codes)
    return {
        "description": " ".join(f"`{code}`: {MEANINGS[code].why}" for code in codes),
        "headers": headers.refused(dialect.manual, schemas.prefix, names, limited=limited),
        "content": {
            "application/json": {
                "schema": schemas.pointer(dialect.manual.refusals[status]),
                "examples": {
                    str(code): {
                        "summary": MEANINGS[code].why,
                        "value": _timeless(msgspec.json.decode(reply.body)),
                    }
                    for code, reply in rendered.items()
                },
            }
        },
    }


def _timeless(shown: dict[str, Any]) -> dict[str, Any]:
    """A refusal without the moment when the document was made."""
    return shown | {"timestamp": MOMENT} if "timestamp" in shown else shown
