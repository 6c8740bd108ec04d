"""Contacts, audiences and subscribers on Emailit's wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AudienceId, ContactId
from gatepost.dialects.emailit import wire
from gatepost.domains.contacts import model, subscribers
from gatepost.domains.contacts.model import Audience, Contact, Member, Membership
from gatepost.engine import milestones
from gatepost.engine.milestones import Milestone
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

CONTACT = "contact"
SUBSCRIBER = "subscriber"
AUDIENCE = "audience"

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=320,
        description="An address, in any case; it is kept in lower case.",
        examples=["ada@example.com"],
    ),
]
PersonName = Annotated[str, Meta(max_length=model.NAME_MAX, examples=["Ada"])]
Fields = Annotated[
    dict[str, Any],
    Meta(
        description=f"Any members of your own, at most {model.FIELDS_BYTES_MAX} bytes as JSON.",
        examples=[{"company": "Analytical Engines"}],
    ),
]
AudienceName = Annotated[
    str, Meta(min_length=1, max_length=model.NAME_MAX, examples=["Newsletter"])
]
Unsubscribed = Annotated[
    bool, Meta(description="Whether it gets nothing that goes to audiences, whichever it is on.")
]
Subscribed = Annotated[bool, Meta(description="Whether it gets what goes to this audience.")]
Moment = Annotated[str, Meta(examples=["2026-01-15T10:30:00.000000Z"])]


ContactIdOut = Annotated[str, Meta(examples=["con_01998f1cd2a77c03b1f2a64d5e8f9a0b"])]
AudienceIdOut = Annotated[str, Meta(examples=["aud_01998f1cd2a77c03b1f2a64d5e8f9a0b"])]
SubscriberIdOut = Annotated[str, Meta(examples=["sub_01998f1cd2a77c03b1f2a64d5e8f9a0b"])]


class StandingOut(msgspec.Struct):
    """How a contact stands with an audience."""

    id: SubscriberIdOut
    subscribed: Subscribed
    subscribed_at: Moment | None
    unsubscribed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class MembershipOut(msgspec.Struct):
    """An audience that a contact is on."""

    id: AudienceIdOut
    name: AudienceName
    subscribed: Subscribed
    subscriber: StandingOut


class ContactOut(msgspec.Struct, tag_field="object", tag=CONTACT):
    """Somebody with an address."""

    id: ContactIdOut
    email: Email
    first_name: PersonName | None
    last_name: PersonName | None
    custom_fields: Fields
    unsubscribed: Unsubscribed
    audiences: list[MembershipOut]
    created_at: Moment
    updated_at: Moment


class AudienceOut(msgspec.Struct, tag_field="object", tag=AUDIENCE):
    """A list that contacts are on."""

    id: AudienceIdOut
    name: AudienceName
    token: Annotated[str, Meta(description="What names it to the public.", examples=["5f" * 16])]
    subscribers_count: Annotated[
        int, Meta(description="How many are on it, those who have unsubscribed too.")
    ]
    created_at: Moment
    updated_at: Moment


class SubscriberOut(msgspec.Struct, tag_field="object", tag=SUBSCRIBER):
    """A contact on an audience; names and custom fields are the contact's."""

    id: SubscriberIdOut
    audience_id: AudienceIdOut
    contact_id: ContactIdOut
    email: Email
    first_name: PersonName | None
    last_name: PersonName | None
    custom_fields: Fields
    subscribed: Subscribed
    subscribed_at: Moment | None
    unsubscribed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class Which(msgspec.Struct, frozen=True):
    """Which contact is meant: by id, or by address in its normal form."""

    id: ContactId | None = None
    email: str = ""


def show_contact(one: Contact, on: Iterable[Membership] = ()) -> ContactOut:
    """Write a contact for the wire."""
    return ContactOut(
        id=ids.show(wire.CONTACT, one.id),
        email=one.email,
        first_name=one.first_name,
        last_name=one.last_name,
        custom_fields=one.custom_fields,
        unsubscribed=one.unsubscribed,
        audiences=[_membership(it) for it in on],
        created_at=wire.exact(one.created_at),
        updated_at=wire.exact(one.updated_at),
    )


def show_all(tx: Tx, found: Sequence[Contact]) -> list[ContactOut]:
    """Write contacts of an account with the audiences they are on."""
    if not found:
        return []
    on = subscribers.memberships(tx, found[0].account_id, [one.id for one in found])
    return [show_contact(one, on.get(one.id, ())) for one in found]


def show_audience(one: Audience) -> AudienceOut:
    """Write an audience for the wire."""
    return AudienceOut(
        id=ids.show(wire.AUDIENCE, one.id),
        name=one.name,
        token=one.token,
        subscribers_count=one.subscribers,
        created_at=wire.exact(one.created_at),
        updated_at=wire.exact(one.updated_at),
    )


def show_member(member: Member) -> SubscriberOut:
    """Write a subscriber for the wire."""
    one, whose = member.subscriber, member.contact
    return SubscriberOut(
        id=ids.show(wire.SUBSCRIBER, one.id),
        audience_id=ids.show(wire.AUDIENCE, one.audience_id),
        contact_id=ids.show(wire.CONTACT, one.contact_id),
        email=whose.email,
        first_name=whose.first_name,
        last_name=whose.last_name,
        custom_fields=whose.custom_fields,
        subscribed=one.subscribed,
        subscribed_at=_maybe(one.subscribed_at),
        unsubscribed_at=_maybe(one.unsubscribed_at),
        created_at=wire.exact(one.created_at),
        updated_at=wire.exact(max(one.updated_at, whose.updated_at)),
    )


def _membership(one: Membership) -> MembershipOut:
    mine = one.subscriber
    standing = StandingOut(
        id=ids.show(wire.SUBSCRIBER, mine.id),
        subscribed=mine.subscribed,
        subscribed_at=_maybe(mine.subscribed_at),
        unsubscribed_at=_maybe(mine.unsubscribed_at),
        created_at=wire.exact(mine.created_at),
        updated_at=wire.exact(mine.updated_at),
    )
    audience_id = ids.show(wire.AUDIENCE, mine.audience_id)
    return MembershipOut(audience_id, one.audience, mine.subscribed, standing)


def read_which(text: str) -> Which:
    """Read an id or an address in a path; raises NOT_FOUND for what is neither."""
    if "@" not in text:
        return Which(id=ContactId(wire.read_id(wire.CONTACT, text)))
    try:
        return Which(email=model.address_of(text))
    except AppError:
        raise wire.refusal(Code.NOT_FOUND, "Contact not found") from None


def read_audiences(given: Sequence[str]) -> list[AudienceId]:
    """The ids among some texts."""
    found = []
    for text in given:
        try:
            found.append(AudienceId(wire.read_id(wire.AUDIENCE, text)))
        except AppError:
            continue
    return found


def tell(tx: Tx, call: Call, what: str, shown: Sequence[msgspec.Struct]) -> None:
    """Keep as events what has happened to some objects, such as `contact.created`."""
    happened = [
        Milestone(
            account_id=call.caller.account_id,
            project_id=call.project_id,
            type=what,
            object=msgspec.to_builtins(one),
        )
        for one in shown
    ]
    milestones.note(tx, happened, call.now)


def clash(tx: Tx, refusal: AppError) -> AppError:
    """A conflict in the words of this wire, with what stands in the way if anything does."""
    if refusal.code is not Code.CONFLICT:
        return refusal
    shown: msgspec.Struct | None = None
    match refusal.extra:
        case {"contact": Contact() as other}:
            shown = show_all(tx, [other])[0]
        case {"audience": Audience() as one}:
            shown = show_audience(one)
    more = {} if shown is None else {"existing": msgspec.to_builtins(shown)}
    return wire.refusal(Code.CONFLICT, refusal.detail, **more)


def _maybe(at: int | None) -> str | None:
    return None if at is None else wire.exact(at)
