"""What the EMMI dialect says of itself in its OpenAPI document."""

from __future__ import annotations

from gatepost.web.manual import NUMBER, REPLAY_HEADER, Manual, Schema, rate_headers

DESCRIPTION = """\
An account and its customers: what is asked for each of them, and how much of it.

**Keys.** Send the account's key in `X-API-Key`.

**Customers.** Register a customer under your own identifier, keep the UUID that comes back, and \
send it in `X-Customer-ID` with each data request. Nothing else needs that header.

**Replies.** A success is the data as they are. A refusal is \
`{"error":{"code":…,"message":…},"request_id":…}`; with 422 `details` name each member at fault.

**Repeating a request.** With an `Idempotency-Key` the same request may be sent again within 24 \
hours and is carried out and counted once; a repeat is marked `X-Idempotent-Replay: true`.

**Paths.** All of it is also below `/v1/api/v1/` and `/api/v1/`.
"""
TAGS = {
    "Data": "What is asked about entities, for a customer.",
    "Customers": "Whom requests are done for, and how much each may use.",
    "Usage": "Who used how much.",
}
ID = "0b5e8f0a-3f5d-4f0e-9d3b-6a4b1c2d3e4f"
REFUSALS = {
    400: "BadRequest",
    401: "InvalidKey",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    414: "UriTooLong",
    415: "UnsupportedType",
    422: "ValidationFailed",
    429: "RateLimitExceeded",
    500: "ServerError",
    502: "UpstreamFailed",
    503: "Unavailable",
    504: "UpstreamTimeout",
}
DETAIL: Schema = {
    "type": "object",
    "required": ["field", "message"],
    "properties": {
        "field": {
            "type": "string",
            "description": "The path of the member, such as `a.b[0]`; empty for the whole.",
        },
        "message": {"type": "string"},
    },
}


def _at(words: str) -> Schema:
    return {
        "format": "date-time",
        "description": words,
        "examples": ["2026-01-15T10:30:00.000Z"],
    }


def wrap(data: Schema) -> Schema:
    """A success is the data alone."""
    return data


def refusal(codes: list[str]) -> Schema:
    """The schema of a refusal with one of these codes."""
    error: dict[str, Schema] = {
        "code": {"type": "string", "description": "Stable; go by this one."},
        "message": {"type": "string", "description": "For people."},
    }
    members: dict[str, Schema] = {"request_id": {"type": "string", "format": "uuid"}}
    if "validation_error" in codes:
        error["details"] = {"type": "array", "items": DETAIL}
    if "conflict" in codes:
        members["existing"] = {
            "type": "object",
            "description": "The customer that has the identifier already, where that is why.",
        }
    members = {
        "error": {"type": "object", "required": ["code", "message"], "properties": error},
        **members,
    }
    return {"type": "object", "required": ["error", "request_id"], "properties": members}


MANUAL = Manual(
    title="EMMI API",
    description=DESCRIPTION,
    prefix="Emmi",
    tags=TAGS,
    security={
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A key in EMMI's format (`emmi_sk_…`) or Gatepost's own (`gp_live_…`). "
            "With one of EMMI's earlier generation (`sk_live_multi_…`) data requests name their "
            "customer by your own identifier in `X-End-User-Id`.",
        },
    },
    wrap=wrap,
    refusal=refusal,
    refusals=REFUSALS,
    rate_headers=rate_headers(600),
    replay_header=REPLAY_HEADER,
    vocabulary={
        "Customer.customer_id": {"type": "string", "format": "uuid", "examples": [ID]},
        "AllUsageQuery.customer_id": {"examples": [[ID]]},
        "RankingQuery.customer_id": {"examples": [[ID]]},
        "Customer.id": {"format": "uuid", "examples": [ID]},
        "X-Customer-ID": {
            "description": "The UUID of the customer this is done for.",
            "format": "uuid",
            "examples": [ID],
        },
        "Idempotency-Key": {
            "description": "A repeat with the same key is carried out and counted once.",
            "maxLength": 255,
        },
        "identifier": {"examples": ["desk-a"]},
        "name": {"examples": ["Trading Desk A"]},
        "metadata": {"examples": [{"region": "eu"}]},
        "search": {"examples": ["desk"]},
        "timezone": {"examples": ["Europe/Berlin"]},
        "created_at": _at("When it was registered."),
        "updated_at": _at("When it was changed last."),
        "resets_at": _at("When the next period begins."),
        "limit": {"examples": [25]},
        "Quota.limit": {"examples": [10_000]},
        "QuotaIn.limit": {"examples": [10_000]},
        "customer": {"format": "uuid", "examples": [ID]},
        "endpoint": {"examples": ["POST /latest/api/v1/echo-estimates"]},
        "method": {"examples": ["POST"]},
        "RequestOut.status": {"examples": [200]},
        "Group.status": {"examples": [200]},
        "api_key": {"examples": ["key_0190d3a1f5e87c3a9b2f4d6c8e0a1b2c"]},
        "group_by": {"examples": ["customer,endpoint"]},
        "Usage.group_by": {"examples": [["customer", "endpoint"]]},
        "from": _at("The first moment that counts."),
        "to": _at("The first moment that counts no more."),
        "start": _at("Where the period starts."),
        "end": _at("Where the next one starts."),
        "received_at": _at("When it came."),
        "data_as_of": _at("Until when the figures are complete."),
        "requests": {**NUMBER, "examples": [40]},
        "errors": {**NUMBER, "examples": [0]},
        "response_bytes": {"description": "Null where the answer was streamed."},
        "used": {**NUMBER, "examples": [7]},
        "remaining": {**NUMBER, "examples": [9_993]},
        "overage": {**NUMBER, "examples": [0]},
        "thresholds": {"examples": [[50, 80, 100]]},
        "units": {**NUMBER, "examples": [1]},
        "Echo.data": {"examples": [[{"entity_info": {"identifier": "US0378331005"}}]]},
        "request_id": {"format": "uuid", "examples": [ID]},
        "next_cursor": {"description": "Pass it back as `cursor`; null on the last page."},
        "has_more": {"description": "Whether there is a next page."},
    },
)
