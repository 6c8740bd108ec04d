"""`/api/v1/user/domain`: the domain that an account's mails are sent from."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import DomainId
from gatepost.delivery import dnscheck
from gatepost.dialects.notifykit import checks, user, wire
from gatepost.dialects.notifykit.envelope import ok
from gatepost.dialects.notifykit.user import DoneOut
from gatepost.domains.emaildomains import model, records, store
from gatepost.domains.emaildomains.model import Findings, RecordStatus, SendingDomain
from gatepost.domains.emaildomains.records import Record
from gatepost.domains.mailers import store as mailers
from gatepost.engine import vouch
from gatepost.engine.vouch import NewDomain
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint

PROVIDER = "GATEPOST"
"""Whose records they are: this installation's, not a provider's."""
PAID_ONLY = "Custom domain is only available for paid plans (Indie, Startup)"
NO_DOMAIN = "Invalid domain format"
NO_PROVIDER = (
    "Domain verification requires at least one email provider configured in your settings."
)
TAKEN = "This domain is already registered by another customer"
NOT_CONFIGURED = "No domain configured. Please add a domain first."
NONE = "No custom domain configured"
VERIFIED = "Domain verified! You can now send emails from this domain."
PENDING = "Domain not yet verified. DNS records may still be propagating (15-60 minutes)."
REMOVED = "Domain removed successfully"
MINUTES = "15-60 minutes"
STEPS = [
    "1. Login to your domain registrar (Namecheap, GoDaddy, Cloudflare, etc.)",
    "2. Navigate to DNS settings for your domain",
    "3. Add each DNS record below",
    "4. Wait 15-60 minutes for DNS propagation",
    '5. Click "Verify Domain" to check status',
]


class DomainIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The domain to send from."""

    domain: Annotated[str, Meta(description="A host name in lower case.", examples=["example.com"])]


class DnsRecordOut(msgspec.Struct):
    """A DNS record to publish."""

    id: int
    type: str
    host: str
    value: Annotated[str, Meta(description="Of an MX record: its priority and host.")]
    provider: Annotated[str, Meta(description="Whose record it is: `GATEPOST`.")]


class WarningOut(msgspec.Struct):
    """Why a domain was not registered with a provider."""

    provider: str
    reason: str


class InstructionsOut(msgspec.Struct, rename="camel"):
    """What to do with the records."""

    message: str
    steps: list[str]
    estimated_time: str


class RequestedOut(msgspec.Struct, rename="camel"):
    """A domain, and what to publish."""

    domain: str
    status: Annotated[str, Meta(description="`pending` or `verified`.")]
    dns_records: list[DnsRecordOut]
    warnings: list[WarningOut]
    instructions: InstructionsOut


class ResultOut(msgspec.Struct):
    """What is wrong with a record, if anything is."""

    valid: bool
    reason: str | None


class CheckedOut(msgspec.Struct, rename="camel"):
    """How the records were found."""

    provider: str
    verified: bool
    validation_results: Annotated[
        dict[str, ResultOut] | None, Meta(description="By record; null once it is verified.")
    ]


class VerifiedOut(msgspec.Struct):
    """Whether a domain is verified."""

    domain: str
    verified: bool
    providers: list[CheckedOut]
    message: str


class DomainOut(msgspec.Struct, rename="camel"):
    """A domain of the account's."""

    domain: str
    provider: str
    verified: bool
    dns_records: list[DnsRecordOut]
    requested_at: str
    verified_at: str | None


class DomainStatusOut(msgspec.Struct):
    """The domains; where there is none, `status` is false and `message` says so."""

    domains: list[DomainOut] | UnsetType = UNSET
    status: bool | UnsetType = UNSET
    message: str | UnsetType = UNSET


class Looked(msgspec.Struct, frozen=True):
    """What was found of a domain."""

    domain_id: DomainId
    findings: Findings


def parse_domain(call: Call, body: bytes) -> str:
    """Read a domain's name; raises INVALID."""
    given = wire.members(body)
    wrong = checks.problem(given, {"domain": checks.needed(checks.text)})
    if wrong is not None:
        raise wrong.error()
    if user.is_free(call):
        raise wire.refusal(Code.INVALID, PAID_ONLY)
    name: str = given["domain"]
    if not _is_name(name):
        raise wire.refusal(Code.INVALID, NO_DOMAIN)
    return name


async def prepare_domain(call: Call, name: str) -> NewDomain:
    """Make its key."""
    pair = await asyncio.to_thread(vouch.make_pair)
    selector = call.services.settings.dkim_selector
    return NewDomain(name=name, selector=selector, label=model.SENDER_LABEL, pair=pair)


def request(tx: Tx, call: Call, new: NewDomain) -> Reply:
    """Register a domain; one that is there already stays as it is."""
    user.check_key(tx, call)
    account_id, pepper = call.caller.account_id, call.services.pepper
    if not any(one.enabled for one in mailers.list_(tx, account_id)):
        raise wire.refusal(Code.INVALID, NO_PROVIDER)
    known = store.find_by_name(tx, account_id, new.name)
    domain = known or vouch.create(tx, account_id, new, pepper, call.actor, call.now)
    told = "Add these DNS records to your domain registrar"
    shown = RequestedOut(
        domain.name,
        "verified" if domain.may_send else "pending",
        _records(call, domain),
        [],
        InstructionsOut(told, STEPS, MINUTES),
    )
    return ok(call, shown, 201)


async def prepare_look(call: Call, _command: None) -> Looked:
    """Ask the name servers about the newest domain; raises NOT_FOUND."""
    services, account_id = call.services, call.caller.account_id
    mine = await services.database.read(lambda tx: store.list_(tx, account_id))
    if not mine:
        raise wire.refusal(Code.NOT_FOUND, NOT_CONFIGURED)
    domain = mine[-1]
    return Looked(domain.id, await dnscheck.look(services.settings, domain))


def verify(tx: Tx, call: Call, command: Looked) -> Reply:
    """Keep what was found; raises INVALID where another account has the domain."""
    user.check_key(tx, call)
    domain = _settled(tx, call, command)
    tx.after_commit(call.services.due)
    able = domain.may_send
    found = None if able else _results(call, domain)
    checked = CheckedOut(PROVIDER, able, found)
    return ok(call, VerifiedOut(domain.name, able, [checked], VERIFIED if able else PENDING))


def status(tx: Tx, call: Call, _command: None) -> Reply:
    """List the domains, newest first."""
    mine = store.list_(tx, call.caller.account_id)
    if not mine:
        return ok(call, DomainStatusOut(status=False, message=NONE))
    return ok(call, DomainStatusOut([_show(call, one) for one in reversed(mine)]))


def remove(tx: Tx, call: Call, _command: None) -> Reply:
    """Remove the domains; there need not be one."""
    user.check_key(tx, call)
    account_id = call.caller.account_id
    for one in store.list_(tx, account_id):
        vouch.end(tx, account_id, one.id, call.actor, call.now)
    return ok(call, DoneOut(REMOVED))


def _is_name(text: str) -> bool:
    try:
        return model.normal(text) == text
    except ValueError:
        return False


def _settled(tx: Tx, call: Call, command: Looked) -> SendingDomain:
    account_id, found = call.caller.account_id, command.findings
    try:
        return vouch.settle(tx, account_id, command.domain_id, found, call.actor, call.now)
    except AppError as refusal:
        if refusal.code is Code.CONFLICT:
            raise wire.refusal(Code.INVALID, TAKEN) from None
        raise


def _show(call: Call, domain: SendingDomain) -> DomainOut:
    verified_at = domain.verified_at
    return DomainOut(
        domain.name,
        PROVIDER,
        domain.may_send,
        _records(call, domain),
        clock.iso(domain.created_at),
        None if verified_at is None else clock.iso(verified_at),
    )


def _records(call: Call, domain: SendingDomain) -> list[DnsRecordOut]:
    layout = records.layout_of(call.services.settings)
    wanted = records.records_of(domain, layout)
    return [
        DnsRecordOut(number, one.type, one.name, _value(one), PROVIDER)
        for number, one in enumerate(wanted, 1)
    ]


def _value(record: Record) -> str:
    return record.value if record.priority is None else f"{record.priority} {record.value}"


def _results(call: Call, domain: SendingDomain) -> dict[str, ResultOut]:
    layout = records.layout_of(call.services.settings)
    return {
        record.purpose.value: ResultOut(found.status is RecordStatus.OK, found.error)
        for record, found in records.found_of(domain, layout)
    }


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    scope = Scope.DOMAINS_READ if method == "GET" else Scope.DOMAINS_WRITE
    return user.endpoint(operation, method, path, scope=scope, **more)


ENDPOINTS = (
    _endpoint(
        "requestDomain",
        "POST",
        "domain/request",
        summary="Register the domain that mails are sent from",
        description="On paid plans with a provider. Publish the records, then have them verified. "
        "They are this installation's own: with its providers a domain is registered by hand.",
        parse=parse_domain,
        prepare=prepare_domain,
        run=request,
        status=201,
        request=DomainIn,
        response=RequestedOut,
        example={"domain": "example.com"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "verifyDomain",
        "POST",
        "domain/verify",
        summary="Look at the records of the domain",
        description="Of several domains, at those of the newest. 400 where another account has "
        "verified it.",
        prepare=prepare_look,
        run=verify,
        response=VerifiedOut,
        errors=(Code.INVALID, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "getDomainStatus",
        "GET",
        "domain/status",
        summary="Read how the domain stands",
        run=status,
        response=DomainStatusOut,
    ),
    _endpoint(
        "removeDomain",
        "DELETE",
        "domain",
        summary="Remove the domain",
        description="All domains of the account: nothing more is sent from them.",
        run=remove,
        response=DoneOut,
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
)
