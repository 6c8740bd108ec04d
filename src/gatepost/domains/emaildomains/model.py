"""What a sending domain is, and when mail may be sent from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.ids import AccountId, DomainId

NAME_MAX = 253
SENDER_LABEL = "em"
"""Label of the host below a domain that mail may be from besides the domain itself."""
CHECK_EVERY_MS = DAY_MS
FRESH_EVERY_MS = HOUR_MS
FRESH_MS = 3 * DAY_MS
"""A domain is looked at daily; hourly for three days where it is new, or no longer verified. One
that is only trusted is not.
"""

_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Purpose(StrEnum):
    """What a record is for."""

    DKIM = "dkim"
    SPF = "spf"
    RETURN_PATH = "return_path"
    DMARC = "dmarc"


REQUIRED = frozenset({Purpose.DKIM, Purpose.SPF, Purpose.RETURN_PATH})
"""A domain is verified once these are as they should be; the others only tell."""


class RecordStatus(StrEnum):
    """What was found of a record."""

    OK = "ok"
    PENDING = "pending"
    FAILED = "failed"
    MISSING = "missing"


class DomainStatus(StrEnum):
    """Whether mail may be sent from a domain: it may unless it is pending."""

    VERIFIED = "verified"
    TRUSTED = "trusted"
    PENDING = "pending"


class Finding(msgspec.Struct, frozen=True):
    """What was found of one record, with what is wrong about it in words."""

    status: RecordStatus = RecordStatus.PENDING
    error: str | None = None


Findings = Mapping[Purpose, Finding]


class SendingDomain(msgspec.Struct, frozen=True, kw_only=True):
    """A domain of an account's. Times in ms.

    `public_key` is base64 of DER; `private_key` is sealed, for the domain's id. `label` names the
    host below it that bounces return to. A `trusted` one is vouched for by whoever runs this
    installation. `check_at` is when it is looked at again, None: never.
    """

    account_id: AccountId
    id: DomainId
    name: str
    selector: str
    label: str
    public_key: str
    private_key: bytes
    trusted: bool = False
    findings: Findings = {}
    track_opens: bool = False
    track_clicks: bool = False
    verified_at: int | None = None
    checked_at: int | None = None
    check_at: int | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def may_send(self) -> bool:
        """Whether mail may be sent from it."""
        return self.trusted or self.verified_at is not None

    @property
    def return_path(self) -> str:
        """The host that bounces return to."""
        return f"{self.label}.{self.name}"


def normal(name: str) -> str:
    """Return a domain's name in its normal form; raises ValueError for what is none."""
    found = name.strip().removesuffix(".").lower()
    if not found.isascii():
        raise ValueError("Write it in its ASCII form (xn--…)")
    if len(found) > NAME_MAX or not _NAME.fullmatch(found):
        raise ValueError("Not a domain name")
    return found


def domain_of(address: str) -> str | None:
    """The normal form of an address's domain, None where it has none."""
    local, at, name = address.rpartition("@")
    if not local or not at:
        return None
    try:
        return normal(name)
    except ValueError:
        return None


def status_of(domain: SendingDomain) -> DomainStatus:
    """How a domain stands, in one word."""
    if domain.verified_at is not None:
        return DomainStatus.VERIFIED
    return DomainStatus.TRUSTED if domain.trusted else DomainStatus.PENDING


def passes(findings: Findings) -> bool:
    """Whether all that is required is as it should be."""
    return all(
        one in findings and findings[one].status is RecordStatus.OK for one in sorted(REQUIRED)
    )


def checked(domain: SendingDomain, findings: Findings, now: int) -> SendingDomain:
    """The domain once it was looked at."""
    verified = (domain.verified_at or now) if passes(findings) else None
    turned = (verified is None) is not (domain.verified_at is None)
    found = msgspec.structs.replace(
        domain,
        findings=dict(findings),
        verified_at=verified,
        checked_at=now,
        updated_at=now if turned else domain.updated_at,
    )
    return planned(found, now)


def planned(domain: SendingDomain, now: int) -> SendingDomain:
    """The domain with the moment when it is looked at next."""
    unsure = domain.verified_at is None
    soon = unsure and now - domain.updated_at < FRESH_MS
    at = now + (FRESH_EVERY_MS if soon else CHECK_EVERY_MS)
    return msgspec.structs.replace(domain, check_at=None if domain.trusted and unsure else at)


def describe(domain: SendingDomain) -> dict[str, Any]:
    """What the audit log says of it: nothing secret."""
    return {
        "name": domain.name,
        "trusted": domain.trusted,
        "verified": domain.verified_at is not None,
        "trackOpens": domain.track_opens,
        "trackClicks": domain.track_clicks,
    }
