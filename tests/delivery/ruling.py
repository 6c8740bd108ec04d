"""Rules that are made over the API, and what they tell."""

import json
from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.delivery.receiver import Receiver
from tests.dialects.native.wire import data_of
from tests.server import unique
from tests.waiting import wait_for


def try_rule(admin: Admin, url: str, **more: Any) -> httpx2.Response:
    """Ask for a rule that leads to a URL, unless it says `to` itself."""
    rule = {"name": unique("rule"), "to": [{"webhook": {"url": url}}], **more}
    return admin.send("POST", "/v1/rules", rule)


def rule(admin: Admin, url: str, **more: Any) -> dict[str, Any]:
    return data_of(try_rule(admin, url, **more), 201)


def event(admin: Admin, channel: str = "orders", **more: Any) -> str:
    """Store an event; returns its id."""
    body = {"channelName": channel, "title": "Something happened", **more}
    return str(data_of(admin.send("POST", "/v1/events", body), 201)["id"])


def told(admin: Admin, event_id: str) -> list[dict[str, Any]]:
    """The messages that tell of an event, once all that came until now has been told: events are
    told in their order, so a later one that was told says that this one was.
    """
    last = event(admin, unique("last"))

    def done() -> bool:
        return bool(admin.get(f"/v1/events/{last}/trace")["toldOf"])

    wait_for(done, "all events to be told")
    found: list[dict[str, Any]] = admin.get(f"/v1/messages?event={event_id}")["messages"]
    return found


def alert(receiver: Receiver, path: str, number: int = 1) -> dict[str, Any]:
    """What came for a path, at last."""

    got = receiver.wait(path, number)
    return dict(json.loads(got[-1].body))


def fate(admin: Admin, event_id: str, rule_id: str) -> dict[str, Any]:
    """What a trace says of one rule."""
    rules = admin.get(f"/v1/events/{event_id}/trace")["rules"]
    return next(one for one in rules if one["id"] == rule_id)
