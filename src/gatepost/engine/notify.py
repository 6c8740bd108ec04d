"""Notify: messages into the outbox, with a delivery for each destination. A vector verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.ids import (
    AccountId,
    DeliveryId,
    EndpointId,
    EventId,
    MessageId,
    ProjectId,
    RuleId,
)
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.outbox import policy, rows, store
from gatepost.domains.outbox.model import (
    Delivery,
    Fault,
    Message,
    Priority,
    State,
    Transport,
    queue_id,
)
from gatepost.domains.outbox.policy import Policy
from gatepost.domains.outbox.queues import Need, Place
from gatepost.storage.db import Tx

METER = "message"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One destination. `address` is JSON for its transport; deliveries with the same `queue` share
    what the destination bears. `name` is shown: it holds no secret.

    Where something is `refused`, which says why (and `fault` what kind of thing that is), its
    delivery has failed from the beginning: it can be sent later. One that is `manual` says nothing
    of its endpoint's health.
    """

    transport: Transport
    queue: str
    name: str
    address: str
    policy: Policy = policy.STANDARD
    endpoint_id: EndpointId | None = None
    cap: int | None = None
    rate: float | None = None
    refused: str = ""
    fault: Fault | None = None
    manual: bool = False


class Draft(msgspec.Struct, frozen=True):
    """What one transport makes of what somebody wants to tell: JSON that its sender reads, and
    where it goes. A transport that has kept more under the message's id gives that.
    """

    body: str
    targets: tuple[Target, ...]
    message_id: MessageId | None = None


class Notify(msgspec.Struct, frozen=True, kw_only=True):
    """One message to some destinations. Moments in ms; `body` is JSON."""

    account_id: AccountId
    project_id: ProjectId
    now: int
    type: str
    body: str
    targets: tuple[Target, ...]
    priority: Priority = Priority.NORMAL
    ordering_key: str | None = None
    send_at: int | None = None
    expires_at: int | None = None
    erase: bool = False
    event_id: EventId | None = None
    rule_id: RuleId | None = None
    message_id: MessageId | None = None


class Notified(msgspec.Struct, frozen=True):
    """A message that was kept, and its deliveries in the order of the targets."""

    message: Message
    deliveries: list[Delivery]


def notify(tx: Tx, commands: Sequence[Notify]) -> list[Notified]:
    """Keep messages and their deliveries; outcomes come in the order of the commands."""
    told = [_message(one) for one in commands]
    sent: list[Delivery] = []
    needs: dict[Place, Need] = {}
    for command, message in zip(commands, told, strict=True):
        for target in command.targets:
            delivery = _delivery(command, message, target)
            sent.append(delivery)
            _need(needs, delivery, target)
    kept = {one.id: one for one in store.append(tx, told, sent, list(needs.values()))}
    outcomes, mine = [], iter(sent)
    for command, message in zip(commands, told, strict=True):
        own = [kept[next(mine).id] for _ in command.targets]
        outcomes.append(Notified(message, own))
    return outcomes


def to_endpoint(endpoint: Endpoint, **more: Any) -> Target:
    """The destination that a managed endpoint is; `more` are members to set otherwise."""
    target = Target(
        transport=Transport.WEBHOOK,
        queue=endpoint.id.hex(),
        name=endpoint.name,
        address="{}",
        policy=rows.read_policy(endpoint.policy),
        endpoint_id=endpoint.id,
        cap=endpoint.cap,
        rate=endpoint.rate,
        refused="The endpoint is disabled" if endpoint.ended_itself else "",
    )
    return msgspec.structs.replace(target, **more)


def _message(command: Notify) -> Message:
    return Message(
        account_id=command.account_id,
        id=command.message_id or MessageId(ids.new_at(command.now)),
        project_id=command.project_id,
        type=command.type,
        body=command.body,
        event_id=command.event_id,
        rule_id=command.rule_id,
        priority=command.priority,
        ordering_key=command.ordering_key,
        erase=command.erase,
        expires_at=command.expires_at,
    )


def _delivery(command: Notify, message: Message, target: Target) -> Delivery:
    return Delivery(
        account_id=command.account_id,
        id=DeliveryId(ids.new_at(command.now)),
        message_id=message.id,
        project_id=command.project_id,
        queue_id=queue_id(command.account_id, target.transport, target.queue),
        endpoint_id=target.endpoint_id,
        transport=target.transport,
        target=target.address,
        policy=target.policy,
        priority=command.priority,
        state=State.FAILED if target.refused else State.PENDING,
        due_at=command.now if command.send_at is None else command.send_at,
        ordering_key=None if target.refused else command.ordering_key,
        error=target.refused or None,
        done_at=command.now if target.refused else None,
        manual=target.manual,
        fault=target.fault if target.refused else None,
    )


def _need(needs: dict[Place, Need], delivery: Delivery, target: Target) -> None:
    """What is refused needs a queue too: it may be sent later."""
    place = Place(delivery.account_id, delivery.queue_id)
    known = needs.get(place)
    due = [] if target.refused else [delivery.due_at]
    due += [] if known is None or known.due_at is None else [known.due_at]
    due_at = min(due, default=None)
    needs[place] = Need(place, target.transport, target.name, due_at, target.cap, target.rate)
