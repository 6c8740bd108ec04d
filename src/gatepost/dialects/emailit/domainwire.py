"""Sending domains as Emailit shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.dialects.emailit import wire
from gatepost.domains.emaildomains import records
from gatepost.domains.emaildomains.model import Finding, Purpose, RecordStatus, SendingDomain
from gatepost.domains.emaildomains.records import Record
from gatepost.web.contract import Call

KIND = "domain"
TTL = "auto"

Standing = Annotated[RecordStatus | None, Meta(description="How the record was found last.")]
Wrong = Annotated[str | None, Meta(description="What is wrong about the record, in words.")]
Unused = Annotated[None, Meta(description="Always null: there is nothing like it here.")]
Tracks = Annotated[int, Meta(ge=0, le=1)]


class DnsRecordOut(msgspec.Struct):
    """A DNS record to publish, and what was found of it."""

    required: Annotated[
        bool, Meta(description="Whether nothing is sent before it is as it should be.")
    ]
    type: str
    name: str
    ttl: str
    status: RecordStatus
    value: str
    priority: Annotated[int | None, Meta(description="Of an MX record.")]
    error: Wrong


class DomainOut(msgspec.Struct, tag_field="object", tag=KIND, kw_only=True):
    """A sending domain. It is verified once all required records are found as they should be, or
    where whoever runs this installation vouches for it.
    """

    id: str
    uuid: str
    name: str
    verification_token: Unused = None
    verification_method: Literal["dns"] = "dns"
    verification_status: Literal["verified", "not_verified"]
    verified_at: str | None
    dkim_identifier_string: Annotated[str, Meta(description="The selector of its DKIM key.")]
    dns_checked_at: str | None
    spf_status: Standing
    spf_error: Wrong
    dkim_status: Standing
    dkim_error: Wrong
    mx_status: Unused = None
    mx_error: Unused = None
    return_path_status: Standing
    return_path_error: Wrong
    dmarc_status: Standing
    dmarc_error: Wrong
    tracking_status: Unused = None
    tracking_error: Unused = None
    inbound_status: Unused = None
    inbound_error: Unused = None
    track_loads: Tracks
    track_clicks: Tracks
    tracking_key: Unused = None
    inbound_key: Unused = None
    dns_records: list[DnsRecordOut]
    created_at: str
    updated_at: str


class DomainsOut(msgspec.Struct):
    """A page of sending domains."""

    data: list[DomainOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedDomainOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What was ended."""

    id: str
    name: str
    deleted: bool = True


def show(call: Call, domain: SendingDomain) -> DomainOut:
    """Write a domain for the wire."""
    layout = records.layout_of(call.services.settings)
    return DomainOut(
        id=ids.show(wire.DOMAIN, domain.id),
        uuid=ids.show_uuid(domain.id),
        name=domain.name,
        verification_status="verified" if domain.may_send else "not_verified",
        verified_at=wire.maybe(domain.verified_at),
        dkim_identifier_string=domain.selector,
        dns_checked_at=wire.maybe(domain.checked_at),
        track_loads=int(domain.track_opens),
        track_clicks=int(domain.track_clicks),
        dns_records=[_record(*one) for one in records.found_of(domain, layout)],
        created_at=wire.moment(domain.created_at),
        updated_at=wire.moment(domain.updated_at),
        **_standings(domain),
    )


def _standings(domain: SendingDomain) -> dict[str, Any]:
    """`spf_status`, `spf_error` and so on."""
    found: dict[str, Any] = {}
    for purpose in Purpose:
        finding = domain.findings.get(purpose, Finding())
        found[f"{purpose.value}_status"] = finding.status
        found[f"{purpose.value}_error"] = finding.error
    return found


def _record(record: Record, found: Finding) -> DnsRecordOut:
    return DnsRecordOut(
        record.required,
        record.type,
        record.name,
        TTL,
        found.status,
        record.value,
        record.priority,
        found.error,
    )
