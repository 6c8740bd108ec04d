"""Example: what an endpoint is sent so that somebody sees whether it works."""

from __future__ import annotations

from typing import Any

from gatepost.base import clock, ids
from gatepost.domains.endpoints.model import Endpoint, Shape
from gatepost.domains.outbox.model import Delivery, Message, Priority
from gatepost.domains.outbox.policy import PRESETS
from gatepost.engine import milestones, payloads
from gatepost.engine.notify import Notify, notify, to_endpoint
from gatepost.storage.db import Tx

MILESTONES = payloads.PREFIX + milestones.CHANNEL
DELIVERED = "email.delivered"


def send(
    tx: Tx, endpoint: Endpoint, type_: str, now: int, *, milestone: str = DELIVERED
) -> tuple[Message, Delivery]:
    """Send an example of a type, once; it goes to a disabled endpoint as well. One of Emailit's
    events is an example of a `milestone`, in Emailit's words to whom those are told.
    """
    target = to_endpoint(endpoint, policy=PRESETS["once"], refused="", manual=True)
    command = Notify(
        account_id=endpoint.account_id,
        project_id=endpoint.project_id,
        now=now,
        type=type_,
        body=_body(endpoint, type_, milestone, now),
        targets=(target,),
        priority=Priority.HIGH,
    )
    (done,) = notify(tx, [command])
    return done.message, done.deliveries[0]


def _body(endpoint: Endpoint, type_: str, milestone: str, now: int) -> str:
    if endpoint.shape is Shape.EMAILIT and type_ == MILESTONES:
        return payloads.milestone(bytes(16), milestone, _object(milestone, now), test=True)
    at = clock.iso(now)
    return payloads.write(type_, at, _data(endpoint, type_, at), test=True)


def _object(milestone: str, now: int) -> dict[str, Any]:
    """What something may have happened to, as Emailit shows it."""
    noun, _, status = milestone.partition(".")
    at = milestones.moment(now)
    found = {"object": noun, "id": ids.show("test", bytes(16)), "created_at": at, "updated_at": at}
    if noun != "email":
        return found
    return found | {
        "id": ids.show("em", bytes(16)),
        "from": "sender@example.com",
        "to": "recipient@example.com",
        "subject": "An example",
        "status": status,
        "meta": {},
    }


def _data(endpoint: Endpoint, type_: str, at: str) -> dict[str, Any]:
    """What somebody would be told: of events all members, of others that they are an example."""
    if not type_.startswith(payloads.PREFIX):
        return {"endpointId": ids.show("endpoint", endpoint.id), "example": True}
    return {
        "id": ids.show("event", bytes(16)),
        "projectId": ids.show("project", endpoint.project_id),
        "channelId": ids.show("channel", bytes(16)),
        "channelName": type_.removeprefix(payloads.PREFIX),
        "title": "An example",
        "description": "It was sent by hand, to try this endpoint",
        "icon": None,
        "createdAt": at,
        "displayAs": "message",
        "metadata": {"example": True},
        "notify": True,
        "source": "gatepost",
        "tags": ["example"],
        "userId": None,
    }
