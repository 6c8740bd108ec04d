"""What the native dialect says of itself in its OpenAPI document."""

from __future__ import annotations

import msgspec

from gatepost.dialects.native.envelope import ErrorBody
from gatepost.dialects.native.vocabulary import VOCABULARY
from gatepost.web.manual import REPLAY_HEADER, Manual, Schema, rate_headers

REQUEST_ID: Schema = {
    "type": "string",
    "format": "uuid",
    "description": "Names the request in the service's log; of a replay, the first request.",
}
DESCRIPTION = """\
Product events in; alerts, counts and people out.

**Keys.** Send `Authorization: Bearer <key>` with every request. Each operation needs one scope.

**Replies.** A success is `{"success":true,"data":…,"requestId":…}`. A refusal is
`{"success":false,"code":…,"error":…,"message":…,"requestId":…}`: `code` never changes its
meaning, the other texts are for people. A path that does not exist is 404 `not_found`, a method \
it does not know is 405 `method_not_allowed`, with `Allow`.

**Repeating a write.** With an `Idempotency-Key` the same request may be sent again within 24 \
hours: the effect happens once, and the first reply comes back byte for byte, marked \
`X-Idempotent-Replay: true`. The same key with another request is 409 `idempotency_conflict`. \
A refused request frees its key.

**Limits.** Requests count in rolling windows per key and per account. `X-RateLimit-*` tell of the \
tightest window, `RateLimit` and `RateLimit-Policy` of all; they are absent where no limit \
applies. After a 429 wait `Retry-After` seconds.

**Lists** come in pages: pass `nextCursor` back as `cursor`, until it is null.
"""
TAGS = {
    "Events": "What happened: store it, read it back, follow it as it comes.",
    "Identity": "Who a user is, and under which other names.",
    "People": "The users that events and identities have named.",
    "Channels": "Streams of events. A channel is made by its first event.",
    "Keys": "Who may use the API, and for what.",
    "Projects": "Where events belong.",
    "Aggregators": "Sets of counters, and what was counted in them.",
    "Customers": "Whom usage is metered for, and how much each may use.",
    "Usage": "Who used how much: by customer, endpoint, status and key.",
    "Gate": "Keys of your own users, and whether they may do what they ask for.",
    "Relays": "Routes that lead through Gatepost to an API of your own.",
    "Endpoints": "URLs that are told what happens.",
    "Rules": "When events become messages, and to whom they go.",
    "Alerts": "What rules have found, and whether anybody has taken notice.",
    "Messages": "What is told to somebody, and how its deliveries went.",
    "Deliveries": "A message's way to each destination: its attempts, and another try.",
    "Push": "Browsers that are told what happens.",
    "Domains": "Domains that mail is sent from, and the records that prove whose they are.",
    "Templates": "Texts of messages, in versions, with places for what changes.",
    "Mailers": "Through whom mails are sent: SMTP servers and providers.",
    "Suppressions": "Who gets no mails any more.",
    "Operators": "Who signs in to the dashboard, and who is invited.",
    "Mailbox": "Mails that were caught, because nobody is there to take them.",
    "Audit": "What was changed, and what was refused.",
    "Meta": "Is it there, and who am I to it?",
}
RATE_HEADERS: dict[str, Schema] = {
    **rate_headers(100),
    "RateLimit-Policy": {
        "description": "All windows: name, requests `q`, seconds `w`.",
        "schema": {"type": "string"},
        "example": '"minute";q=100;w=60',
    },
    "RateLimit": {
        "description": "How they stand: name, remaining `r`, seconds until it grows `t`.",
        "schema": {"type": "string"},
        "example": '"minute";r=99;t=60',
    },
}
REFUSALS = {
    400: "ValidationError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodError",
    409: "ConflictError",
    413: "TooLargeError",
    414: "TooLongError",
    415: "EncodingError",
    422: "RangeError",
    429: "RateLimitError",
    500: "ServerError",
    502: "UpstreamError",
    503: "UnavailableError",
    504: "UpstreamTimeoutError",
}


def wrap(data: Schema) -> Schema:
    """The schema of a success around that of its data."""
    return {
        "type": "object",
        "required": ["success", "data", "requestId"],
        "properties": {"success": {"const": True}, "data": data, "requestId": REQUEST_ID},
    }


def refusal(codes: list[str]) -> Schema:
    """The schema of a refusal with one of these codes."""
    _, parts = msgspec.json.schema_components([ErrorBody], ref_template="{name}")
    body = parts["ErrorBody"]
    members = {
        **body["properties"],
        "code": {"enum": codes, "description": "Stable; see the list of codes."},
        "requestId": REQUEST_ID,
        "details": {"type": "array", "items": _untitled(parts["Detail"])},
    }
    return {
        "description": body["description"],
        "type": "object",
        "required": ["success", *body["required"]],
        "properties": {"success": {"const": False}, **members},
    }


def _untitled(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name != "title"}


MANUAL = Manual(
    title="Gatepost API",
    description=DESCRIPTION,
    prefix="Native",
    tags=TAGS,
    security={
        "bearerAuth": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "API Key",
            "description": "A Gatepost key (`gp_live_…`) or one in EmitKit's format (`emitkit_…`).",
        }
    },
    wrap=wrap,
    refusal=refusal,
    refusals=REFUSALS,
    rate_headers=RATE_HEADERS,
    replay_header=REPLAY_HEADER,
    vocabulary=VOCABULARY,
)
