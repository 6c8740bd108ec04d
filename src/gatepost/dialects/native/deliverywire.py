"""Deliveries on the wire: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import Cursor, Limit
from gatepost.domains.outbox.model import (
    TYPE_MAX,
    Attempt,
    Delivery,
    Fault,
    Priority,
    State,
    Transport,
)
from gatepost.engine.compose import chat, push, webhook
from gatepost.engine.compose.mail import Envelope
from gatepost.engine.replay import MANY
from gatepost.storage import paging

Since = Annotated[datetime, Meta(tz=True, description="Made at or after this moment.")]
Until = Annotated[datetime, Meta(tz=True, description="Made before this moment.")]
Retry = Annotated[str, Meta(description="Its schedule of attempts.")]
Type = Annotated[
    str, Meta(max_length=TYPE_MAX, description="What the message is about, as `event.orders`.")
]
COUNTED_MAX = 10_000


class AttemptOut(msgspec.Struct, rename="camel"):
    """One try."""

    number: Annotated[int, Meta(description="Counted from the last start, by hand or not.")]
    at: str
    ok: bool
    duration_ms: int
    status: Annotated[int | None, Meta(description="What the receiver answered, if it did.")]
    fault: Annotated[Fault | None, Meta(description="The kind of failure.")]
    error: Annotated[str | None, Meta(description="The failure in words.")]
    headers: Annotated[
        dict[str, str], Meta(description="Headers that were sent; your own ones are blanked out.")
    ]
    response: Annotated[str | None, Meta(description="The beginning of the answer.")]
    next_at: Annotated[str | None, Meta(description="When the next one was due after it.")]
    manual: Annotated[bool, Meta(description="Whether it was asked for by hand.")]
    via: Annotated[str | None, Meta(description="Which of several providers it went through.")]


class DeliveryOut(msgspec.Struct, rename="camel"):
    """A message's way to one destination. Its attempts are there where a single one is read."""

    id: str
    message_id: str
    project_id: str
    endpoint_id: str | None
    transport: Transport
    recipient: Annotated[str | None, Meta(description="Of a mail: whose copy it is.")]
    destination: Annotated[
        str | None,
        Meta(description="The host of a webhook without an endpoint; a chat; a device's id."),
    ]
    state: State
    priority: str
    ordering_key: str | None
    retry: Retry
    attempts: Annotated[int, Meta(description="How many were made since the last start.")]
    due_at: Annotated[str | None, Meta(description="When the next one is due.")]
    error: str | None
    fault: Annotated[Fault | None, Meta(description="The kind of failure.")]
    status: int | None
    created_at: str
    done_at: str | None
    type: Annotated[
        str | UnsetType, Meta(description="Its message's, where that is not around it.")
    ] = UNSET
    log: list[AttemptOut] | UnsetType = UNSET


class DeliveriesOut(msgspec.Struct, rename="camel"):
    """A page of deliveries; `next_cursor` is null on the last one."""

    deliveries: list[DeliveryOut]
    next_cursor: str | None


class WhichQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which deliveries. All that is given must hold."""

    state: Annotated[
        list[State], Meta(max_length=len(State), description="Repeat it for several.")
    ] = []
    transport: Transport | UnsetType = UNSET
    endpoint: Annotated[str, Meta(description="An endpoint's id.")] | UnsetType = UNSET
    message: Annotated[str, Meta(description="A message's id.")] | UnsetType = UNSET
    type: Type | UnsetType = UNSET
    project: Annotated[str, Meta(description="A project's id.")] | UnsetType = UNSET
    since: Annotated[str, Meta(description="ISO 8601, inclusive.")] | UnsetType = UNSET
    before: Annotated[str, Meta(description="ISO 8601, exclusive.")] | UnsetType = UNSET


class DeliveriesQuery(WhichQuery, rename="camel", frozen=True):
    """Which deliveries, and which page of them. All that is given must hold."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


class CountOut(msgspec.Struct):
    """How many there are."""

    count: int
    more: Annotated[
        bool, Meta(description=f"Whether there are more: at most {COUNTED_MAX:,} are counted.")
    ]


class ReplayIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Which deliveries to start again. All that is given must hold, and something must be."""

    states: Annotated[
        list[Literal["failed", "canceled", "succeeded"]], Meta(min_length=1, max_length=3)
    ] = msgspec.field(default_factory=lambda: ["failed"])
    transport: Transport | UnsetType = UNSET
    endpoint_id: str | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    type: Type | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    since: Since | UnsetType = UNSET
    until: Until | UnsetType = UNSET


class RecoverIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Which failed deliveries of an endpoint to start again."""

    since: Annotated[
        datetime, Meta(tz=True, description="Made at or after this moment, 14 days ago at most.")
    ]
    until: Until | UnsetType = UNSET


class ReplayedOut(msgspec.Struct, rename="camel"):
    """How many were started again."""

    replayed: int
    more: Annotated[
        bool, Meta(description=f"Whether there may be more: at most {MANY:,} are started at once.")
    ]


def show_delivery(
    one: Delivery, tried: Sequence[Attempt] | None = None, type_: str | UnsetType = UNSET
) -> DeliveryOut:
    """Write a delivery for the wire, with its attempts and its message's type where they are
    given.
    """
    open_ = one.state in {State.PENDING, State.WAITING}
    return DeliveryOut(
        ids.show("delivery", one.id),
        ids.show("message", one.message_id),
        ids.show("project", one.project_id),
        None if one.endpoint_id is None else ids.show("endpoint", one.endpoint_id),
        one.transport,
        _recipient(one),
        _destination(one),
        one.state,
        Priority(one.priority).name.lower(),
        one.ordering_key,
        one.policy.name,
        one.attempts,
        clock.iso(one.due_at) if open_ else None,
        one.error,
        one.fault,
        one.status,
        clock.iso(ids.time_of(one.id)),
        admin.moment(one.done_at),
        type_,
        UNSET if tried is None else [show_attempt(attempt) for attempt in tried],
    )


def _recipient(one: Delivery) -> str | None:
    if one.transport is not Transport.EMAIL:
        return None
    return msgspec.json.decode(one.target, type=Envelope).to


def _destination(one: Delivery) -> str | None:
    """What may be shown of it: whoever knows all of some URLs can write there."""
    match one.transport:
        case Transport.CHAT:
            return msgspec.json.decode(one.target, type=chat.Address).shown
        case Transport.PUSH:
            device = msgspec.json.decode(one.target, type=push.Address).device
            return ids.show("device", bytes.fromhex(device))
        case Transport.WEBHOOK if one.endpoint_id is None:
            url = msgspec.json.decode(one.target, type=webhook.Address).url
            return urlsplit(url).netloc.rpartition("@")[2]
    return None


def show_attempt(one: Attempt) -> AttemptOut:
    """Write an attempt for the wire."""
    headers: dict[str, Any] = {} if one.headers is None else msgspec.json.decode(one.headers)
    return AttemptOut(
        one.number,
        clock.iso(ids.time_of(one.id)),
        one.ok,
        one.duration_ms,
        one.status,
        one.fault,
        one.error,
        headers,
        one.response,
        admin.moment(one.next_at),
        one.manual,
        one.via,
    )
