"""`/v2/contacts/bulk` and `/v2/contacts/export`: many contacts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, AudienceId, ContactId
from gatepost.dialects.emailit import contactwire as wiring
from gatepost.dialects.emailit import lists, manage, sifting, wire
from gatepost.dialects.emailit.contacts import PATH, TAG
from gatepost.dialects.emailit.contactwire import AudienceIdOut, ContactIdOut, ContactOut
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import PageQuery
from gatepost.domains.contacts import audiences, store
from gatepost.domains.contacts.filters import Sift
from gatepost.engine import gather
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.validate import Body

MANY = 100
ROWS = 5_000
"""Contacts of one bulk action, and of one page of an export."""
COLUMNS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "unsubscribed",
    "audiences",
    "custom_fields",
    "created_at",
    "updated_at",
)
BETWEEN = "; "
NO_AUDIENCE = "Audience not found"
NONE = AudienceId(b"")


class BulkIn(msgspec.Struct, frozen=True):
    """What to do with some contacts."""

    action: Literal[
        "delete", "add_to_audience", "remove_from_audience", "unsubscribe", "resubscribe"
    ]
    ids: Annotated[
        list[ContactIdOut],
        Meta(min_length=1, max_length=MANY, description="Whom; what is no contact is passed over."),
    ]
    audience_id: Annotated[
        AudienceIdOut | None, Meta(description="The audience, where the action needs one.")
    ] = None


class BulkOut(msgspec.Struct, tag_field="object", tag="contact_bulk"):
    """How many contacts are others than before."""

    action: str
    requested: int
    affected: int


class Bulk(msgspec.Struct, frozen=True):
    """What to do with whom; an action that needs no audience has none."""

    action: str
    contact_ids: list[ContactId]
    requested: int
    audience_id: AudienceId = NONE


_bulk_body = Body(BulkIn)


def parse_bulk(_call: Call, body: bytes) -> Bulk:
    """Read what to do; raises INVALID, and NOT_FOUND for an audience that cannot be."""
    given: BulkIn = _bulk_body.decode(body)
    contact_ids = [one for text in given.ids if (one := _contact(text)) is not None]
    return Bulk(given.action, contact_ids, len(given.ids), _audience(given))


def _contact(text: str) -> ContactId | None:
    try:
        return ContactId(wire.read_id(wire.CONTACT, text))
    except AppError:
        return None


def _audience(given: BulkIn) -> AudienceId:
    if not given.action.endswith("_audience"):
        return NONE
    if given.audience_id is None:
        raise wire.problem("audience_id", f"Required for {given.action}")
    found = wiring.read_audiences([given.audience_id])
    if not found:
        raise wire.refusal(Code.NOT_FOUND, NO_AUDIENCE)
    return found[0]


def bulk(tx: Tx, call: Call, command: Bulk) -> Reply:
    """Do it, and tell of each contact that is another than before."""
    manage.grantor(tx, call)
    account_id, audience_id = call.caller.account_id, command.audience_id
    if audience_id and not audiences.find(tx, account_id, audience_id):
        raise wire.refusal(Code.NOT_FOUND, NO_AUDIENCE)
    what, shown = ACTIONS[command.action](tx, call, account_id, command)
    wiring.tell(tx, call, what, shown)
    return reply(BulkOut(command.action, command.requested, len(shown)), ring=call.project_id)


Told = tuple[str, Sequence[msgspec.Struct]]
"""The type of what has happened, and to which objects."""


def _delete(tx: Tx, call: Call, account_id: AccountId, command: Bulk) -> Told:
    known = store.by_ids(tx, account_id, command.contact_ids)
    shown = wiring.show_all(tx, list(known.values()))
    gather.end(tx, account_id, list(known), call.actor, call.now)
    return "contact.deleted", shown


def _add(tx: Tx, call: Call, account_id: AccountId, command: Bulk) -> Told:
    on = command.audience_id
    made = gather.join(tx, account_id, command.contact_ids, on, call.actor, call.now)
    return "subscriber.created", [wiring.show_member(one) for one in made]


def _remove(tx: Tx, call: Call, account_id: AccountId, command: Bulk) -> Told:
    on = command.audience_id
    gone = gather.leave(tx, account_id, command.contact_ids, on, call.actor, call.now)
    return "subscriber.deleted", [wiring.show_member(one) for one in gone]


def _put_off(*, unsubscribed: bool) -> Callable[..., Told]:
    def act(tx: Tx, call: Call, account_id: AccountId, command: Bulk) -> Told:
        changed = gather.put_off(
            tx,
            account_id,
            command.contact_ids,
            call.actor,
            call.now,
            unsubscribed=unsubscribed,
        )
        return "contact.updated", wiring.show_all(tx, changed)

    return act


ACTIONS: dict[str, Callable[..., Told]] = {
    "delete": _delete,
    "add_to_audience": _add,
    "remove_from_audience": _remove,
    "unsubscribe": _put_off(unsubscribed=True),
    "resubscribe": _put_off(unsubscribed=False),
}


def parse_export(call: Call, _body: bytes) -> Sift:
    """Read which contacts; raises INVALID."""
    sift = sifting.sift(lists.read(call, PATH), ROWS + 1)
    return msgspec.structs.replace(sift, limit=ROWS)


def export(tx: Tx, call: Call, sift: Sift) -> Reply:
    """Write contacts as CSV."""
    found = wiring.show_all(tx, store.list_(tx, call.caller.account_id, sift))
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="contacts.csv"'),
        (b"cache-control", b"no-store"),
    )
    return Reply(200, sheet.write(COLUMNS, map(_row, found)), headers)


def _row(one: ContactOut) -> Sequence[str]:
    return (
        one.id,
        one.email,
        one.first_name or "",
        one.last_name or "",
        "true" if one.unsubscribed else "false",
        BETWEEN.join(it.name for it in one.audiences),
        msgspec.json.encode(one.custom_fields).decode() if one.custom_fields else "",
        one.created_at,
        one.updated_at,
    )


_endpoint = manage.managing(TAG, Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)
_example: dict[str, Any] = {
    "action": "add_to_audience",
    "ids": ["con_01998f1cd2a77c03b1f2a64d5e8f9a0b"],
    "audience_id": "aud_01998f1cd2a77c03b1f2a64d5e8f9a0b",
}


ENDPOINTS = (
    _endpoint(
        "bulkContacts",
        "POST",
        f"{PATH}/bulk",
        summary="Do something with many contacts",
        description=f"With up to {MANY}: forget them, put them on an audience or take them off, or "
        "unsubscribe them from all that goes to audiences, or no longer.",
        parse=parse_bulk,
        run=bulk,
        request=BulkIn,
        response=BulkOut,
        example=_example,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "exportContacts",
        "GET",
        f"{PATH}/export",
        summary="Export contacts",
        description=f"As CSV, narrowed as the list is, {ROWS} at a time: `page` leads on, and "
        "`limit` says nothing. What a spreadsheet would take for a formula begins with `'`.",
        parse=parse_export,
        run=export,
        query=PageQuery,
        response=bytes,
        media=sheet.CSV,
        project=False,
    ),
)
