"""What members mean wherever they occur on the native wire, with examples."""

from __future__ import annotations

from gatepost.web.manual import Schema

SAMPLE = "01998f1cd2a77c03b1f2a64d5e8f9a0b"
MOMENT = {"type": "string", "format": "date-time"}


def _id(noun: str) -> Schema:
    return {"pattern": f"^{noun}_[0-9a-f]{{32}}$", "examples": [f"{noun}_{SAMPLE}"]}


def _at(words: str) -> Schema:
    return {**MOMENT, "description": words, "examples": ["2026-01-15T10:30:00.000Z"]}


VOCABULARY: dict[str, Schema] = {
    # Ids
    "Event.id": _id("event"),
    "Channel.id": _id("channel"),
    "Identity.id": _id("person"),
    "Person.id": _id("person"),
    "Project.id": _id("project"),
    "Key.id": _id("key"),
    "channelId": _id("channel"),
    "projectId": _id("project"),
    "keyId": _id("key"),
    "X-Project-ID": {
        **_id("project"),
        "description": "Which project, for a key that is bound to none.",
    },
    "Idempotency-Key": {
        "description": "Makes it safe to send the same request again within 24 hours. "
        "Empty means none.",
        "maxLength": 255,
        "examples": ["order-4711"],
    },
    "Last-Event-ID": {
        "description": "The last event that was seen; the stream goes on after it.",
        "examples": [f"event_{SAMPLE}"],
    },
    # Events
    "channelName": {"examples": ["payments"]},
    "NewEvent.channelName": {
        "pattern": "[A-Za-z0-9]",
        "description": "Made on first use, under its normal form: `Payments & Co` becomes "
        "`payments-co`.",
    },
    "BatchIn.events": {"minItems": 1, "maxItems": 1000},
    "since": {"examples": ["2026-01-15T00:00:00Z"]},
    "channel": {"examples": ["payments"]},
    "title": {"examples": ["Payment received"]},
    "description": {"examples": ["Order 4711, paid by card"]},
    "Batch.duplicates": {"examples": [0]},
    "Batch.rejected": {"examples": [1]},
    "Batch.results": {
        "examples": [
            [
                {"status": "accepted", "id": f"event_{SAMPLE}"},
                {"status": "rejected", "errors": [{"path": ["title"], "message": "Required"}]},
            ]
        ]
    },
    "Detail.path": {"examples": [["title"]]},
    "Detail.message": {"examples": ["Required"]},
    "icon": {"examples": ["💰"]},
    "metadata": {"type": "object", "examples": [{"amount": 99.99, "currency": "EUR"}]},
    "tags": {"type": "array", "items": {"type": "string"}, "examples": [["payment"]]},
    "ListQuery.channel": {"pattern": "[A-Za-z0-9]"},
    "ListQuery.userId": {"minLength": 1},
    "StreamQuery.channel": {"pattern": "[A-Za-z0-9]"},
    "StreamQuery.userId": {"minLength": 1},
    "tag": {"examples": ["payment"]},
    "displayAs": {"enum": ["message", "notification"]},
    "source": {"examples": ["api"]},
    "createdAt": _at("When it was stored."),
    "updatedAt": _at("When it was changed last."),
    # People
    "userId": {"examples": ["user_123"]},
    "user_id": {"minLength": 1, "examples": ["user_123"]},
    "NewIdentity": {"anyOf": [{"required": ["user_id"]}, {"required": ["userId"]}]},
    "NewIdentity.userId": {"minLength": 1, "description": "The same as `user_id`."},
    "properties": {
        "type": "object",
        "examples": [{"email": "john@example.com", "plan": "pro"}],
    },
    "NewIdentity.aliases": {"examples": [["john@example.com", "johndoe"]]},
    "created": {"examples": [["john@example.com", "johndoe"]]},
    "FailedAlias.alias": {"examples": ["jane@example.com"]},
    "reason": {"examples": ["Alias already exists"]},
    # Lists
    "nextCursor": {"description": "Pass it back as `cursor`; null on the last page."},
    "cursor": {"description": "The `nextCursor` of the page before."},
    # Meta
    "name": {"examples": ["production"]},
    "scopes": {"examples": [["events:write", "identities:write"]]},
    "via": {"const": "api_key"},
}
