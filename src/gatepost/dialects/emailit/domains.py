"""`/v2/domains`: domains that e-mails are sent from."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import DomainId
from gatepost.delivery import dnscheck
from gatepost.dialects.emailit import domainwire, lists, manage, wire
from gatepost.dialects.emailit.domainwire import KIND, DeletedDomainOut, DomainOut, DomainsOut
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.emaildomains import model, store
from gatepost.domains.emaildomains.model import Findings, SendingDomain
from gatepost.engine import milestones, vouch
from gatepost.engine.milestones import Milestone
from gatepost.engine.vouch import DomainChanges, NewDomain
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/domains"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.NAME_MAX,
        description="In any case; each subdomain is a domain of its own.",
    ),
]
Flag = bool | Annotated[int, Meta(ge=0, le=1)]
TrackLoads = Annotated[
    Flag, Meta(description="Whether mails tell that they were opened, unless they say otherwise.")
]
TrackClicks = Annotated[
    Flag,
    Meta(description="Whether links of mails tell that they were followed, unless they say not."),
]


class NewDomainIn(msgspec.Struct, frozen=True):
    """A sending domain to be."""

    name: Name
    track_loads: TrackLoads = False
    track_clicks: TrackClicks = False


class DomainChangesIn(msgspec.Struct, frozen=True):
    """What to change; members left out stay as they are."""

    track_loads: TrackLoads | UnsetType = UNSET
    track_clicks: TrackClicks | UnsetType = UNSET


class Change(msgspec.Struct, frozen=True):
    """What to change of which domain."""

    domain_id: DomainId
    changes: DomainChanges


class Looked(msgspec.Struct, frozen=True):
    """What was found of a domain."""

    domain_id: DomainId
    findings: Findings


_new_body = Body(NewDomainIn)
_changes_body = Body(DomainChangesIn)


def parse_new(_call: Call, body: bytes) -> NewDomainIn:
    """Read a domain to be; raises INVALID."""
    new: NewDomainIn = _new_body.decode(body)
    vouch.normal(new.name)
    return new


async def prepare_new(call: Call, new: NewDomainIn) -> NewDomain:
    """Make its key."""
    settings = call.services.settings
    return NewDomain(
        name=new.name,
        selector=settings.dkim_selector,
        label=settings.return_path_label,
        pair=await asyncio.to_thread(vouch.make_pair),
        track_opens=bool(new.track_loads),
        track_clicks=bool(new.track_clicks),
    )


def create(tx: Tx, call: Call, command: NewDomain) -> Reply:
    """Make a domain."""
    manage.grantor(tx, call)
    account_id, pepper = call.caller.account_id, call.services.pepper
    try:
        made = vouch.create(tx, account_id, command, pepper, call.actor, call.now)
    except AppError as refusal:
        raise _refused(tx, call, command.name, refusal) from None
    return _told(tx, call, "created", domainwire.show(call, made), 201)


def _refused(tx: Tx, call: Call, name: str, refusal: AppError) -> AppError:
    if refusal.code is not Code.CONFLICT:
        return refusal
    known = store.find_by_name(tx, call.caller.account_id, vouch.normal(name))
    if known is None:
        return wire.refusal(Code.CONFLICT, refusal.detail)
    return wire.conflict(wire.DOMAIN, known.id, KIND, "Domain already exists", name=known.name)


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which domains; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the account's domains."""
    found = reversed(store.list_(tx, call.caller.account_id))
    rows = [msgspec.to_builtins(domainwire.show(call, one)) for one in found]
    return lists.answer(call, rows, asked)


def parse_id(call: Call, _body: bytes) -> DomainId:
    """Read the id in the path; raises NOT_FOUND."""
    return DomainId(wire.read_id(wire.DOMAIN, call.params["id"]))


def get(tx: Tx, call: Call, domain_id: DomainId) -> Reply:
    """Read one domain."""
    return reply(domainwire.show(call, store.get(tx, call.caller.account_id, domain_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    domain_id = parse_id(call, body)
    given: DomainChangesIn = _changes_body.decode(body)
    changes = DomainChanges(
        track_opens=_flag(given.track_loads), track_clicks=_flag(given.track_clicks)
    )
    return Change(domain_id, changes)


def _flag(given: Flag | UnsetType) -> bool | UnsetType:
    return UNSET if given is UNSET else bool(given)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a domain."""
    manage.grantor(tx, call)
    account_id = call.caller.account_id
    changed = vouch.change(tx, account_id, command.domain_id, command.changes, call.actor, call.now)
    return _told(tx, call, "updated", domainwire.show(call, changed))


async def prepare_look(call: Call, domain_id: DomainId) -> Looked:
    """Ask the name servers; raises NOT_FOUND."""
    services, account_id = call.services, call.caller.account_id
    domain = await services.database.read(lambda tx: store.get(tx, account_id, domain_id))
    return Looked(domain_id, await dnscheck.look(services.settings, domain))


def verify(tx: Tx, call: Call, command: Looked) -> Reply:
    """Keep what was found."""
    manage.grantor(tx, call)
    account_id = call.caller.account_id
    before = store.get(tx, account_id, command.domain_id)
    found = _settled(tx, call, command)
    tx.after_commit(call.services.due)
    shown = domainwire.show(call, found)
    if (found.verified_at is None) is (before.verified_at is None):
        return reply(shown)
    return _told(tx, call, "updated", shown)


def _settled(tx: Tx, call: Call, command: Looked) -> SendingDomain:
    account_id = call.caller.account_id
    try:
        return vouch.settle(
            tx, account_id, command.domain_id, command.findings, call.actor, call.now
        )
    except AppError as refusal:
        if refusal.code is Code.CONFLICT:
            raise wire.refusal(Code.CONFLICT, refusal.detail) from None
        raise


def delete(tx: Tx, call: Call, domain_id: DomainId) -> Reply:
    """End a domain."""
    manage.grantor(tx, call)
    gone = vouch.end(tx, call.caller.account_id, domain_id, call.actor, call.now)
    return _told(tx, call, "deleted", DeletedDomainOut(ids.show(wire.DOMAIN, gone.id), gone.name))


def _told(tx: Tx, call: Call, what: str, shown: msgspec.Struct, status: int = 200) -> Reply:
    """Keep what has happened to a domain as an event, and answer with the domain."""
    happened = Milestone(
        account_id=call.caller.account_id,
        project_id=call.project_id,
        type=f"{KIND}.{what}",
        object=msgspec.to_builtins(shown),
    )
    milestones.note(tx, [happened], call.now)
    return reply(shown, status, ring=call.project_id)


_endpoint = manage.managing("Domains", Scope.DOMAINS_READ, Scope.DOMAINS_WRITE)
_change: dict[str, Any] = {
    "parse": parse_changes,
    "run": update,
    "request": DomainChangesIn,
    "response": DomainOut,
    "example": {"track_clicks": True},
}


ENDPOINTS = (
    _endpoint(
        "createDomain",
        "POST",
        PATH,
        summary="Add a sending domain",
        description="It gets a DKIM key of its own. Publish the `dns_records`, then have them "
        "looked at; until then nothing is sent from it. A name that the account has already is "
        "409, and `existing` is that domain.",
        parse=parse_new,
        prepare=prepare_new,
        run=create,
        status=201,
        request=NewDomainIn,
        response=DomainOut,
        example={"name": "news.example.com"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listDomains",
        "GET",
        PATH,
        summary="List sending domains",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=DomainsOut,
        project=False,
    ),
    _endpoint(
        "getDomain",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read a sending domain",
        parse=parse_id,
        run=get,
        response=DomainOut,
        project=False,
    ),
    _endpoint(
        "updateDomain",
        "POST",
        f"{PATH}/{{id}}",
        summary="Say how mails of a domain are tracked",
        **_change,
    ),
    _endpoint(
        "patchDomain",
        "PATCH",
        f"{PATH}/{{id}}",
        summary="Say how mails of a domain are tracked",
        description="The same as POST: clients know either.",
        **_change,
    ),
    _endpoint(
        "verifyDomain",
        "POST",
        f"{PATH}/{{id}}/verify",
        summary="Look at the records of a sending domain",
        description="Asks the name servers before it answers. Each record then says how it was "
        "found. They are looked at again every day, which can withdraw what was verified. A domain "
        "that another account has verified is 409.",
        parse=parse_id,
        prepare=prepare_look,
        run=verify,
        response=DomainOut,
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "deleteDomain",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="Remove a sending domain",
        description="Nothing more is sent from it; keys that are bound to it send nothing at all.",
        parse=parse_id,
        run=delete,
        response=DeletedDomainOut,
    ),
)
