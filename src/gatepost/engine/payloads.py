"""What endpoints are sent: a type, a moment, and what it is about (Standard Webhooks 1.0.0,
"Payload structure").
"""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.base import clock, ids
from gatepost.domains.events.model import Event

PREFIX = "event."


def type_of(event: Event) -> str:
    """The type of what is told of an event: by its channel."""
    return PREFIX + event.channel_name


def of_event(event: Event) -> str:
    """What is told of an event, as JSON: it is shown as the API shows it."""
    at = clock.iso(ids.time_of(event.id))
    return write(type_of(event), at, shown(event))


def of_milestone(event: Event) -> str:
    """What is told of an event in the channel of Emailit's, as JSON in its words."""
    return milestone(event.id, event.title, msgspec.Raw(event.metadata_json.encode()))


def milestone(event_id: bytes, type_: str, what: object, **mark: object) -> str:
    """Emailit's envelope of what has happened to something."""
    told = {"event_id": ids.show("evt", event_id), "type": type_, "object": what}
    return msgspec.json.encode(told | mark | {"data": {"object": what}}).decode()


def shown(event: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    return {
        "id": ids.show("event", event.id),
        "projectId": ids.show("project", event.project_id),
        "channelId": ids.show("channel", event.channel_id),
        "channelName": event.channel_name,
        "title": event.title,
        "description": event.description,
        "icon": event.icon,
        "createdAt": clock.iso(ids.time_of(event.id)),
        "displayAs": event.display_as,
        "metadata": msgspec.Raw(event.metadata_json.encode()),
        "notify": event.notify,
        "source": event.source,
        "tags": msgspec.Raw(event.tags_json.encode()),
        "userId": event.user_id,
    }


def write(type_: str, at: str, data: object, *, test: bool = False) -> str:
    """The envelope of whatever is told; an example is marked as one."""
    mark = {"test": True} if test else {}
    return msgspec.json.encode({"type": type_, "timestamp": at, **mark, "data": data}).decode()
