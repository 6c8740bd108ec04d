"""What an operator is, and what each role may do. Pure rules."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base import emails
from gatepost.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import (
    AccountId,
    InvitationId,
    MembershipId,
    OperatorId,
    SessionId,
)

NAME_MAX = 100
PASSWORD_MIN = 10
PASSWORD_MAX = 200
AGENT_MAX = 300
LINK_MS = DAY_MS
INVITATION_MS = 7 * DAY_MS
IDLE_MS = 7 * DAY_MS
"""How long a session lasts without a request."""
LASTS_MS = 30 * DAY_MS
"""How long a session lasts at most."""
WAITING_MS = 10 * MINUTE_MS
"""How long a session waits for its second factor."""
SEEN_EVERY_MS = HOUR_MS
"""How exactly it is known when a session was used last."""


class Role(StrEnum):
    """What an operator may do in an account, weakest first."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """How strong it is."""
        return _RANKS[self]


_RANKS = {role: rank for rank, role in enumerate(Role)}

SCOPES: dict[Role, tuple[str, ...]] = {
    Role.VIEWER: ("read",),
    Role.MEMBER: (
        "read",
        "events:write",
        "identities:write",
        "counts:write",
        "aggregators:write",
        "customers:write",
        "messages:send",
        "messages:write",
        "endpoints:write",
        "rules:write",
        "templates:write",
        "suppressions:write",
        "contacts:write",
        "push:write",
    ),
    Role.ADMIN: ("full",),
    Role.OWNER: ("full",),
}
"""The scopes of each role, as those of a key; an owner manages all operators besides."""


class Purpose(StrEnum):
    """What a one-time link is for: to found the first operator, or to set a new password."""

    FOUND = "found"
    PASSWORD = "password"  # noqa: S105 # the name of a purpose


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in. `email` is in normal form; times in ms. `superuser` may do what
    concerns the whole installation.
    """

    id: OperatorId
    email: str
    name: str
    superuser: bool
    created_at: int
    enabled: bool = True
    last_signed_in_at: int | None = None
    has_password: bool = False
    has_second_factor: bool = False


class Membership(msgspec.Struct, frozen=True):
    """What an operator is in an account."""

    id: MembershipId
    operator_id: OperatorId
    account_id: AccountId
    role: Role
    created_at: int


class Member(msgspec.Struct, frozen=True):
    """A membership with the person who has it."""

    membership: Membership
    operator: Operator


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that is signed in; times in ms. One that has not `passed` waits for the second
    factor.
    """

    id: SessionId
    operator_id: OperatorId
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str
    passed: bool


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may become a member; `inviter` is for people."""

    id: InvitationId
    account_id: AccountId
    email: str
    role: Role
    inviter: str
    created_at: int
    expires_at: int


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that opens once. `account_id` is whose first owner it makes, `operator_id` whose
    password it sets.
    """

    purpose: Purpose
    operator_id: OperatorId | None
    account_id: AccountId | None
    created_at: int
    expires_at: int


def read_email(text: str) -> str:
    """Return an address in its normal form; raises INVALID."""
    try:
        return emails.normal(text)
    except ValueError as error:
        raise invalid((["email"], str(error))) from None


def read_name(text: str) -> str:
    """Return a person's name, trimmed; raises INVALID."""
    name = " ".join(text.split())
    if not name.isprintable() or len(name) > NAME_MAX or not name:
        raise invalid((["name"], f"Must have 1 to {NAME_MAX} characters"))
    return name


def check_password(password: str, email: str, name: str = "") -> None:
    """Raise INVALID for a password that is too short, too long or its owner's own address or name
    (NIST SP 800-63B: length, and no rules about kinds of characters).
    """
    problem = None
    if len(password) < PASSWORD_MIN:
        problem = f"Must have at least {PASSWORD_MIN} characters"
    elif len(password) > PASSWORD_MAX:
        problem = f"Must have at most {PASSWORD_MAX} characters"
    elif len(set(password)) < PASSWORD_MIN // 2:
        problem = "Must not be the same few characters again and again"
    elif password.casefold() in {email, email.partition("@")[0], name.casefold()}:
        problem = "Must not be your name or address"
    if problem is not None:
        raise invalid((["password"], problem))


def check_rank(mine: Role | None, *others: Role) -> None:
    """Raise FORBIDDEN unless whoever has a role may manage operators of others; None is the local
    user, whom nothing binds. Owners manage everybody, admins those who are weaker.
    """
    if mine in {None, Role.OWNER}:
        return
    if mine is not Role.ADMIN:
        raise AppError(Code.FORBIDDEN, "Only owners and admins manage operators")
    if any(other.rank >= Role.ADMIN.rank for other in others):
        raise AppError(Code.FORBIDDEN, "Only owners manage owners and admins")


def session_end(created_at: int, now: int) -> int:
    """When a session ends that is used now."""
    return min(now + IDLE_MS, created_at + LASTS_MS)
