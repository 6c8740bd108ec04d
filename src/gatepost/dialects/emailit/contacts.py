"""`/v2/contacts`: people with an address, whichever audiences they are on."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AudienceId
from gatepost.dialects.emailit import contactwire as wiring
from gatepost.dialects.emailit import lists, manage, sifting, wire
from gatepost.dialects.emailit.contactwire import (
    ContactIdOut,
    ContactOut,
    Email,
    Fields,
    PersonName,
    Unsubscribed,
    Which,
)
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.contacts import audiences, model, store
from gatepost.domains.contacts.filters import Sift
from gatepost.domains.contacts.model import Contact, Given, Member
from gatepost.engine import gather
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

TAG = "Contacts"
PATH = "/v2/contacts"


class NewContactIn(msgspec.Struct, frozen=True):
    """A contact to be."""

    email: Email
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    custom_fields: Fields | None = None
    audiences: Annotated[
        list[str],
        Meta(
            max_length=model.MEMBERSHIPS_MAX,
            description="Ids of audiences to put it on; what is none is passed over.",
        ),
    ] = []
    unsubscribed: Unsubscribed = False


class ContactChangesIn(msgspec.Struct, frozen=True):
    """What to change; members left out stay as they are, `custom_fields` are replaced whole."""

    email: Email | UnsetType = UNSET
    first_name: PersonName | UnsetType | None = UNSET
    last_name: PersonName | UnsetType | None = UNSET
    custom_fields: Fields | UnsetType | None = UNSET
    unsubscribed: Unsubscribed | UnsetType = UNSET


class ContactsOut(msgspec.Struct):
    """A page of contacts."""

    data: list[ContactOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedContactOut(msgspec.Struct, tag_field="object", tag=wiring.CONTACT):
    """Who was forgotten."""

    id: ContactIdOut
    email: Email
    deleted: bool = True


class New(msgspec.Struct, frozen=True):
    """A contact to be, and the audiences it shall be on."""

    given: Given
    audience_ids: list[AudienceId]


class Change(msgspec.Struct, frozen=True):
    """What to change of which contact; without an address it stays."""

    which: Which
    given: ContactChangesIn
    email: str | None


class Listing(msgspec.Struct, frozen=True):
    """Which contacts are asked for, one more than fit on the page."""

    asked: Asked
    sift: Sift


_new_body = Body(NewContactIn)
_changes_body = Body(ContactChangesIn)


def parse_new(_call: Call, body: bytes) -> New:
    """Read a contact to be; raises INVALID."""
    new: NewContactIn = _new_body.decode(body)
    given = Given(
        email=model.address_of(new.email),
        first_name=new.first_name,
        last_name=new.last_name,
        custom_fields=new.custom_fields or {},
        unsubscribed=new.unsubscribed,
    )
    return New(given, wiring.read_audiences(new.audiences))


def create(tx: Tx, call: Call, new: New) -> Reply:
    """Make a contact, and put it on the audiences there are."""
    manage.grantor(tx, call)
    account_id = call.caller.account_id
    there = [one for one in new.audience_ids if audiences.find(tx, account_id, one)]
    try:
        made = gather.create(tx, account_id, new.given, there, call.actor, call.now)
    except AppError as refusal:
        raise wiring.clash(tx, refusal) from None
    shown = _show(tx, made.contact)
    wiring.tell(tx, call, "contact.created", [shown])
    on = [Member(one, made.contact) for one in made.joined]
    wiring.tell(tx, call, "subscriber.created", [wiring.show_member(one) for one in on])
    return reply(shown, 201, ring=call.project_id)


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which contacts; raises INVALID."""
    asked = lists.read(call, PATH)
    return Listing(asked, sifting.sift(asked, asked.limit + 1))


def list_(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the account's contacts."""
    found, limit = store.list_(tx, call.caller.account_id, command.sift), command.asked.limit
    page = [msgspec.to_builtins(one) for one in wiring.show_all(tx, found[:limit])]
    return lists.paged(call, page, command.asked, more=len(found) > limit)


def parse_which(call: Call, _body: bytes) -> Which:
    """Read which contact; raises NOT_FOUND."""
    return wiring.read_which(call.params["id"])


def get(tx: Tx, call: Call, which: Which) -> Reply:
    """Read one contact."""
    return reply(_show(tx, find(tx, call, which)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    which = parse_which(call, body)
    given: ContactChangesIn = _changes_body.decode(body)
    email = None if given.email is UNSET else model.address_of(str(given.email))
    return Change(which, given, email)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a contact."""
    manage.grantor(tx, call)
    before, new = find(tx, call, command.which), command.given
    given = Given(
        email=command.email or before.email,
        first_name=new.first_name,
        last_name=new.last_name,
        custom_fields={} if new.custom_fields is None else new.custom_fields,
        unsubscribed=new.unsubscribed,
    )
    try:
        after = gather.change(tx, before, given, call.actor, call.now)
    except AppError as refusal:
        raise wiring.clash(tx, refusal) from None
    shown = _show(tx, after)
    wiring.tell(tx, call, "contact.updated", [] if after is before else [shown])
    return reply(shown, ring=call.project_id)


def delete(tx: Tx, call: Call, which: Which) -> Reply:
    """Forget a contact."""
    manage.grantor(tx, call)
    one = find(tx, call, which)
    gone = _show(tx, one)
    gather.end(tx, one.account_id, [one.id], call.actor, call.now)
    wiring.tell(tx, call, "contact.deleted", [gone])
    shown = DeletedContactOut(ids.show(wire.CONTACT, one.id), one.email)
    return reply(shown, ring=call.project_id)


def find(tx: Tx, call: Call, which: Which) -> Contact:
    """Look the contact up that is meant; raises NOT_FOUND."""
    account_id = call.caller.account_id
    if which.id is not None:
        return store.get(tx, account_id, which.id)
    found = store.by_emails(tx, account_id, [which.email]).get(which.email)
    if found is None:
        raise wire.refusal(Code.NOT_FOUND, "Contact not found")
    return found


def _show(tx: Tx, one: Contact) -> ContactOut:
    return wiring.show_all(tx, [one])[0]


_endpoint = manage.managing(TAG, Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createContact",
        "POST",
        PATH,
        summary="Make a contact",
        description="An address that a contact has already is 409, and `existing` is that one. "
        "Where it is `unsubscribed`, it is on its audiences as one who has unsubscribed.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewContactIn,
        response=ContactOut,
        example={"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listContacts",
        "GET",
        PATH,
        summary="List contacts",
        description="Newest first. `email`, `first_name`, `last_name`, `unsubscribed`, "
        "`created_at` and `updated_at` can be compared and sorted by, whatever the case of their "
        "letters; `search` looks into addresses and names.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=ContactsOut,
        project=False,
    ),
    _endpoint(
        "getContact",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read a contact",
        description="By its id, or by its address.",
        parse=parse_which,
        run=get,
        response=ContactOut,
        project=False,
    ),
    _endpoint(
        "updateContact",
        "POST",
        f"{PATH}/{{id}}",
        summary="Change a contact",
        description="By its id, or by its address. An address that another contact has is 409.",
        parse=parse_changes,
        run=update,
        request=ContactChangesIn,
        response=ContactOut,
        example={"first_name": "Augusta Ada", "unsubscribed": True},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "deleteContact",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="Forget a contact",
        description="By its id, or by its address. It is taken off all audiences.",
        parse=parse_which,
        run=delete,
        response=DeletedContactOut,
    ),
)
