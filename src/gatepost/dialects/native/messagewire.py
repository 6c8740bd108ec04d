"""Messages on the wire: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.dialects.native import admin
from gatepost.dialects.native.deliverywire import DeliveryOut, show_delivery
from gatepost.dialects.native.to_chat import ChatIn
from gatepost.dialects.native.to_email import EmailIn
from gatepost.dialects.native.to_push import PushIn
from gatepost.dialects.native.to_webhook import WebhookIn
from gatepost.domains.outbox import model, policy
from gatepost.domains.outbox.model import Attempt, Delivery, Message, Priority
from gatepost.domains.outbox.policy import PRESETS, Policy

PriorityIn = Annotated[
    Literal["high", "normal", "low", 1, 5, 10],
    Meta(
        description="Which go first to one destination: `high` is 1, `normal` 5, `low` 10. Lower "
        "ones are not starved."
    ),
]
SendAt = Annotated[
    datetime, Meta(tz=True, description="When to send it: a moment ahead, by at most a year.")
]
ExpiresAt = Annotated[
    datetime, Meta(tz=True, description="When to give up: what is not sent by then fails.")
]
OrderingKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.ORDERING_KEY_MAX,
        description="To one destination, of messages with the same key a later one waits until "
        "the earlier one has succeeded, failed or been canceled.",
    ),
]
Erase = Annotated[
    bool, Meta(description="Whether to forget what it said once every delivery has succeeded.")
]
Preset = Annotated[
    str,
    Meta(
        pattern=f"^({'|'.join(PRESETS)})$",
        description="The schedule of attempts: " + ", ".join(PRESETS) + ".",
    ),
]


class ScheduleIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A schedule of attempts of one's own; an empty one means a single attempt."""

    delays_seconds: Annotated[
        list[Annotated[float, Meta(ge=0, le=policy.DELAY_MS_MAX // 1000)]],
        Meta(
            max_length=policy.DELAYS_MAX,
            description="The waits before the second attempt, the third, …",
        ),
    ]


class NewMessageIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A message to send: exactly one of its kinds, and how."""

    webhook: WebhookIn | UnsetType = UNSET
    email: EmailIn | UnsetType = UNSET
    chat: ChatIn | UnsetType = UNSET
    push: PushIn | UnsetType = UNSET
    priority: PriorityIn = "normal"
    send_at: SendAt | UnsetType = UNSET
    expires_at: ExpiresAt | UnsetType = UNSET
    ordering_key: OrderingKey | UnsetType = UNSET
    retry: Preset | ScheduleIn | UnsetType = UNSET
    erase: Erase = False


class MessageOut(msgspec.Struct, rename="camel"):
    """A message, and its deliveries."""

    id: str
    project_id: str
    type: str
    event_id: str | None
    rule_id: str | None
    priority: Literal["high", "normal", "low"]
    ordering_key: str | None
    expires_at: str | None
    erased: Annotated[bool, Meta(description="Whether what it said has been forgotten.")]
    created_at: str
    deliveries: list[DeliveryOut]


class WholeMessageOut(MessageOut, rename="camel"):
    """A message with what it says, and every attempt of its deliveries."""

    payload: Annotated[Any, Meta(description="What its transport is given; null once erased.")]


class MessagesOut(msgspec.Struct, rename="camel"):
    """A page of messages; `next_cursor` is null on the last one."""

    messages: list[MessageOut]
    next_cursor: str | None


def read_priority(given: str | int) -> Priority:
    """Read a class by its name or number."""
    return Priority[given.upper()] if isinstance(given, str) else Priority(given)


def read_policy(given: str | ScheduleIn | UnsetType) -> Policy | None:
    """Read a schedule of attempts, None for the transport's own."""
    if isinstance(given, UnsetType):
        return None
    if isinstance(given, str):
        return PRESETS[given]
    return policy.custom(tuple(given.delays_seconds))


def show(message: Message, sent: Sequence[Delivery]) -> MessageOut:
    """Write a message for the wire."""
    return MessageOut(**_members(message), deliveries=[show_delivery(one) for one in sent])


def show_whole(
    message: Message, sent: Sequence[Delivery], tried: Mapping[Any, Sequence[Attempt]]
) -> WholeMessageOut:
    """Write a message with what it says and how each attempt went."""
    return WholeMessageOut(
        **_members(message),
        deliveries=[show_delivery(one, tried[one.id]) for one in sent],
        payload=None if message.body is None else msgspec.Raw(message.body.encode()),
    )


def _members(message: Message) -> dict[str, Any]:
    return {
        "id": ids.show("message", message.id),
        "project_id": ids.show("project", message.project_id),
        "type": message.type,
        "event_id": None if message.event_id is None else ids.show("event", message.event_id),
        "rule_id": None if message.rule_id is None else ids.show("rule", message.rule_id),
        "priority": message.priority.name.lower(),
        "ordering_key": message.ordering_key,
        "expires_at": admin.moment(message.expires_at),
        "erased": message.body is None,
        "created_at": clock.iso(ids.time_of(message.id)),
    }
