"""Operators and invitations on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.dialects.native import admin
from gatepost.domains.operators.model import NAME_MAX, Invitation, Member, Role

EMAIL_MAX = 320

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=EMAIL_MAX,
        description="The address they sign in with; upper and lower case mean the same.",
        examples=["jane@example.com"],
    ),
]
Name = Annotated[str, Meta(max_length=NAME_MAX, examples=["Jane Doe"])]
RoleOf = Annotated[
    Role,
    Meta(
        description="`viewer` reads; `member` also sends and changes what is sent; `admin` may do "
        "everything but manage owners and admins; `owner` may do that as well.",
        examples=["member"],
    ),
]


class NewInvitationIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Somebody to invite."""

    email: Email
    role: RoleOf = Role.MEMBER


class MemberChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change of a member; members left out stay as they are."""

    role: RoleOf | UnsetType = UNSET
    enabled: (
        Annotated[
            bool,
            Meta(
                description="Whether they may sign in, in any account: superusers who are signed "
                "in change it, no key does."
            ),
        ]
        | UnsetType
    ) = UNSET


class MemberOut(msgspec.Struct, rename="camel"):
    """A person who signs in to the dashboard, as a member of this account."""

    id: str
    email: Email
    name: Name
    role: RoleOf
    enabled: Annotated[bool, Meta(description="Whether they may sign in.")]
    second_factor: Annotated[bool, Meta(description="Whether they sign in with a second factor.")]
    joined_at: str
    last_signed_in_at: str | None


class MembersOut(msgspec.Struct, rename="camel"):
    """A page of operators; `next_cursor` is null on the last one."""

    operators: list[MemberOut]
    next_cursor: str | None


class InvitationOut(msgspec.Struct, rename="camel"):
    """Somebody who may become a member."""

    id: str
    email: Email
    role: RoleOf
    inviter: Annotated[str, Meta(description="Who invited them.", examples=["owner@example.com"])]
    expired: Annotated[bool, Meta(description="Whether its time is over.")]
    created_at: str
    expires_at: str


class InvitedOut(InvitationOut, rename="camel", kw_only=True):
    """An invitation with its link, where no mail server is set that takes it to whom it is for."""

    link: Annotated[
        str | None,
        Meta(
            description="Opens once; hand it over yourself. Null where a mail server is set: then "
            "it goes by mail alone, so that whoever accepts has the mailbox.",
            examples=["https://gatepost.example/dashboard/open/Zx3…"],
        ),
    ]


class InvitationsOut(msgspec.Struct, rename="camel"):
    """A page of invitations; `next_cursor` is null on the last one."""

    invitations: list[InvitationOut]
    next_cursor: str | None


def show(one: Member) -> MemberOut:
    """Write a member for the wire."""
    person, membership = one.operator, one.membership
    return MemberOut(
        ids.show("operator", person.id),
        person.email,
        person.name,
        membership.role,
        person.enabled,
        person.has_second_factor,
        clock.iso(membership.created_at),
        admin.moment(person.last_signed_in_at),
    )


def show_invitation(one: Invitation, now: int) -> InvitationOut:
    """Write an invitation for the wire."""
    return InvitationOut(
        ids.show("invitation", one.id),
        one.email,
        one.role,
        one.inviter,
        one.expires_at <= now,
        clock.iso(one.created_at),
        clock.iso(one.expires_at),
    )


def show_invited(one: Invitation, link: str | None, now: int) -> InvitedOut:
    """Write an invitation with its link."""
    return InvitedOut(**msgspec.structs.asdict(show_invitation(one, now)), link=link)
