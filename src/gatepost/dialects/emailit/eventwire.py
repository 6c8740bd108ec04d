"""Events on Emailit's wire: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.base.ids import ContactId
from gatepost.dialects.emailit import wire
from gatepost.domains.events.model import Event
from gatepost.engine import post
from gatepost.web import validate
from gatepost.web.validate import Body

KIND = "event"
CUSTOM = "custom_event"
BATCH_MAX = 100
TYPE = r"^[cw]:[A-Za-z0-9._-]{1,100}$"
EMAIL_MAX = 320
EARLIEST = 1971
BLANK = b" \t\r\n"

Properties = Annotated[dict[str, Any], Meta(description="Any JSON object.")]


class NewEventIn(msgspec.Struct, frozen=True):
    """Something that has happened. One that is `c:` says to whom: by `email` or `contact_id`."""

    type: Annotated[
        str,
        Meta(
            pattern=TYPE,
            description="`c:` or `w:` and a name of your own.",
            examples=["c:signup"],
        ),
    ]
    email: (
        Annotated[str, Meta(max_length=EMAIL_MAX, examples=["jane@example.com"])] | UnsetType | None
    ) = UNSET
    contact_id: Annotated[str, Meta(description="A contact's id.")] | UnsetType | None = UNSET
    properties: Properties = {}
    occurred_at: (
        Annotated[
            datetime,
            Meta(tz=True, description="When it happened, if not now. Webhooks are told anyway."),
        ]
        | UnsetType
        | None
    ) = UNSET


class BatchIn(msgspec.Struct):
    """The events; the array alone will do."""

    events: Annotated[list[NewEventIn], Meta(min_length=1, max_length=BATCH_MAX)]


class DataOut(msgspec.Struct):
    """What it is about."""

    object: Annotated[
        msgspec.Raw,
        Meta(
            description="What it happened to, as it was then.",
            examples=[{"object": "email", "status": "delivered"}],
        ),
    ]


class EventOut(msgspec.Struct, tag_field="object", tag=KIND, kw_only=True):
    """Something that has happened."""

    id: str
    type: str
    data: DataOut | UnsetType = UNSET
    created_at: str


class EventsOut(msgspec.Struct):
    """A page of events."""

    data: list[EventOut]
    next_page_url: str | None
    previous_page_url: str | None


class ItemOut(msgspec.Struct, tag_field="object", tag=KIND, omit_defaults=True):
    """What became of an event: its id and 201, or why there is none."""

    status: int
    id: str = ""
    type: str = ""
    created_at: str = ""
    error: str = ""
    details: list[str] = []


class BatchOut(msgspec.Struct):
    """The results in the order of the events, and how many there are of each kind."""

    data: list[ItemOut]
    accepted: int
    rejected: int


class Told(msgspec.Struct, frozen=True):
    """A valid event. `email` is in its normal form, `properties` are JSON, `occurred_at` in ms."""

    type: str
    email: str | None
    contact_id: ContactId | None
    properties: str
    occurred_at: int | None


class Rejected(msgspec.Struct, frozen=True):
    """What is no event, and why."""

    error: str
    details: tuple[str, ...] = ()


Item = Told | Rejected


class _Wrapped(msgspec.Struct):
    events: list[msgspec.Raw]


def _names_somebody(members: Mapping[str, Any]) -> Iterator[FieldError]:
    """Whether an event of a contact says whose it is."""
    named = any(isinstance(members.get(one), str) for one in ("email", "contact_id"))
    if str(members.get("type")).startswith("c:") and not named:
        yield FieldError(("email",), "Give email or contact_id")


_body = Body(NewEventIn, _names_somebody)
_raw_array = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(_Wrapped)
_deterministic = msgspec.json.Encoder(order="deterministic")


def read(body: bytes, bytes_max: int) -> Told:
    """Read one event; raises INVALID, or TOO_LARGE."""
    if len(body) > bytes_max:
        raise AppError(Code.TOO_LARGE, f"An event has at most {bytes_max // 1024} KB")
    given: NewEventIn = _body.decode(body)
    return Told(
        given.type,
        post.address_of(given.email) if isinstance(given.email, str) else None,
        _contact(given.contact_id),
        _json(given.properties),
        _moment(given.occurred_at),
    )


def read_batch(body: bytes, bytes_max: int) -> tuple[Item, ...]:
    """Read several, each for itself; raises INVALID where they cannot be told apart."""
    items = _split(body)
    if not 1 <= len(items) <= BATCH_MAX:
        raise invalid((["events"], f"From 1 to {BATCH_MAX} events"))
    return tuple(_item(one, bytes_max) for one in items)


def content(told: Told, email: str | None) -> str:
    """What is told of an event, as JSON; `email` is whose it is."""
    contact_id = told.contact_id
    what = {
        "object": CUSTOM,
        "email": email,
        "contact_id": None if contact_id is None else ids.show(wire.CONTACT, contact_id),
        "properties": msgspec.Raw(told.properties.encode()),
        "occurred_at": None if told.occurred_at is None else wire.exact(told.occurred_at),
    }
    return msgspec.json.encode(what).decode()


def show(event: Event, *, whole: bool = True) -> EventOut:
    """Write an event for the wire, with what it is about or without."""
    return EventOut(
        id=ids.show(wire.EVENT, event.id),
        type=event.title,
        data=DataOut(msgspec.Raw(event.metadata_json.encode())) if whole else UNSET,
        created_at=wire.exact(ids.time_of(event.id)),
    )


def show_item(one: Event | Rejected) -> ItemOut:
    """Write what became of one of several."""
    if isinstance(one, Rejected):
        return ItemOut(400, error=one.error, details=list(one.details))
    at = wire.exact(ids.time_of(one.id))
    return ItemOut(201, ids.show(wire.EVENT, one.id), one.title, at)


def _split(body: bytes) -> Sequence[bytes]:
    try:
        if body.lstrip(BLANK)[:1] == b"[":
            return [bytes(one) for one in _raw_array.decode(body)]
        return [bytes(one) for one in _raw_object.decode(body).events]
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise validate.refuse(BatchIn, body) from None


def _item(item: bytes, bytes_max: int) -> Item:
    try:
        return read(item, bytes_max)
    except AppError as refusal:
        details = (f"{'.'.join(map(str, one.path))}: {one.message}" for one in refusal.fields)
        return Rejected(refusal.detail, tuple(details))


def _contact(text: str | UnsetType | None) -> ContactId | None:
    if not isinstance(text, str):
        return None
    try:
        return ContactId(wire.read_id(wire.CONTACT, text))
    except AppError:
        raise invalid((["contact_id"], "No contact with this id")) from None


def _json(value: object) -> str:
    try:
        return _deterministic.encode(value).decode()
    except RecursionError:
        raise invalid((["properties"], "Value is nested too deeply")) from None


def _moment(at: datetime | UnsetType | None) -> int | None:
    if not isinstance(at, datetime):
        return None
    if at.year < EARLIEST:
        raise invalid((["occurred_at"], f"Must not be before {EARLIEST}"))
    return clock.from_datetime(at)
