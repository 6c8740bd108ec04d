"""What the Emailit dialect says of itself in its OpenAPI document."""

from __future__ import annotations

from gatepost.dialects.emailit.vocabulary import VOCABULARY
from gatepost.web.manual import NUMBER, REPLAY_HEADER, Manual, Schema

DESCRIPTION = """\
E-mail: send it, see what became of it, and manage all that belongs to it.

**Keys.** Send a key as `Authorization: Bearer <key>`.

**Lists.** `page` and `limit` choose a page, `next_page_url` and `previous_page_url` lead to those \
around it. `<field>.<condition>=value` narrows a list, with one of `exact`, `not_exact`, \
`contains`, `not_contains`, `starts_with`, `ends_with`, `empty`, `not_empty`, `gt`, `gte`, `lt`, \
`lte`, `before` and `after`; `match=or` asks for any of several.

**Repeating a request.** With an `Idempotency-Key` a mail may be sent again within 24 hours and is \
sent once; a repeat is answered 200 instead of 201.
"""
TAGS = {
    "API Keys": "Who may call, and what for.",
    "Emails": "Send, schedule, cancel, retry and forward e-mails, and read what became of them.",
    "Domains": "Domains that e-mails are sent from.",
    "Webhooks": "URLs that are told what happens.",
    "Events": "What has happened, and what you tell.",
    "Templates": "Texts that are filled with variables.",
    "Suppressions": "Addresses that get nothing more.",
    "Audiences": "Lists of subscribers.",
    "Subscribers": "Who is on a list.",
    "Contacts": "People, whichever lists they are on.",
    "Email Verifications": "Whether addresses can be right.",
}
REFUSALS = {
    400: "BadRequest",
    401: "InvalidKey",
    402: "PaymentRequired",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    414: "UriTooLong",
    415: "UnsupportedType",
    422: "Unprocessable",
    429: "RateLimitExceeded",
    500: "ServerError",
    502: "UpstreamFailed",
    503: "Unavailable",
    504: "UpstreamTimeout",
}


def wrap(data: Schema) -> Schema:
    """A success is the data alone."""
    return data


def refusal(codes: list[str]) -> Schema:
    """The schema of a refusal: its shape depends on what was asked for."""
    return {
        "type": "object",
        "required": ["error", "type", "request_id"],
        "properties": {
            "error": {
                "description": "A sentence; of keys an object with `code` and `message`.",
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {"code": NUMBER, "message": {"type": "string"}},
                    },
                ],
            },
            "message": {"type": "string", "description": "More about it."},
            "statusCode": NUMBER,
            "details": {"description": "What is wrong with which member."},
            "validation_errors": {"type": "array", "items": {"type": "string"}},
            "existing": {"type": "object", "description": "What stands in the way."},
            "type": {"type": "string", "enum": codes, "description": "Stable; go by this one."},
            "request_id": {"type": "string", "format": "uuid"},
        },
    }


def rate_headers() -> dict[str, Schema]:
    """`ratelimit-*`."""
    return {
        "ratelimit-limit": {
            "description": "How many the tightest window admits.",
            "schema": NUMBER,
            "example": 2,
        },
        "ratelimit-remaining": {
            "description": "How many it would admit now.",
            "schema": NUMBER,
            "example": 1,
        },
        "ratelimit-reset": {
            "description": "In how many seconds that number grows next.",
            "schema": NUMBER,
            "example": 1,
        },
    }


MANUAL = Manual(
    title="Gatepost: the Emailit dialect",
    description=DESCRIPTION,
    prefix="Emailit",
    tags=TAGS,
    security={"bearerAuth": {"type": "http", "scheme": "bearer"}},
    wrap=wrap,
    refusal=refusal,
    refusals=REFUSALS,
    rate_headers=rate_headers(),
    replay_header=REPLAY_HEADER,
    vocabulary=VOCABULARY,
)
