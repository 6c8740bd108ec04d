"""The shape of EMMI's replies: data as they are, and refusals with a word and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.dialects.emmi import wire
from gatepost.dialects.emmi.shapes import CustomerOut, show
from gatepost.domains.customers.model import Customer
from gatepost.gate.once import Reply
from gatepost.web import standing, validate
from gatepost.web.contract import Endpoint, Header, IdempotencyPolicy, ThrottlePolicy

CODES = {
    Code.INVALID: (422, "validation_error"),
    Code.UNAUTHENTICATED: (401, wire.INVALID_KEY),
    Code.FORBIDDEN: (403, "forbidden"),
    Code.ACCOUNT_INACTIVE: (403, "account_suspended"),
    Code.NOT_FOUND: (404, "customer_not_found"),
    Code.METHOD_NOT_ALLOWED: (405, "method_not_allowed"),
    Code.CUSTOMER_MISSING: (400, "missing_customer_id"),
    Code.CUSTOMER_INVALID: (400, "invalid_customer_id"),
    Code.CUSTOMER_INACTIVE: (403, "customer_inactive"),
    Code.CONFLICT: (409, "customer_already_exists"),
    Code.IDEMPOTENCY_CONFLICT: (409, "idempotency_key_reused"),
    Code.TOO_LARGE: (413, "payload_too_large"),
    Code.TARGET_TOO_LONG: (414, "uri_too_long"),
    Code.UNSUPPORTED_ENCODING: (415, "unsupported_encoding"),
    Code.UNSUPPORTED_TYPE: (415, "unsupported_media_type"),
    Code.THROTTLED: (429, "rate_limit_exceeded"),
    Code.QUOTA_EXCEEDED: (429, "quota_exceeded"),
    Code.RANGE_TOO_LARGE: (422, "range_too_large"),
    Code.UPSTREAM_FAILED: (502, "upstream_failed"),
    Code.UPSTREAM_TIMEOUT: (504, "upstream_timeout"),
    Code.UNAVAILABLE: (503, "service_unavailable"),
    Code.INTERNAL: (500, "internal_error"),
}
WORDS = {
    wire.MISSING_KEY: 401,
    wire.INVALID_JSON: 400,
    wire.INVALID_CURSOR: 400,
    wire.NO_QUOTA: 404,
    wire.MISSING_END_USER: 400,
    wire.INVALID_END_USER: 400,
}
"""Statuses of the words that are no code's usual one."""
NOWHERE = "not_found"
OF_CUSTOMER = "customer"
"""What the quota of a customer is called where it refuses."""
SENTENCES = {
    wire.INVALID_KEY: "Invalid API key",
    "account_suspended": "This account is suspended",
    "customer_not_found": "No customer with this id",
    "customer_inactive": "This customer is inactive",
    "customer_already_exists": "A customer with this identifier exists already",
    wire.INVALID_CURSOR: "Not a cursor of this list",
    wire.INVALID_JSON: "Request body is not valid JSON",
    "internal_error": "Internal server error",
}
INVALID_BODY = "Request body is invalid"
INVALID_QUERY = "Request parameters are invalid"

HEADERS: Sequence[Header] = ((b"cache-control", b"no-store"),)
"""The key is in a header that caches do not know."""


class Detail(msgspec.Struct):
    """One member at fault."""

    field: str
    message: str


class Error(msgspec.Struct):
    """Why not."""

    code: str
    message: str
    details: list[Detail] | msgspec.UnsetType = msgspec.UNSET


class ErrorBody(msgspec.Struct):
    """Every refusal; beside it the customer that has the identifier already, where that is why."""

    error: Error
    existing: CustomerOut | msgspec.UnsetType = msgspec.UNSET
    request_id: str = ""


def reply(data: Any, status: int = 200, **extra: Any) -> Reply:
    """Answer with JSON as it is: there is no envelope."""
    return Reply(status, msgspec.json.encode(data), **extra)


def render_error(refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
    """Render a refusal with its status and headers."""
    status, word = _named(refusal, endpoint)
    error = Error(word, SENTENCES.get(word) or refusal.detail)
    if word == "validation_error":
        of_query = endpoint and endpoint.query and not endpoint.request
        error.message = INVALID_QUERY if of_query else INVALID_BODY
        error.details = _details(refusal)
    holder = refusal.extra.get("customer")
    existing = show(holder) if isinstance(holder, Customer) else msgspec.UNSET
    body = msgspec.json.encode(ErrorBody(error, existing, request_id))
    return Reply(status, body, tuple(_headers(refusal)))


def _named(refusal: AppError, endpoint: Endpoint | None) -> tuple[int, str]:
    word = refusal.extra.get(wire.WORD)
    if refusal.code is Code.INVALID and [one.path for one in refusal.fields] == [("cursor",)]:
        word = wire.INVALID_CURSOR
    if refusal.code is Code.INVALID and refusal.detail in validate.UNREADABLE:
        word = wire.INVALID_JSON
    if isinstance(word, str):
        return WORDS[word], word
    if refusal.code is Code.NOT_FOUND and endpoint is None:
        return 404, NOWHERE
    return CODES[refusal.code]


def _details(refusal: AppError) -> list[Detail]:
    found = [Detail(wire.spell(one.path), one.message) for one in refusal.fields]
    return found[: wire.DETAILS_MAX] or [Detail("", refusal.detail)]


def _headers(refusal: AppError) -> list[Header]:
    headers = standing.refused(refusal)
    spent = refusal.spent
    if spent is not None and refusal.code is Code.THROTTLED:
        headers += standing.rate(spent.limit, 0, spent.resets_at)
    if spent is not None and refusal.extra.get("quota") == OF_CUSTOMER:
        used = refusal.extra.get("used")
        left = max(spent.limit - used, 0) if isinstance(used, int) else 0
        headers += standing.quota(spent.limit, left, spent.resets_at)
    return headers


THROTTLE = ThrottlePolicy(standing.tightest)
IDEMPOTENCY = IdempotencyPolicy(b"idempotency-key", (b"x-idempotent-replay", b"true"))
