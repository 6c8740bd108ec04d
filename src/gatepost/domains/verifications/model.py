"""What can be said of an address without writing to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from gatepost.base import emails
from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId, ProjectId, VerificationId, VerificationListId

EMAIL_MAX = 320
NAME_MAX = 255
ADDRESSES_MAX = 10_000
LISTS_MAX = 100
"""Addresses of a list, and lists of an account."""
KEPT_MS = 30 * DAY_MS
"""How long a list is kept."""
EXCHANGES_MAX = 20

ROLES = frozenset({
    "abuse", "accounting", "accounts", "admin", "administrator", "billing", "careers", "contact",
    "dev", "enquiries", "feedback", "finance", "ftp", "hello", "help", "helpdesk", "hostmaster",
    "hr", "info", "inquiries", "it", "jobs", "legal", "list", "mail", "mailer-daemon",
    "marketing", "media", "news", "newsletter", "no-reply", "noc", "noreply", "office", "orders",
    "postmaster", "press", "privacy", "recruiting", "root", "sales", "security", "service",
    "spam", "support", "sysadmin", "team", "usenet", "webmaster", "www",
})  # fmt: skip
"""What is before the @ of addresses that are a function's, not a person's (RFC 2142, and use)."""


class Result(StrEnum):
    """INVALID: nobody can be written to there. UNKNOWN: somebody may be there."""

    UNKNOWN = "unknown"
    INVALID = "invalid"


class Exchange(NamedTuple):
    """A host that takes mails, as an MX record has it."""

    priority: int
    host: str


class Hosts(msgspec.Struct, frozen=True):
    """Which hosts take mails for a domain; `implied` where it has an address and no MX record, and
    so takes them itself.
    """

    exchanges: tuple[Exchange, ...] = ()
    implied: bool = False


Answers = Mapping[str, Hosts | None]
"""What name servers say of domains; None where they could not answer."""


class Finding(msgspec.Struct, frozen=True):
    """What was found of an address. `hosts` is None where it was not asked for, or where the name
    servers could not answer, which is why it has `failed`.
    """

    valid_syntax: bool
    role: bool = False
    hosts: Hosts | None = None
    failed: bool = False

    @property
    def result(self) -> Result:
        """What that comes to."""
        if not self.valid_syntax:
            return Result.INVALID
        gone = self.hosts is not None and not (self.hosts.exchanges or self.hosts.implied)
        return Result.INVALID if gone else Result.UNKNOWN


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """An address to verify, and what was found of it at a moment (ms)."""

    id: VerificationId
    email: str
    finding: Finding | None = None
    checked_at: int | None = None


class VerificationList(msgspec.Struct, frozen=True, kw_only=True):
    """Many addresses to verify, in their order; so many are done, of which some are `invalid`, and
    of some it could not be said. It goes on at `check_at` (ms) until all are done. Times in ms.
    """

    account_id: AccountId
    id: VerificationListId
    project_id: ProjectId
    name: str
    total: int
    processed: int = 0
    invalid: int = 0
    failed: int = 0
    check_at: int | None
    created_at: int
    updated_at: int


def domain_of(email: str) -> str | None:
    """The domain of an address as the DNS knows it, None for what is no address."""
    try:
        return emails.read(email).domain
    except ValueError:
        return None


def judge(email: str, answers: Answers) -> Finding:
    """What is found of an address, whose domain's answer is among some."""
    try:
        read = emails.read(email)
    except ValueError:
        return Finding(valid_syntax=False)
    hosts = answers.get(read.domain)
    role = read.local.partition("+")[0].lower() in ROLES
    return Finding(valid_syntax=True, role=role, hosts=hosts, failed=hosts is None)


def tidy(given: list[str]) -> list[str]:
    """Addresses trimmed, in lower case, and each of them once."""
    return list(dict.fromkeys(one.strip().lower() for one in given))
