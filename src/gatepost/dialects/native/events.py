"""`/v1/events`: one event in, one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.base.ids import EventId
from gatepost.dialects.native.envelope import encode, envelope, ok
from gatepost.domains.channels.model import normalise
from gatepost.domains.events import store
from gatepost.domains.events.model import Event
from gatepost.engine.track import METER, Origin, Track, Tracked, track
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, Naming, free
from gatepost.web.validate import Body

FUTURE_MS_MAX = 5 * clock.MINUTE_MS
PAST_YEAR_MIN = 1971
TOO_EARLY = FieldError(("timestamp",), "Must be at most 5 minutes in the future")

Tag = Annotated[str, Meta(max_length=50)]


class NewEvent(msgspec.Struct, rename="camel"):
    """What happened. Members not named here are ignored."""

    channel_name: Annotated[
        str, Meta(min_length=1, max_length=255, description="Made on first use.")
    ]
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    description: Annotated[str, Meta(max_length=5000)] | UnsetType = UNSET
    icon: Annotated[str, Meta(max_length=10, description="One emoji.")] | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=20)] = []
    metadata: Annotated[dict[str, Any], Meta(description="Any JSON object.")] = {}
    user_id: Annotated[
        Annotated[str, Meta(max_length=255)] | None,
        Meta(description="A user id, or an alias of one."),
    ] = None
    notify: Annotated[bool, Meta(description="False logs silently.")] = True
    source: Annotated[str, Meta(max_length=100)] = "api"
    display_as: Literal["message", "notification"] = "message"
    event_id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=255,
                description="Your own id: the same one within seven days is a duplicate.",
            ),
        ]
        | UnsetType
    ) = UNSET
    timestamp: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="When it happened: any past moment (which never notifies), "
                "at most five minutes ahead.",
            ),
        ]
        | UnsetType
    ) = UNSET


class EventOut(msgspec.Struct, rename="camel", gc=False):
    """An event as it is stored. The last five members are reserved for events that ask."""

    id: str
    channel_id: str
    channel_name: str
    title: str
    description: str | None
    icon: str | None
    created_at: str
    display_as: str
    metadata: msgspec.Raw
    notify: bool
    source: str
    tags: msgspec.Raw
    user_id: str | None
    fields: tuple[()] = ()
    actions: tuple[()] = ()
    answer: None = None
    callback: None = None
    resume: None = None


_body = Body(NewEvent)


def show(event: Event) -> EventOut:
    """Write an event for the wire."""
    return EventOut(
        "event_" + event.id.hex(),
        "channel_" + event.channel_id.hex(),
        event.channel_name,
        event.title,
        event.description,
        event.icon,
        clock.iso(ids.time_of(event.id)),
        event.display_as,
        msgspec.Raw(event.metadata_json),
        event.notify,
        event.source,
        msgspec.Raw(event.tags_json),
        event.user_id,
    )


def parse(call: Call, body: bytes) -> Track:
    """Read one event; raises INVALID or TOO_LARGE."""
    limit = call.services.settings.event_bytes_max
    if len(body) > limit:
        detail = f"Event exceeds the {limit // 1024} KB storage limit"
        raise AppError(Code.TOO_LARGE, detail)
    wanted = command(_body.decode(body))
    if wanted.at is not None and wanted.at > call.now + FUTURE_MS_MAX:
        raise invalid(([TOO_EARLY.path[0]], TOO_EARLY.message))
    return wanted


def command(new: NewEvent) -> Track:
    """Turn a valid body into the command, with a normalised channel.

    The same body always gives the same command: what depends on the time is checked elsewhere.
    """
    channel = normalise(new.channel_name)
    if not channel:
        message = "Must contain a letter, a digit or another character that can be kept"
        raise invalid((["channelName"], message))
    return Track(
        channel,
        new.title,
        None if new.description is UNSET else new.description,
        None if new.icon is UNSET else new.icon,
        _json(new.tags) if new.tags else "[]",
        _json(new.metadata) if new.metadata else "{}",
        new.user_id,
        new.notify,
        new.source,
        new.display_as,
        None if new.event_id is UNSET else new.event_id,
        None if new.timestamp is UNSET else _moment(new.timestamp),
    )


_deterministic = msgspec.json.Encoder(order="deterministic")


def _json(value: object) -> str:
    try:
        return _deterministic.encode(value).decode()
    except RecursionError:
        raise invalid((["metadata"], "Value is nested too deeply")) from None


def _moment(moment: datetime) -> int:
    if moment.year < PAST_YEAR_MIN:
        raise invalid((["timestamp"], f"Must not be before {PAST_YEAR_MIN}"))
    return clock.from_datetime(moment)


def origin(call: Call) -> Origin:
    """Whose events a call brings."""
    caller = call.caller
    return Origin(caller.account_id, call.project_id, call.now, call.counting)


def create(tx: Tx, calls: Sequence[Call], commands: Sequence[Track]) -> list[Reply]:
    """Store one event per call."""
    outcomes = track(tx, [origin(call) for call in calls], commands)
    return [_reply(tx, call, done) for call, done in zip(calls, outcomes, strict=True)]


def _reply(tx: Tx, call: Call, done: Tracked) -> Reply:
    if done.event is not None:
        body = envelope(call.request_id, encode(show(done.event)))
        return Reply(201, body, ring=call.project_id)
    first = store.find(tx, call.project_id, done.event_id)
    data = show(first) if first else {"id": ids.show("event", done.event_id)}
    return ok(call, data, 200, unused=1)


def read_id(call: Call, _body: bytes) -> EventId:
    """Read the id in the path."""
    return EventId(ids.parse("event", call.params["id"]))


def get(tx: Tx, call: Call, event_id: EventId) -> Reply:
    """Read one event back."""
    days = call.services.settings.events_days
    return ok(call, show(store.get(tx, call.project_id, event_id, days)))


def _charge(_command: Track) -> Charge:
    return Charge(METER)


ENDPOINTS = (
    Endpoint(
        operation="createEvent",
        method="POST",
        path="/v1/events",
        aliases=("/api/v1/events",),
        scope=Scope.EVENTS_WRITE,
        summary="Store an event",
        tag="Events",
        parse=parse,
        run=create,
        charge=_charge,
        writes=True,
        vector=True,
        light=True,
        customer=Naming.OPTIONAL,
        status=201,
        further={200: "A duplicate by `eventId`: the event that was stored first"},
        request=NewEvent,
        response=EventOut,
        errors=(Code.IDEMPOTENCY_CONFLICT, Code.TOO_LARGE, Code.QUOTA_EXCEEDED),
    ),
    Endpoint(
        operation="getEvent",
        method="GET",
        path="/v1/events/{id}",
        scope=Scope.EVENTS_READ,
        summary="Read an event",
        tag="Events",
        parse=read_id,
        run=get,
        charge=free,
        writes=False,
        response=EventOut,
        errors=(Code.NOT_FOUND,),
    ),
)
