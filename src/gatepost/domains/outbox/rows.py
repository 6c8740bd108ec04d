"""Messages and deliveries as rows, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.base.ids import (
    AccountId,
    DeliveryId,
    EndpointId,
    EventId,
    MessageId,
    ProjectId,
    QueueId,
    RuleId,
)
from gatepost.domains.outbox.model import (
    Delivery,
    Fault,
    Message,
    Priority,
    Queue,
    State,
    Transport,
)
from gatepost.domains.outbox.policy import PRESETS, Policy

MESSAGE_COLUMNS = (
    "account_id",
    "id",
    "project_id",
    "type",
    "body",
    "event_id",
    "rule_id",
    "priority",
    "ordering_key",
    "erase",
    "expires_at",
)
DELIVERY_COLUMNS = (
    "account_id",
    "id",
    "message_id",
    "project_id",
    "queue_id",
    "endpoint_id",
    "transport",
    "target",
    "policy",
    "priority",
    "state",
    "due_at",
    "attempts",
    "ordering_key",
    "error",
    "status",
    "started_at",
    "done_at",
    "manual",
    "fault",
)

_decode_policy = msgspec.json.Decoder(Policy).decode


def of_message(one: Message) -> tuple[Any, ...]:
    """The values in the order of MESSAGE_COLUMNS, in types that a driver binds at once."""
    return (
        bytearray(one.account_id),
        bytearray(one.id),
        bytearray(one.project_id),
        one.type,
        one.body,
        _raw(one.event_id),
        _raw(one.rule_id),
        int(one.priority),
        one.ordering_key,
        one.erase,
        one.expires_at,
    )


def of_delivery(one: Delivery) -> tuple[Any, ...]:
    """The values in the order of DELIVERY_COLUMNS."""
    return (
        bytearray(one.account_id),
        bytearray(one.id),
        bytearray(one.message_id),
        bytearray(one.project_id),
        bytearray(one.queue_id),
        _raw(one.endpoint_id),
        one.transport.value,
        one.target,
        write_policy(one.policy),
        int(one.priority),
        one.state.value,
        one.due_at,
        one.attempts,
        one.ordering_key,
        one.error,
        one.status,
        one.started_at,
        one.done_at,
        one.manual,
        None if one.fault is None else one.fault.value,
    )


def message(row: Sequence[Any]) -> Message:
    """Read a row of messages, or values in the order of MESSAGE_COLUMNS."""
    account_id, id_, project_id, type_, body, event_id, rule_id, priority, key, erase, ends = row
    return Message(
        account_id=AccountId(account_id),
        id=MessageId(id_),
        project_id=ProjectId(project_id),
        type=type_,
        body=body,
        event_id=None if event_id is None else EventId(event_id),
        rule_id=None if rule_id is None else RuleId(rule_id),
        priority=Priority(priority),
        ordering_key=key,
        erase=bool(erase),
        expires_at=ends,
    )


def delivery(row: Sequence[Any]) -> Delivery:
    """Read a row of deliveries, or values in the order of DELIVERY_COLUMNS."""
    (
        account_id,
        id_,
        message_id,
        project_id,
        queue_id,
        endpoint_id,
        transport,
        target,
        policy,
        priority,
        state,
        due_at,
        attempts,
        ordering_key,
        error,
        status,
        started_at,
        done_at,
        manual,
        fault,
    ) = row
    return Delivery(
        account_id=AccountId(account_id),
        id=DeliveryId(id_),
        message_id=MessageId(message_id),
        project_id=ProjectId(project_id),
        queue_id=QueueId(queue_id),
        endpoint_id=None if endpoint_id is None else EndpointId(endpoint_id),
        transport=Transport(transport),
        target=target,
        policy=read_policy(policy),
        priority=Priority(priority),
        state=State(state),
        due_at=due_at,
        attempts=attempts,
        ordering_key=ordering_key,
        error=error,
        status=status,
        started_at=started_at,
        done_at=done_at,
        manual=bool(manual),
        fault=None if fault is None else Fault(fault),
    )


def queue(row: Any) -> Queue:
    """Read a row of queues."""
    return Queue(
        account_id=AccountId(row.account_id),
        id=QueueId(row.id),
        transport=Transport(row.transport),
        name=row.name,
        due_at=row.due_at,
        owner=row.owner,
        lease_until=row.lease_until,
        fence=row.fence,
        failures=row.failures,
        open_until=row.open_until,
        cap=row.cap,
        rate=row.rate,
    )


def write_policy(policy: Policy) -> str:
    """A preset by its name, another one as JSON."""
    if PRESETS.get(policy.name) == policy:
        return policy.name
    return msgspec.json.encode(policy).decode()


def read_policy(text: str) -> Policy:
    """What `write_policy` wrote."""
    found = PRESETS.get(text)
    return _decode_policy(text) if found is None else found


def _raw(value: bytes | None) -> bytearray | None:
    return None if value is None else bytearray(value)
