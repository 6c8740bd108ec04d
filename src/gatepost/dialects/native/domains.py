"""`/v1/domains`: domains that mail is sent from, and the records that prove whose they are."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import DomainId
from gatepost.delivery import dnscheck
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.domains.emaildomains import model, records, store
from gatepost.domains.emaildomains.model import (
    DomainStatus,
    Finding,
    Findings,
    Purpose,
    RecordStatus,
    SendingDomain,
)
from gatepost.domains.emaildomains.records import Record
from gatepost.engine import vouch
from gatepost.engine.vouch import NOUN, DomainChanges, NewDomain
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.NAME_MAX,
        description="In any case; each subdomain is a domain of its own.",
    ),
]
TrackOpens = Annotated[
    bool, Meta(description="Whether mails tell that they were opened, unless they say otherwise.")
]
TrackClicks = Annotated[
    bool,
    Meta(description="Whether links of mails tell that they were followed, unless they say not."),
]


class NewDomainIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A sending domain to be."""

    name: Name
    track_opens: TrackOpens = False
    track_clicks: TrackClicks = False


class DomainChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change; members left out stay as they are."""

    track_opens: TrackOpens | UnsetType = UNSET
    track_clicks: TrackClicks | UnsetType = UNSET


class RecordOut(msgspec.Struct, rename="camel"):
    """A DNS record to publish, and what was found of it."""

    purpose: Purpose
    type: str
    name: str
    value: str
    priority: Annotated[int | None, Meta(description="Of an MX record.")]
    required: Annotated[
        bool, Meta(description="Whether nothing is sent before it is as it should be.")
    ]
    status: RecordStatus
    error: Annotated[str | None, Meta(description="What is wrong about it, in words.")]


class SendingDomainOut(msgspec.Struct, rename="camel"):
    """A sending domain. It is `verified` once all required records are found as they should be,
    and no longer when they are gone; it is `trusted` where whoever runs this installation
    vouches for it.
    """

    id: str
    name: Name
    status: DomainStatus
    verified_at: str | None
    checked_at: str | None
    return_path: Annotated[str, Meta(description="The host that bounces return to.")]
    track_opens: TrackOpens
    track_clicks: TrackClicks
    records: list[RecordOut]
    created_at: str
    updated_at: str


class SendingDomainsOut(msgspec.Struct, rename="camel"):
    """A page of sending domains; `next_cursor` is null on the last one."""

    domains: list[SendingDomainOut]
    next_cursor: str | None


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
    pair = await asyncio.to_thread(vouch.make_pair)
    settings = call.services.settings
    return NewDomain(
        name=new.name,
        selector=settings.dkim_selector,
        label=settings.return_path_label,
        pair=pair,
        track_opens=new.track_opens,
        track_clicks=new.track_clicks,
    )


def create(tx: Tx, call: Call, command: NewDomain) -> Reply:
    """Make a domain."""
    admin.grantor(tx, call)
    account_id, pepper = call.caller.account_id, call.services.pepper
    made = vouch.create(tx, account_id, command, pepper, call.actor, call.now)
    return ok(call, show(call, made), 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's domains."""
    after, limit = command
    last = None if after is None else DomainId(after)
    found = store.list_(tx, call.caller.account_id, after=last, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    shown = [show(call, one) for one in page.rows]
    return ok(call, SendingDomainsOut(shown, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> DomainId:
    """Read the id in the path; raises NOT_FOUND."""
    return DomainId(ids.parse(NOUN, call.params["id"]))


def get(tx: Tx, call: Call, domain_id: DomainId) -> Reply:
    """Read one domain."""
    return ok(call, show(call, store.get(tx, call.caller.account_id, domain_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    domain_id = parse_id(call, body)
    given: DomainChangesIn = _changes_body.decode(body)
    changes = DomainChanges(track_opens=given.track_opens, track_clicks=given.track_clicks)
    return Change(domain_id, changes)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a domain."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    changed = vouch.change(tx, account_id, command.domain_id, command.changes, call.actor, call.now)
    return ok(call, show(call, changed))


async def prepare_look(call: Call, domain_id: DomainId) -> Looked:
    """Ask the name servers; raises NOT_FOUND."""
    services, account_id = call.services, call.caller.account_id
    domain = await services.database.read(lambda tx: store.get(tx, account_id, domain_id))
    return Looked(domain_id, await dnscheck.look(services.settings, domain))


def verify(tx: Tx, call: Call, command: Looked) -> Reply:
    """Keep what was found."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    found = vouch.settle(tx, account_id, command.domain_id, command.findings, call.actor, call.now)
    tx.after_commit(call.services.due)
    return ok(call, show(call, found))


def delete(tx: Tx, call: Call, domain_id: DomainId) -> Reply:
    """End a domain."""
    admin.grantor(tx, call)
    gone = vouch.end(tx, call.caller.account_id, domain_id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show(NOUN, gone.id), gone.name))


def show(call: Call, domain: SendingDomain) -> SendingDomainOut:
    """Write a domain for the wire."""
    layout = records.layout_of(call.services.settings)
    return SendingDomainOut(
        id=ids.show(NOUN, domain.id),
        name=domain.name,
        status=model.status_of(domain),
        verified_at=admin.moment(domain.verified_at),
        checked_at=admin.moment(domain.checked_at),
        return_path=domain.return_path,
        track_opens=domain.track_opens,
        track_clicks=domain.track_clicks,
        records=[_record(*one) for one in records.found_of(domain, layout)],
        created_at=clock.iso(domain.created_at),
        updated_at=clock.iso(domain.updated_at),
    )


def _record(record: Record, found: Finding) -> RecordOut:
    return RecordOut(
        record.purpose,
        record.type,
        record.name,
        record.value,
        record.priority,
        record.required,
        found.status,
        found.error,
    )


_endpoint = admin.managing("Domains", Scope.DOMAINS_READ, Scope.DOMAINS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createSendingDomain",
        "POST",
        "/v1/domains",
        summary="Add a sending domain",
        description="It gets a DKIM key of its own. Publish the `records`, then have them looked "
        "at; until then nothing is sent from it.",
        parse=parse_new,
        prepare=prepare_new,
        run=create,
        status=201,
        request=NewDomainIn,
        response=SendingDomainOut,
        example={"name": "news.example.com"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listSendingDomains",
        "GET",
        "/v1/domains",
        summary="List sending domains",
        description="Oldest first.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=SendingDomainsOut,
    ),
    _endpoint(
        "getSendingDomain",
        "GET",
        "/v1/domains/{id}",
        summary="Read a sending domain",
        parse=parse_id,
        run=get,
        response=SendingDomainOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateSendingDomain",
        "PATCH",
        "/v1/domains/{id}",
        summary="Say how mails of a domain are tracked",
        parse=parse_changes,
        run=update,
        request=DomainChangesIn,
        response=SendingDomainOut,
        example={"trackClicks": True},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "verifySendingDomain",
        "POST",
        "/v1/domains/{id}/verify",
        summary="Look at the records of a sending domain",
        description="Asks the name servers before it answers. Each record then says how it was "
        "found. They are looked at again every day, which can withdraw what was verified. A domain "
        "that another account has verified is 409 `conflict`.",
        parse=parse_id,
        prepare=prepare_look,
        run=verify,
        response=SendingDomainOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteSendingDomain",
        "DELETE",
        "/v1/domains/{id}",
        summary="Remove a sending domain",
        description="Nothing more is sent from it; keys that are bound to it send nothing at all.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
