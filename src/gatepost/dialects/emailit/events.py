"""`/v2/events`: what has happened, and what somebody tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import AccountId, ContactId, EventId
from gatepost.dialects.emailit import eventwire, lists, route, wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.eventwire import (
    BatchIn,
    BatchOut,
    EventOut,
    EventsOut,
    Item,
    NewEventIn,
    Rejected,
    Told,
    show,
)
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.contacts import store as contacts
from gatepost.domains.contacts.model import Contact
from gatepost.domains.events import search, store, terms
from gatepost.domains.events.model import Event
from gatepost.domains.events.search import Filter
from gatepost.engine.milestones import CHANNEL, SOURCE
from gatepost.engine.track import METER, Origin, Track, track
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, free

PATH = "/v2/events"
LIMIT = 100
TYPES_MAX = 20
CHUNK = 200
SCANNED_MAX = 50_000

_SINCE = {"after": 1, "gt": 1, "gte": 0}
_BEFORE = {"before": 0, "lt": 0, "lte": 1}
"""Conditions on the moment of an event, and how many ms after what they name the bound is."""

Known = dict[tuple[AccountId, ContactId], Contact]


class EventsQuery(PageQuery, frozen=True):
    """Which events, and which page of them."""

    limit: Annotated[int, Meta(ge=1, le=lists.LIMIT_MAX, description="How long a page is.")] = LIMIT
    type: Annotated[
        str, Meta(description="Their types, separated by commas.", examples=["email.delivered"])
    ] = ""
    include_data: Annotated[
        bool, Meta(description="Whether to tell what they are about as well.")
    ] = False


class Listing(msgspec.Struct, frozen=True):
    """Which events: of these types, if any are named, and between two ids."""

    asked: Asked
    types: tuple[str, ...]
    whole: bool
    since: bytes | None
    before: bytes | None


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which events; raises INVALID."""
    asked = lists.read(call, PATH, limit=LIMIT)
    given = dict(queries.pairs(call))
    names = (one.strip() for one in given.get("type", "").split(","))
    types = tuple(dict.fromkeys(one for one in names if one))
    if len(types) > TYPES_MAX:
        raise invalid((["type"], f"At most {TYPES_MAX} types"))
    whole = wire.flag(given.get("include_data", "false"), "include_data")
    since, before = _bounds(asked, _SINCE), _bounds(asked, _BEFORE)
    return Listing(
        asked if asked.either else _without_bounds(asked),
        types,
        whole,
        max(since, default=None),
        min(before, default=None),
    )


def _bounds(asked: Asked, conditions: Mapping[str, int]) -> list[bytes]:
    """Ids that all the events wanted are on one side of."""
    return [
        ids.floor_at(wire.read_moment(one.value, f"created_at.{one.condition}") + late)
        for one in asked.tests
        if one.field == "created_at"
        and not asked.either
        and (late := conditions.get(one.condition)) is not None
    ]


def _without_bounds(asked: Asked) -> Asked:
    """What is left to be seen to of each event."""
    tests = [
        one
        for one in asked.tests
        if one.field != "created_at" or one.condition not in _SINCE | _BEFORE
    ]
    return msgspec.structs.replace(asked, tests=tuple(tests))


def list_(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the project's events."""
    asked = command.asked
    page, more = lists.cut(_newest(tx, call, command), asked, _row, SCANNED_MAX)
    rows = [show(one, whole=command.whole) for one in page]
    return lists.paged(call, rows, asked, more=more)


def _row(event: Event) -> dict[str, Any]:
    return dict(msgspec.to_builtins(show(event, whole=False)))


def _newest(tx: Tx, call: Call, command: Listing) -> Iterator[Event]:
    """The events of some types, or all, newest first."""
    before = command.before
    wanted = [tuple(terms.words(one)) for one in command.types] or [()]
    while True:
        choices = [
            Filter(channel=CHANNEL, words=words, since=command.since, before=before)
            for words in wanted
        ]
        found = search.find_any(tx, call.project_id, choices, CHUNK)
        yield from (one for one in found if not command.types or one.title in command.types)
        if len(found) < CHUNK:
            return
        before = found[-1].id


def parse_id(call: Call, _body: bytes) -> EventId:
    """Read the id in the path; raises NOT_FOUND."""
    return EventId(wire.read_id(wire.EVENT, call.params["id"]))


def get(tx: Tx, call: Call, event_id: EventId) -> Reply:
    """Read one event."""
    found = store.find(tx, call.project_id, event_id)
    if found is None or found.channel_name != CHANNEL:
        raise not_found("event with this id")
    return reply(show(found))


def parse_new(call: Call, body: bytes) -> Told:
    """Read an event; raises INVALID, or TOO_LARGE."""
    return eventwire.read(body, call.services.settings.event_bytes_max)


def parse_batch(call: Call, body: bytes) -> tuple[Item, ...]:
    """Read several events; raises INVALID."""
    return eventwire.read_batch(body, call.services.settings.event_bytes_max)


def create(tx: Tx, calls: Sequence[Call], commands: Sequence[Told]) -> list[Reply | AppError]:
    """Keep one event per call."""
    kept = _keep(tx, list(zip(calls, commands, strict=True)))
    return [_answer(call, one) for call, one in zip(calls, kept, strict=True)]


def _answer(call: Call, one: Event | Rejected) -> Reply | AppError:
    if isinstance(one, Rejected):
        return wire.refusal(Code.NOT_FOUND, one.error)
    return reply(show(one), 201, ring=call.project_id)


def create_many(tx: Tx, calls: Sequence[Call], commands: Sequence[tuple[Item, ...]]) -> list[Reply]:
    """Keep the good events of all the batches together."""
    pairs = [
        (call, item)
        for call, items in zip(calls, commands, strict=True)
        for item in items
        if isinstance(item, Told)
    ]
    kept = iter(_keep(tx, pairs))
    return [
        _results(
            call,
            [next(kept) if isinstance(one, Told) else one for one in items],
            sum(isinstance(one, Told) for one in items),
        )
        for call, items in zip(calls, commands, strict=True)
    ]


def _results(call: Call, found: Sequence[Event | Rejected], charged: int) -> Reply:
    rejected = sum(isinstance(one, Rejected) for one in found)
    accepted = len(found) - rejected
    data = BatchOut([eventwire.show_item(one) for one in found], accepted, rejected)
    ring = call.project_id if accepted else None
    return reply(data, ring=ring, unused=charged - accepted)


def _keep(tx: Tx, pairs: Sequence[tuple[Call, Told]]) -> list[Event | Rejected]:
    """Keep events; one of a contact that is not there is rejected."""
    known = _known(tx, pairs)
    found = [_person(call, told, known) for call, told in pairs]
    good = [
        (call, told, email)
        for (call, told), email in zip(pairs, found, strict=True)
        if not isinstance(email, Rejected)
    ]
    done = track(tx, [_origin(call) for call, _, _ in good], [_track(*one[1:]) for one in good])
    events = iter(done)
    outcomes: list[Event | Rejected] = []
    for email in found:
        event = email if isinstance(email, Rejected) else next(events).event
        outcomes += [] if event is None else [event]  # without a key none is a duplicate
    return outcomes


def _known(tx: Tx, pairs: Sequence[tuple[Call, Told]]) -> Known:
    wanted: dict[AccountId, set[ContactId]] = {}
    for call, told in pairs:
        if told.contact_id is not None:
            wanted.setdefault(call.caller.account_id, set()).add(told.contact_id)
    return {
        (account_id, contact_id): contact
        for account_id, mine in sorted(wanted.items())
        for contact_id, contact in contacts.by_ids(tx, account_id, mine).items()
    }


def _person(call: Call, told: Told, known: Known) -> str | Rejected | None:
    """The address of whom an event is of."""
    if told.contact_id is None:
        return told.email
    contact = known.get((call.caller.account_id, told.contact_id))
    return Rejected("Contact not found") if contact is None else contact.email


def _origin(call: Call) -> Origin:
    return Origin(call.caller.account_id, call.project_id, call.now, call.counting)


def _track(told: Told, email: str | None) -> Track:
    return Track(
        channel=CHANNEL,
        title=told.type,
        description=None,
        icon=None,
        tags_json="[]",
        metadata_json=eventwire.content(told, email),
        user_id=email,
        notify=True,
        source=SOURCE,
        display_as="message",
        event_key=None,
        at=None,
    )


def _charge(_command: Told) -> Charge:
    return Charge(METER)


def _charge_many(command: tuple[Item, ...]) -> Charge | None:
    units = sum(isinstance(one, Told) for one in command)
    return Charge(METER, units) if units else None


ENDPOINTS = (
    route.endpoint(
        "listEvents",
        "GET",
        PATH,
        scope=Scope.EVENTS_READ,
        tag="Events",
        summary="List events",
        description="Newest first, unless `order` says otherwise. Without `include_data` only "
        "their types and moments.",
        parse=parse_list,
        run=list_,
        charge=free,
        writes=False,
        query=EventsQuery,
        response=EventsOut,
        errors=(Code.RANGE_TOO_LARGE,),
    ),
    route.endpoint(
        "getEvent",
        "GET",
        f"{PATH}/{{id}}",
        scope=Scope.EVENTS_READ,
        tag="Events",
        summary="Read an event",
        parse=parse_id,
        run=get,
        charge=free,
        writes=False,
        response=EventOut,
    ),
    route.endpoint(
        "createEvent",
        "POST",
        PATH,
        scope=Scope.EVENTS_WRITE,
        tag="Events",
        summary="Tell an event of your own",
        description="Webhooks that want its type are told.",
        parse=parse_new,
        run=create,
        charge=_charge,
        writes=True,
        vector=True,
        status=201,
        request=NewEventIn,
        response=EventOut,
        example={
            "type": "c:signup",
            "email": "jane@example.com",
            "properties": {"plan": "pro"},
        },
    ),
    route.endpoint(
        "createEvents",
        "POST",
        f"{PATH}/batch",
        scope=Scope.EVENTS_WRITE,
        tag="Events",
        summary=f"Tell up to {eventwire.BATCH_MAX} events of your own",
        description="An object with `events`, or the array alone. Good events are kept although "
        "others are refused.",
        parse=parse_batch,
        run=create_many,
        charge=_charge_many,
        writes=True,
        vector=True,
        request=BatchIn,
        response=BatchOut,
        example={
            "events": [
                {"type": "c:signup", "email": "jane@example.com"},
                {"type": "w:visit", "properties": {"page": "/pricing"}},
            ]
        },
    ),
)
