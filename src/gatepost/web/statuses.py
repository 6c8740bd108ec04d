"""The status of HTTP that tells each refusal, wherever a dialect does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from gatepost.base.errors import Code

STATUSES: Mapping[Code, int] = {
    Code.INVALID: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.ACCOUNT_INACTIVE: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.CUSTOMER_MISSING: 400,
    Code.CUSTOMER_INVALID: 400,
    Code.CUSTOMER_INACTIVE: 403,
    Code.CONFLICT: 409,
    Code.IDEMPOTENCY_CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.TARGET_TOO_LONG: 414,
    Code.UNSUPPORTED_ENCODING: 415,
    Code.UNSUPPORTED_TYPE: 415,
    Code.THROTTLED: 429,
    Code.QUOTA_EXCEEDED: 429,
    Code.RANGE_TOO_LARGE: 422,
    Code.UPSTREAM_FAILED: 502,
    Code.UPSTREAM_TIMEOUT: 504,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}
