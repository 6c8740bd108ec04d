"""What the NotifyKit dialect says of itself in its OpenAPI document."""

from __future__ import annotations

from gatepost.web.manual import NUMBER, REPLAY_HEADER, Manual, Schema

DESCRIPTION = """\
E-mails and webhooks, sent through a queue that tries again.

**Keys.** Send `X-API-Key`, or `Authorization: Bearer <key>`; where both are there the first one \
counts.

**Replies.** A success is `{"success":true,"data":…,"timestamp":…}`, a refusal \
`{"success":false,"error":"<sentence>","timestamp":…}`.

**Limits.** Requests in any sixty seconds per key: 429 says in `Retry-After` when to come again. \
Accepted messages in thirty days per account: 403 says on which day they begin anew. A refused \
request counts for neither.

**Repeating a request.** An `idempotencyKey` in the body is used once, for ever: a repeat is \
answered 409. With an `Idempotency-Key` in the headers the same request may be sent again within \
24 hours and is answered as it was the first time, marked `X-Idempotent-Replay: true`.

**Webhooks.** They carry `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard \
Webhooks), and once the account has chosen a secret NotifyKit's `X-Webhook-Timestamp` and \
`X-Webhook-Signature` as well.
"""
TAGS = {
    "Service": "Is it there?",
    "Notifications": "What is to be told to somebody.",
    "Jobs": "How it has fared.",
    "Account": "What is sent by, and signed with.",
}
ID = "job_0190d3a1f5e87c3a9b2f4d6c8e0a1b2c"
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "examples": ["2026-01-15T10:30:00.000Z"],
}
REFUSALS = {
    400: "BadRequest",
    401: "InvalidKey",
    403: "Forbidden",
    404: "NotFound",
    409: "Duplicate",
    413: "PayloadTooLarge",
    414: "UriTooLong",
    415: "UnsupportedType",
    422: "RangeTooLarge",
    429: "RateLimitExceeded",
    500: "ServerError",
    502: "UpstreamFailed",
    503: "Unavailable",
    504: "UpstreamTimeout",
}


def _at(words: str) -> Schema:
    return {
        "format": "date-time",
        "description": words,
        "examples": ["2026-01-15T10:30:00.000Z"],
    }


def wrap(data: Schema) -> Schema:
    """The schema of a success around that of its data."""
    return {
        "type": "object",
        "required": ["success", "data", "timestamp"],
        "properties": {"success": {"const": True}, "data": data, "timestamp": MOMENT},
    }


def refusal(codes: list[str]) -> Schema:
    """The schema of a refusal, whatever its code."""
    del codes
    error: Schema = {"type": "string", "description": "Why not: one sentence."}
    return {
        "type": "object",
        "required": ["success", "error", "timestamp"],
        "properties": {"success": {"const": False}, "error": error, "timestamp": MOMENT},
        "additionalProperties": False,
    }


MANUAL = Manual(
    title="NotifyKit API",
    description=DESCRIPTION,
    prefix="Notifykit",
    tags=TAGS,
    security={
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A key in NotifyKit's format (`nh_…`) or Gatepost's own (`gp_live_…`).",
        },
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "API Key",
            "description": "The same key.",
        },
    },
    wrap=wrap,
    refusal=refusal,
    refusals=REFUSALS,
    rate_headers={},
    replay_header=REPLAY_HEADER,
    vocabulary={
        "Job.id": {"examples": [ID]},
        "JobSummary.id": {"examples": [ID]},
        "jobId": {"examples": [ID]},
        "Idempotency-Key": {
            "description": "A repeat with the same key is carried out once.",
            "maxLength": 255,
        },
        "to": {"examples": ["jane@example.com"]},
        "subject": {"examples": ["Hello"]},
        "body": {"examples": ["<p>How are you?</p>"]},
        "from": {"examples": ["hello@example.com"]},
        "url": {"examples": ["https://example.com/hook"]},
        "payload": {"examples": [{"hello": "world"}]},
        "createdAt": _at("When it was accepted."),
        "Log.createdAt": _at("When it began."),
        "startedAt": _at("When its last attempt began."),
        "completedAt": _at("When it was delivered."),
        "attempts": {**NUMBER, "examples": [1]},
        "attempt": {**NUMBER, "examples": [1]},
        "usedProvider": {"examples": ["POSTMARK"]},
        "errorMessage": {"examples": [None]},
        "ApiKey.apiKey": {"examples": ["nh_••••••••••••••••9f3c"]},
        "ApiKey.masked": {"examples": [True]},
        "ApiKey.createdAt": _at("When it was made."),
        "NewApiKey.apiKey": {"examples": ["nh_" + "5f" * 32]},
        "Secret.secret": {"examples": ["whsec_" + "5f" * 32]},
        "Secret.createdAt": _at("When it was made."),
        "SecretStatus.createdAt": _at("When it was made; null where there is none."),
        "addedAt": _at("When it was connected."),
        "lastFour": {"examples": ["9f3c"]},
        "provider": {"examples": ["SENDGRID"]},
        "DnsRecord.provider": {"examples": ["GATEPOST"]},
        "Domain.provider": {"examples": ["GATEPOST"]},
        "Checked.provider": {"examples": ["GATEPOST"]},
        "domain": {"examples": ["example.com"]},
        "host": {"examples": ["em.example.com"]},
        "requestedAt": _at("When it was registered."),
        "verifiedAt": _at("When it was verified; null where it is not."),
        "plan": {"examples": ["INDIE"]},
        "monthlyLimit": {"examples": [4000]},
        "usageCount": {**NUMBER, "examples": [500]},
        "emailsSent": {**NUMBER, "examples": [1200]},
        "remaining": {"examples": [3500]},
        "usagePercentage": {"examples": ["12.5"]},
        "usageResetAt": _at("When the next cycle begins."),
        "billingCycleStartAt": _at("When the present one began."),
        "page": {"examples": [1]},
        "limit": {"examples": [20]},
        "total": {**NUMBER, "examples": [1]},
        "totalPages": {**NUMBER, "examples": [1]},
    },
)
