"""`GET /v1/events/{id}/trace`: what became of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.errors import Code
from gatepost.base.ids import EventId
from gatepost.dialects.native import events as eventwire
from gatepost.dialects.native import messagewire
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.events import EventOut
from gatepost.dialects.native.messagewire import WholeMessageOut
from gatepost.domains.events import store as events
from gatepost.domains.events.model import Event
from gatepost.domains.outbox import attempts, marks
from gatepost.domains.outbox import store as outbox
from gatepost.domains.outbox.model import Message
from gatepost.domains.outbox.store import Asked
from gatepost.domains.projects import store as projects
from gatepost.engine import verdicts
from gatepost.engine.track import METER
from gatepost.engine.verdicts import Fate, Verdict, Verdicts
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free

MESSAGES_MAX = 100


class TriedOut(msgspec.Struct, rename="camel"):
    """A rule, and what it makes of the event as it stands now."""

    id: str
    name: str
    fate: Annotated[
        Fate,
        Meta(
            description="`told`: it made a message. `met`: the event meets its condition, and no "
            "message of its own came of it. `unmet`: it does not. `muted`, `off`, `silent` (the "
            "event never notifies): it tells nothing."
        ),
    ]
    path: Annotated[list[str | int], Meta(description="Where the rule says what is not met.")]
    reason: Annotated[str, Meta(description="Why, in words.")]
    changed: Annotated[bool, Meta(description="Whether it was made or changed after the event.")]


class MeteredOut(msgspec.Struct, rename="camel"):
    """What it was metered as; whether its project counts its events now."""

    meter: str
    units: int
    counting: bool


class TraceOut(msgspec.Struct, rename="camel"):
    """What became of an event, step by step."""

    event: EventOut
    told_of: Annotated[bool, Meta(description="Whether rules and endpoints have been tried yet.")]
    rules: list[TriedOut]
    more_rules: Annotated[int, Meta(description="How many further ones it does not meet.")]
    messages: list[WholeMessageOut]
    usage: MeteredOut


def parse(call: Call, _body: bytes) -> EventId:
    """Read the id in the path; raises NOT_FOUND."""
    return EventId(ids.parse("event", call.params["id"]))


def run(tx: Tx, call: Call, event_id: EventId) -> Reply:
    """Follow one event; what the key may not read of it is left out."""
    account_id, project_id = call.caller.account_id, call.project_id
    event = events.get(tx, project_id, event_id, call.services.settings.events_days)
    place, reached = events.place_of(tx, project_id, event_id), marks.reached(tx)
    messages = outbox.search(tx, account_id, Asked(event_id=event_id), MESSAGES_MAX)
    tried = Verdicts([], 0)
    if Scope.RULES_READ in call.caller.scopes:
        by_rule = {one.rule_id for one in messages if one.rule_id is not None}
        tried = verdicts.of(tx, account_id, event, by_rule, call.now)
    allowed = messages if Scope.MESSAGES_READ in call.caller.scopes else []
    out = TraceOut(
        event=eventwire.show(event),
        told_of=place is not None and reached is not None and place <= reached,
        rules=[_tried(one, event) for one in tried.shown],
        more_rules=tried.more,
        messages=_messages(tx, call, allowed),
        usage=MeteredOut(METER, 1, projects.get(tx, account_id, project_id).counting),
    )
    return ok(call, out)


def _tried(one: Verdict, event: Event) -> TriedOut:
    return TriedOut(
        ids.show("rule", one.rule.id),
        one.rule.name,
        one.fate,
        list(one.path),
        one.reason,
        one.changed_after(event),
    )


def _messages(tx: Tx, call: Call, found: Sequence[Message]) -> list[WholeMessageOut]:
    account_id = call.caller.account_id
    sent = outbox.of_messages(tx, account_id, [one.id for one in found])
    deliveries = [one.id for mine in sent.values() for one in mine]
    tried = attempts.of(tx, account_id, deliveries)
    return [messagewire.show_whole(one, sent[one.id], tried) for one in reversed(found)]


ENDPOINTS = (
    Endpoint(
        operation="traceEvent",
        method="GET",
        path="/v1/events/{id}/trace",
        scope=Scope.EVENTS_READ,
        summary="Follow an event",
        description="Which rules were tried on it, and why they tell nothing of it; the messages "
        "that do, and every attempt to deliver them. Rules are shown to keys with `rules:read`, "
        "messages to keys with `messages:read`.",
        tag="Events",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        response=TraceOut,
        errors=(Code.NOT_FOUND,),
    ),
)
