"""Every way a request can be refused. A dialect decides how each one looks on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Code(StrEnum):
    """Stable names of the reasons for a refusal; each has a page in the reference."""

    INVALID = "validation_error"
    UNAUTHENTICATED = "unauthorized"
    FORBIDDEN = "forbidden"
    ACCOUNT_INACTIVE = "account_inactive"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CUSTOMER_MISSING = "customer_missing"
    CUSTOMER_INVALID = "customer_invalid"
    CUSTOMER_INACTIVE = "customer_inactive"
    CONFLICT = "conflict"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    TOO_LARGE = "payload_too_large"
    TARGET_TOO_LONG = "uri_too_long"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    UNSUPPORTED_TYPE = "unsupported_media_type"
    THROTTLED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    RANGE_TOO_LARGE = "range_too_large"
    UPSTREAM_FAILED = "upstream_failed"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal_error"


class FieldError(msgspec.Struct, frozen=True):
    """One problem of one field: `path` from the body's root (indexes as numbers), in words."""

    path: tuple[str | int, ...]
    message: str


class Spent(msgspec.Struct, frozen=True):
    """A limit or quota that is used up: how many it admits, and when it admits more (ms)."""

    limit: int
    resets_at: int


class AppError(Exception):
    """A refusal. `detail` is safe to show to the caller; causes belong in the log alone.

    `retry_after_s` is set for THROTTLED, QUOTA_EXCEEDED and UNAVAILABLE, `spent` for the first
    two. `extra` carries what a dialect may show beside the words (a quota's numbers, an existing
    object's id).
    """

    def __init__(
        self,
        code: Code,
        detail: str = "",
        *,
        fields: Sequence[FieldError] = (),
        retry_after_s: float | None = None,
        spent: Spent | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        """Refuse with a code, a sentence for the caller and the fields at fault."""
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.fields = tuple(fields)
        self.retry_after_s = retry_after_s
        self.spent = spent
        self.extra = extra or {}


def invalid(*problems: tuple[Sequence[str | int], str]) -> AppError:
    """Build the refusal of bad input: `invalid((["title"], "Required"))`."""
    fields = [FieldError(tuple(path), message) for path, message in problems]
    return AppError(Code.INVALID, fields[0].message if fields else "", fields=fields)


def not_found(what: str) -> AppError:
    """Build the one answer for a missing id and for another account's id."""
    return AppError(Code.NOT_FOUND, f"No {what}")
