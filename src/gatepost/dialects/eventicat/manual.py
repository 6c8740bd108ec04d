"""What the Eventicat dialect says of itself in its OpenAPI document."""

from __future__ import annotations

from gatepost.web.manual import NUMBER, REPLAY_HEADER, Manual, Schema, rate_headers

DESCRIPTION = """\
Events that are only counted: a name, and tags.

**Keys.** Send `Authorization: Bearer <key>`, or `_apikey` in the query.

**Tags.** Every parameter but `_id`, `_apikey` and `name` is a tag. Its value is ignored: to tell \
values apart, write them into the name of the tag (`region:us`).

**Replies.** A refusal is `{"error":"<sentence>"}`. Where a limit is reached it also tells \
`limit`, `remaining` and `resetTime` (Unix seconds).

**Repeating an event.** With an `Idempotency-Key` the same event may be sent again within 24 hours \
and is counted once; a repeat is marked `X-Idempotent-Replay: true`.
"""
TAGS = {
    "Events": "What happened: counted by name and tags.",
    "Aggregators": "What events are sent to, and what was counted there.",
    "Keys": "The key that requests come with.",
}
ID = "aggregator_0190d3a1f5e87c3a9b2f4d6c8e0a1b2c"
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
    422: "RangeTooLarge",
    429: "RateLimitExceeded",
    500: "ServerError",
    502: "UpstreamFailed",
    503: "Unavailable",
    504: "UpstreamTimeout",
}
SPENT = {"rate_limited", "quota_exceeded"}


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
    members: dict[str, Schema] = {"error": {"type": "string", "description": "Why not."}}
    if SPENT.intersection(codes):
        members |= {
            "limit": {**NUMBER, "description": "Requests the limit admits."},
            "remaining": {"const": 0},
            "resetTime": {**NUMBER, "description": "When it admits more, in Unix seconds."},
        }
    return {"type": "object", "required": ["error"], "properties": members}


MANUAL = Manual(
    title="Eventicat API",
    description=DESCRIPTION,
    prefix="Eventicat",
    tags=TAGS,
    security={
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "API Key",
            "description": "A key in Eventicat's format (`evk_…`) or Gatepost's own (`gp_live_…`).",
        },
        "queryAuth": {
            "type": "apiKey",
            "in": "query",
            "name": "_apikey",
            "description": "The same key, where no header can be set. URLs end up in logs.",
        },
    },
    wrap=wrap,
    refusal=refusal,
    refusals=REFUSALS,
    rate_headers=rate_headers(1000),
    replay_header=REPLAY_HEADER,
    vocabulary={
        "_id": {"example": ID},
        "name": {"example": "user_signup"},
        "_apikey": {"example": ""},
        "status": {"const": "ok", "example": "ok"},
        "Aggregator.id": {"pattern": "^aggregator_[0-9a-f]{32}$", "examples": [ID]},
        "Aggregator.name": {"examples": ["web shop"]},
        "NewAggregatorIn.name": {"examples": ["web shop"]},
        "timezone": {"examples": ["Europe/Berlin"]},
        "created_at": _at("When it was made."),
        "from": _at("The first moment that counts."),
        "to": _at("The first moment that counts no more."),
        "start": _at("Where the period starts."),
        "end": _at("Where the next one starts."),
        "first_seen": _at("Where the first quarter of an hour starts that it was counted in."),
        "last_seen": _at("Where the last quarter of an hour starts that it was counted in."),
        "count": {**NUMBER, "examples": [17]},
        "total": {**NUMBER, "examples": [17]},
        "previous_total": {**NUMBER, "examples": [12]},
        "event": {"examples": ["user_signup"]},
        "tag": {"examples": ["region:us"]},
        "key": {"examples": ["evk_" + "x" * 40]},
        "next_cursor": {"description": "Pass it back as `cursor`; null on the last page."},
    },
)
