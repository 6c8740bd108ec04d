"""Requests to webhooks on Emailit's wire: how each one stands."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.dialects.emailit import wire
from gatepost.domains.outbox.model import OPEN, Delivery, Message, State

KIND = "webhook_request"
STATUSES = {State.SUCCEEDED: "delivered", State.FAILED: "failed", State.CANCELED: "canceled"}


class RequestOut(msgspec.Struct, tag_field="object", tag=KIND):
    """One event on its way to a webhook."""

    id: str
    webhook_id: str
    event_id: str | None
    type: str | None
    status: Annotated[
        str,
        Meta(description="`pending` until it is `delivered`, has `failed` or was `canceled`."),
    ]
    attempts: Annotated[int, Meta(description="How many were made since the last start.")]
    response_status: Annotated[int | None, Meta(description="What was answered last.")]
    error: str | None
    next_attempt_at: str | None
    created_at: str
    finished_at: str | None


class _Told(msgspec.Struct):
    event_id: str | None = None
    type: str | None = None


_told = msgspec.json.Decoder(_Told).decode


def show_request(message: Message | None, one: Delivery) -> RequestOut:
    """Write a request for the wire; what it says may have been erased."""
    body = None if message is None else message.body
    said = _Told() if body is None else _told(body)
    return RequestOut(
        ids.show(wire.REQUEST, one.id),
        "" if one.endpoint_id is None else ids.show(wire.WEBHOOK, one.endpoint_id),
        said.event_id,
        said.type,
        STATUSES.get(one.state, "pending"),
        one.attempts,
        one.status,
        one.error,
        wire.exact(one.due_at) if one.state in OPEN else None,
        wire.exact(ids.time_of(one.id)),
        None if one.done_at is None else wire.exact(one.done_at),
    )
