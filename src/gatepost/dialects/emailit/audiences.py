"""`/v2/audiences`: lists that contacts are on."""

from __future__ import annotations

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AudienceId
from gatepost.dialects.emailit import contactwire as wiring
from gatepost.dialects.emailit import lists, manage, wire
from gatepost.dialects.emailit.contactwire import AudienceIdOut, AudienceName, AudienceOut
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.contacts import audiences as store
from gatepost.domains.contacts.model import Audience
from gatepost.engine import audience
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/audiences"
NAME_TAKEN = "Audience name already exists"


class NewAudienceIn(msgspec.Struct, frozen=True):
    """An audience to be."""

    name: AudienceName


class AudienceChangesIn(msgspec.Struct, frozen=True):
    """An audience's new name."""

    name: AudienceName


class AudiencesOut(msgspec.Struct):
    """A page of audiences."""

    data: list[AudienceOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedAudienceOut(msgspec.Struct, tag_field="object", tag=wiring.AUDIENCE):
    """What was ended."""

    id: AudienceIdOut
    name: AudienceName
    deleted: bool = True


class Change(msgspec.Struct, frozen=True):
    """Which audience, by id or name, gets which name."""

    which: str
    name: str


_new_body = Body(NewAudienceIn)
_changes_body = Body(AudienceChangesIn)


def parse_new(_call: Call, body: bytes) -> NewAudienceIn:
    """Read an audience to be; raises INVALID."""
    new: NewAudienceIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, new: NewAudienceIn) -> Reply:
    """Make an audience."""
    manage.grantor(tx, call)
    try:
        made = audience.create(tx, call.caller.account_id, new.name, call.actor, call.now)
    except AppError as refusal:
        raise wiring.clash(tx, refusal) from None
    return _told(tx, call, "audience.created", made, 201)


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which audiences; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the account's audiences."""
    found = store.list_(tx, call.caller.account_id)
    rows = [msgspec.to_builtins(wiring.show_audience(one)) for one in found]
    return lists.answer(call, rows, asked)


def parse_which(call: Call, _body: bytes) -> str:
    """Read the id or name in the path."""
    return call.params["id"]


def get(tx: Tx, call: Call, which: str) -> Reply:
    """Read one audience."""
    return reply(wiring.show_audience(find(tx, call, which)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read an audience's new name; raises INVALID."""
    given: AudienceChangesIn = _changes_body.decode(body)
    return Change(call.params["id"], given.name)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Rename an audience."""
    manage.grantor(tx, call)
    before = find(tx, call, command.which)
    try:
        after = audience.rename(tx, before, command.name, call.actor, call.now)
    except AppError as refusal:
        if refusal.code is Code.CONFLICT:
            raise wire.refusal(Code.CONFLICT, NAME_TAKEN) from None
        raise
    if after is before:
        return reply(wiring.show_audience(after))
    return _told(tx, call, "audience.updated", after)


def delete(tx: Tx, call: Call, which: str) -> Reply:
    """End an audience."""
    manage.grantor(tx, call)
    gone = audience.end(tx, find(tx, call, which), call.actor, call.now)
    wiring.tell(tx, call, "audience.deleted", [wiring.show_audience(gone)])
    shown = DeletedAudienceOut(ids.show(wire.AUDIENCE, gone.id), gone.name)
    return reply(shown, ring=call.project_id)


def find(tx: Tx, call: Call, which: str) -> Audience:
    """The account's audience of that id or, where there is none, of that name; raises NOT_FOUND."""
    account_id, found = call.caller.account_id, None
    try:
        found = store.find(tx, account_id, AudienceId(wire.read_id(wire.AUDIENCE, which)))
    except AppError:
        found = store.find_by_name(tx, account_id, which)
    if found is None:
        raise wire.refusal(Code.NOT_FOUND, "Audience not found")
    return found


def _told(tx: Tx, call: Call, what: str, one: Audience, status: int = 200) -> Reply:
    shown = wiring.show_audience(one)
    wiring.tell(tx, call, what, [shown])
    return reply(shown, status, ring=call.project_id)


_endpoint = manage.managing("Audiences", Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createAudience",
        "POST",
        PATH,
        summary="Make an audience",
        description="A name that is taken is 409, and `existing` is the audience that has it.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewAudienceIn,
        response=AudienceOut,
        example={"name": "Newsletter"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listAudiences",
        "GET",
        PATH,
        summary="List audiences",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=AudiencesOut,
        project=False,
    ),
    _endpoint(
        "getAudience",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read an audience",
        description="By its id, or by its name.",
        parse=parse_which,
        run=get,
        response=AudienceOut,
        project=False,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateAudience",
        "POST",
        f"{PATH}/{{id}}",
        summary="Rename an audience",
        description="By its id, or by its name. A name that another audience has is 409.",
        parse=parse_changes,
        run=update,
        request=AudienceChangesIn,
        response=AudienceOut,
        example={"name": "Weekly newsletter"},
        errors=(Code.NOT_FOUND, Code.CONFLICT),
    ),
    _endpoint(
        "deleteAudience",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="End an audience",
        description="By its id, or by its name. Its subscribers go with it, and of each of them "
        "nobody is told; the contacts stay.",
        parse=parse_which,
        run=delete,
        response=DeletedAudienceOut,
        errors=(Code.NOT_FOUND,),
    ),
)
