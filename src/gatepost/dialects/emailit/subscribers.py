"""`/v2/audiences/{audience}/subscribers`: who is on an audience."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import SubscriberId
from gatepost.dialects.emailit import audiences, lists, manage, sifting, wire
from gatepost.dialects.emailit import contactwire as wiring
from gatepost.dialects.emailit.contactwire import (
    Email,
    Fields,
    PersonName,
    Subscribed,
    SubscriberIdOut,
    SubscriberOut,
    Which,
)
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.contacts import model, store
from gatepost.domains.contacts import subscribers as members
from gatepost.domains.contacts.filters import Sift
from gatepost.domains.contacts.model import Audience, Contact, Given, Member
from gatepost.engine import gather
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/audiences/{id}/subscribers"
ONE = f"{PATH}/{{subscriber}}"
LIMIT = 25
MISSING = "Subscriber not found"


class NewSubscriberIn(msgspec.Struct, frozen=True):
    """A subscriber to be. What is given is added to a contact there is."""

    email: Email
    first_name: PersonName | UnsetType | None = UNSET
    last_name: PersonName | UnsetType | None = UNSET
    custom_fields: Fields | None = None
    subscribed: Subscribed = True


class SubscriberChangesIn(msgspec.Struct, frozen=True):
    """What to change, of the contact too; members left out stay as they are, `custom_fields` are
    replaced whole.
    """

    email: Email | UnsetType = UNSET
    first_name: PersonName | UnsetType | None = UNSET
    last_name: PersonName | UnsetType | None = UNSET
    custom_fields: Fields | UnsetType | None = UNSET
    subscribed: Subscribed | UnsetType = UNSET


class SubscribersOut(msgspec.Struct):
    """A page of subscribers."""

    data: list[SubscriberOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedSubscriberOut(msgspec.Struct, tag_field="object", tag=wiring.SUBSCRIBER):
    """Who was taken off."""

    id: SubscriberIdOut
    email: Email
    deleted: bool = True


class New(msgspec.Struct, frozen=True):
    """Who shall be on which audience."""

    audience: str
    given: Given
    subscribed: bool


class Place(msgspec.Struct, frozen=True):
    """A subscriber of an audience: by its own id, or by the contact's or its address."""

    audience: str
    id: SubscriberId | None
    which: Which | None


class Change(msgspec.Struct, frozen=True):
    """What to change of which subscriber; without an address it stays."""

    place: Place
    given: SubscriberChangesIn
    email: str | None


class Listing(msgspec.Struct, frozen=True):
    """Which subscribers are asked for, one more than fit on the page."""

    audience: str
    asked: Asked
    sift: Sift


_new_body = Body(NewSubscriberIn)
_changes_body = Body(SubscriberChangesIn)


def parse_new(call: Call, body: bytes) -> New:
    """Read a subscriber to be; raises INVALID."""
    new: NewSubscriberIn = _new_body.decode(body)
    given = Given(
        email=model.address_of(new.email),
        first_name=new.first_name,
        last_name=new.last_name,
        custom_fields=UNSET if new.custom_fields is None else new.custom_fields,
    )
    return New(call.params["id"], given, new.subscribed)


def create(tx: Tx, call: Call, new: New) -> Reply:
    """Put somebody on an audience; the contact is made where there is none."""
    manage.grantor(tx, call)
    audience = audiences.find(tx, call, new.audience)
    known = store.by_emails(tx, audience.account_id, [new.given.email]).get(new.given.email)
    made = _fresh(tx, call, audience, new) if known is None else _also(tx, call, audience, new)
    subscriber = made.subscriber
    if not new.subscribed:
        subscriber = gather.toggle(tx, subscriber, call.actor, call.now, subscribed=False)
    shown = wiring.show_member(Member(subscriber, made.contact))
    wiring.tell(tx, call, "subscriber.created", [shown])
    return reply(shown, 201, ring=call.project_id)


def _fresh(tx: Tx, call: Call, audience: Audience, new: New) -> Member:
    try:
        made = gather.create(
            tx, audience.account_id, new.given, [audience.id], call.actor, call.now
        )
    except AppError as refusal:
        raise wiring.clash(tx, refusal) from None
    _tell_of_contact(tx, call, "contact.created", made.contact)
    return Member(made.joined[0], made.contact)


def _also(tx: Tx, call: Call, audience: Audience, new: New) -> Member:
    account_id = audience.account_id
    before = store.by_emails(tx, account_id, [new.given.email])[new.given.email]
    _refuse_twice(tx, audience, before)
    contact = gather.change(tx, before, new.given, call.actor, call.now, merge=True)
    made = gather.join(tx, account_id, [contact.id], audience.id, call.actor, call.now)
    if not made:
        most = f"A contact is on at most {model.MEMBERSHIPS_MAX} audiences"
        raise wire.refusal(Code.CONFLICT, most)
    if contact is not before:
        _tell_of_contact(tx, call, "contact.updated", contact)
    return made[0]


def _refuse_twice(tx: Tx, audience: Audience, contact: Contact) -> None:
    try:
        found = members.of_contact(tx, audience.account_id, audience.id, contact.id)
    except AppError:
        return
    existing = msgspec.to_builtins(wiring.show_member(found))
    raise wire.refusal(Code.CONFLICT, "Subscriber already exists", existing=existing)


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which subscribers; raises INVALID."""
    audience = call.params["id"]
    asked = lists.read(call, lists.place(PATH, audience), limit=LIMIT)
    return Listing(audience, asked, sifting.sift(asked, asked.limit + 1))


def list_(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of an audience's subscribers."""
    audience, limit = audiences.find(tx, call, command.audience), command.asked.limit
    found = members.list_(tx, audience.account_id, audience.id, command.sift)
    page = [msgspec.to_builtins(wiring.show_member(one)) for one in found[:limit]]
    return lists.paged(call, page, command.asked, more=len(found) > limit)


def parse_place(call: Call, _body: bytes) -> Place:
    """Read which subscriber; raises NOT_FOUND."""
    text = call.params["subscriber"]
    try:
        if text.startswith(f"{wire.SUBSCRIBER}_"):
            found = SubscriberId(wire.read_id(wire.SUBSCRIBER, text))
            return Place(call.params["id"], found, None)
        return Place(call.params["id"], None, wiring.read_which(text))
    except AppError:
        raise wire.refusal(Code.NOT_FOUND, MISSING) from None


def get(tx: Tx, call: Call, place: Place) -> Reply:
    """Read one subscriber."""
    return reply(wiring.show_member(_find(tx, call, place)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    place = parse_place(call, body)
    given: SubscriberChangesIn = _changes_body.decode(body)
    email = None if given.email is UNSET else model.address_of(str(given.email))
    return Change(place, given, email)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a subscriber, and the contact."""
    manage.grantor(tx, call)
    before = _find(tx, call, command.place)
    contact = _changed(tx, call, before.contact, command)
    subscriber = before.subscriber
    if command.given.subscribed is not UNSET:
        on = bool(command.given.subscribed)
        subscriber = gather.toggle(tx, subscriber, call.actor, call.now, subscribed=on)
    shown = wiring.show_member(Member(subscriber, contact))
    if contact is not before.contact:
        _tell_of_contact(tx, call, "contact.updated", contact)
    if contact is not before.contact or subscriber is not before.subscriber:
        wiring.tell(tx, call, "subscriber.updated", [shown])
    if subscriber.subscribed and not before.subscriber.subscribed:
        wiring.tell(tx, call, "subscriber.resubscribed", [shown])
    return reply(shown, ring=call.project_id)


def _changed(tx: Tx, call: Call, before: Contact, command: Change) -> Contact:
    new = command.given
    given = Given(
        email=command.email or before.email,
        first_name=new.first_name,
        last_name=new.last_name,
        custom_fields={} if new.custom_fields is None else new.custom_fields,
    )
    try:
        return gather.change(tx, before, given, call.actor, call.now)
    except AppError as refusal:
        raise wiring.clash(tx, refusal) from None


def delete(tx: Tx, call: Call, place: Place) -> Reply:
    """Take somebody off an audience."""
    manage.grantor(tx, call)
    one = _find(tx, call, place)
    mine = one.subscriber
    gather.leave(tx, mine.account_id, [mine.contact_id], mine.audience_id, call.actor, call.now)
    wiring.tell(tx, call, "subscriber.deleted", [wiring.show_member(one)])
    shown = DeletedSubscriberOut(ids.show(wire.SUBSCRIBER, mine.id), one.contact.email)
    return reply(shown, ring=call.project_id)


def _find(tx: Tx, call: Call, place: Place) -> Member:
    audience = audiences.find(tx, call, place.audience)
    mine = (tx, audience.account_id, audience.id)
    try:
        if place.id is not None:
            return members.get(*mine, place.id)
        which = place.which or Which()
        if which.id is not None:
            return members.of_contact(*mine, which.id)
        return members.by_email(*mine, which.email)
    except AppError:
        raise wire.refusal(Code.NOT_FOUND, MISSING) from None


def _tell_of_contact(tx: Tx, call: Call, what: str, contact: Contact) -> None:
    wiring.tell(tx, call, what, wiring.show_all(tx, [contact]))


_endpoint = manage.managing("Subscribers", Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)


ENDPOINTS = (
    _endpoint(
        "addSubscriber",
        "POST",
        PATH,
        summary="Put somebody on an audience",
        description="The contact is made where there is none of the address, and what is given is "
        "added to one there is. Who is on the audience already is 409, and `existing` is that "
        "subscriber. One whose contact is `unsubscribed` is not `subscribed`. The audience is "
        "named by its id, or by its name.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewSubscriberIn,
        response=SubscriberOut,
        example={"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"},
        errors=(Code.NOT_FOUND, Code.CONFLICT),
    ),
    _endpoint(
        "listSubscribers",
        "GET",
        PATH,
        summary="List an audience's subscribers",
        description=f"Newest first, {LIMIT} to a page. `subscribed` and what contacts can be "
        "compared by narrow it.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=SubscribersOut,
        project=False,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getSubscriber",
        "GET",
        ONE,
        summary="Read a subscriber",
        description="By its id, by the contact's, or by the address.",
        parse=parse_place,
        run=get,
        response=SubscriberOut,
        project=False,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateSubscriber",
        "POST",
        ONE,
        summary="Change a subscriber",
        description="Names, custom fields and the address are the contact's, wherever else it is; "
        "`subscribed` is of this audience alone.",
        parse=parse_changes,
        run=update,
        request=SubscriberChangesIn,
        response=SubscriberOut,
        example={"subscribed": False},
        errors=(Code.NOT_FOUND, Code.CONFLICT),
    ),
    _endpoint(
        "deleteSubscriber",
        "DELETE",
        ONE,
        summary="Take somebody off an audience",
        description="The contact stays.",
        parse=parse_place,
        run=delete,
        response=DeletedSubscriberOut,
        errors=(Code.NOT_FOUND,),
    ),
)
