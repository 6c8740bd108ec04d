"""Which refusals an operation can answer with, and what each one looks like on the wire."""

from __future__ import annotations

import msgspec

from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.meanings import MEANINGS
from gatepost.web.contract import Dialect, Endpoint, free
from gatepost.web.manual import Schema
from gatepost.web.openapi import headers
from gatepost.web.openapi.schemas import Schemas

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
    Code.CONFLICT: AppError(Code.CONFLICT, "This name is taken"),
    Code.IDEMPOTENCY_CONFLICT: AppError(
        Code.IDEMPOTENCY_CONFLICT,
        "This idempotency key was already used with a different request",
    ),
    Code.TOO_LARGE: AppError(Code.TOO_LARGE, "Request body exceeds the 1 MiB limit"),
    Code.UNSUPPORTED_ENCODING: AppError(
        Code.UNSUPPORTED_ENCODING, "Content-Encoding must be gzip, deflate or zstd"
    ),
    Code.THROTTLED: AppError(
        Code.THROTTLED, "Too many requests. Please try again later.", retry_after_s=12
    ),
    Code.QUOTA_EXCEEDED: AppError(
        Code.QUOTA_EXCEEDED, "The quota of this period is spent", retry_after_s=86_400
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
        codes |= {Code.INVALID, Code.IDEMPOTENCY_CONFLICT, Code.UNAVAILABLE}
    if endpoint.charge is not free:
        codes.add(Code.QUOTA_EXCEEDED)
    return [code for code in Code if code in codes]


def add_schemas(dialect: Dialect, schemas: Schemas) -> None:
    """Add one component per status that any refusal has."""
    for status, codes in by_status(dialect, list(Code)).items():
        words = [str(code) for code in codes]
        schemas.add(dialect.manual.refusals[status], dialect.manual.refusal(words))


def by_status(dialect: Dialect, codes: list[Code]) -> dict[int, list[Code]]:
    """Group codes by the status the dialect renders them with."""
    grouped: dict[int, list[Code]] = {}
    for code in codes:
        status = dialect.error(SAMPLES[code], REQUEST_ID, None).status
        grouped.setdefault(status, []).append(code)
    return dict(sorted(grouped.items()))


def responses(dialect: Dialect, endpoint: Endpoint, schemas: Schemas) -> dict[str, Schema]:
    """The refusals of one operation as OpenAPI responses by status."""
    grouped = by_status(dialect, possible(endpoint))
    return {
        str(status): _response(dialect, endpoint, schemas, (status, codes))
        for status, codes in grouped.items()
    }


def _response(
    dialect: Dialect, endpoint: Endpoint, schemas: Schemas, group: tuple[int, list[Code]]
) -> Schema:
    status, codes = group
    rendered = {code: dialect.error(SAMPLES[code], REQUEST_ID, endpoint) for code in codes}
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
                        "value": msgspec.json.decode(reply.body),
                    }
                    for code, reply in rendered.items()
                },
            }
        },
    }
