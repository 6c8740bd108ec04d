"""Members: who works for an account, in which role, and who is invited. Audited with it.

`grantor` is the key that asks, or what stands in its place for an operator; None is the local user,
whom nothing binds. After any of these a process has to forget its cached sessions and callers.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gatepost.base import crypto, ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, InvitationId, MembershipId, OperatorId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor
from gatepost.domains.keys import model as keys
from gatepost.domains.keys import power
from gatepost.domains.keys.model import Key
from gatepost.domains.operators import invitations, model, store
from gatepost.domains.operators.model import SCOPES, Invitation, Member, Operator, Role
from gatepost.domains.plans import store as plans
from gatepost.engine import access, letters
from gatepost.storage.db import Tx

INVITATIONS_MAX = 200


class By(NamedTuple):
    """Who changes something, and when (ms); links are made and written for them."""

    actor: Actor
    grantor: Key | None
    now: int
    settings: Settings
    pepper: bytes


class Invited(NamedTuple):
    """An invitation, and its secret, which is known here and nowhere else."""

    invitation: Invitation
    secret: str


def invite(
    tx: Tx,
    account_id: AccountId,
    email: str,
    role: Role,
    by: By,
) -> Invited:
    """Invite somebody, and put a mail that says so into the outbox. Raises INVALID, FORBIDDEN and
    CONFLICT.
    """
    address = model.read_email(email)
    _check(tx, account_id, by.grantor, role)
    _drop_ended(tx, account_id, address, by.now)
    if len(invitations.list_(tx, account_id, limit=INVITATIONS_MAX)) >= INVITATIONS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {INVITATIONS_MAX} invitations")
    known = store.find_by_email(tx, address)
    if known is not None and _is_member(tx, account_id, known.id):
        raise AppError(Code.CONFLICT, "This operator is a member already")
    secret = access.new_secret()
    made = Invitation(
        id=InvitationId(ids.new()),
        account_id=account_id,
        email=address,
        role=role,
        inviter=by.actor.name,
        created_at=by.now,
        expires_at=by.now + model.INVITATION_MS,
    )
    invitations.append(tx, made, crypto.digest(by.pepper, secret))
    _note(tx, made, "invitation.create", by.actor, by.now)
    _write(tx, by.settings, made, secret, by.now)
    return Invited(made, secret)


def resend(
    tx: Tx,
    account_id: AccountId,
    invitation_id: InvitationId,
    by: By,
) -> Invited:
    """Invite somebody once more: the link before does not open any more. Raises NOT_FOUND and
    FORBIDDEN.
    """
    before = invitations.get(tx, account_id, invitation_id)
    _check(tx, account_id, by.grantor, before.role)
    renewed = msgspec.structs.replace(before, expires_at=by.now + model.INVITATION_MS)
    secret = access.new_secret()
    invitations.renew(tx, renewed, crypto.digest(by.pepper, secret))
    _note(tx, renewed, "invitation.resend", by.actor, by.now)
    _write(tx, by.settings, renewed, secret, by.now)
    return Invited(renewed, secret)


def withdraw(
    tx: Tx,
    account_id: AccountId,
    invitation_id: InvitationId,
    by: By,
) -> Invitation:
    """Take an invitation back; raises NOT_FOUND and FORBIDDEN."""
    gone = invitations.get(tx, account_id, invitation_id)
    _check(tx, account_id, by.grantor, gone.role)
    invitations.remove(tx, account_id, invitation_id)
    _note(tx, gone, "invitation.delete", by.actor, by.now)
    return gone


def find_invitation(tx: Tx, secret: str, pepper: bytes, now: int) -> Invitation | None:
    """Look at an invitation without using it up; None for one that does not open."""
    return invitations.find_by_digest(tx, crypto.digest(pepper, secret), now)


def accept(
    tx: Tx, secret: str, operator: Operator, *, pepper: bytes, address: str, now: int
) -> Invitation:
    """Make an operator a member. Raises NOT_FOUND for an invitation that does not open, or is not
    theirs.
    """
    found = find_invitation(tx, secret, pepper, now)
    if found is None or found.email != operator.email:
        raise not_found(access.GONE)
    accounts.hold(tx, found.account_id)
    if not invitations.remove(tx, found.account_id, found.id):
        raise not_found(access.GONE)
    actor = access.actor_of(operator, address)
    access.join(tx, operator, found.account_id, found.role, actor, now)
    return found


def accept_all(tx: Tx, email: str, name: str, address: str, now: int) -> Operator | None:
    """Make an operator of somebody who has proved to have an address, and a member wherever that
    was invited; None where it was not.
    """
    store.hold(tx)
    found = invitations.of_email(tx, email, now)
    if not found or store.find_by_email(tx, email) is not None:
        return None
    operator = access.add(tx, email, name, None, now=now)
    actor = access.actor_of(operator, address)
    for one in found:
        if invitations.remove(tx, one.account_id, one.id):
            access.join(tx, operator, one.account_id, one.role, actor, now)
    return operator


def set_role(
    tx: Tx,
    account_id: AccountId,
    operator_id: OperatorId,
    role: Role,
    by: By,
) -> Member:
    """Change a member's role. Raises NOT_FOUND, FORBIDDEN, and CONFLICT for the last owner."""
    accounts.hold(tx, account_id)
    before = store.member(tx, account_id, operator_id)
    was = before.membership.role
    _check(tx, account_id, by.grantor, was, role)
    if was is role:
        return before
    _check_last(tx, account_id, before, by)
    store.set_role(tx, account_id, before.membership.id, role)
    target = (ids.show("operator", operator_id), before.operator.email)
    audit.append(
        tx,
        account_id,
        by.actor,
        "operator.role",
        target,
        now=by.now,
        before={"role": str(was)},
        after={"role": str(role)},
    )
    return Member(msgspec.structs.replace(before.membership, role=role), before.operator)


def remove(
    tx: Tx,
    account_id: AccountId,
    operator_id: OperatorId,
    by: By,
) -> Member:
    """End a membership; everybody may end their own. Raises NOT_FOUND, FORBIDDEN, and CONFLICT for
    the last owner.
    """
    accounts.hold(tx, account_id)
    gone = store.member(tx, account_id, operator_id)
    if by.grantor is None or bytes(by.grantor.id) != gone.membership.id:
        _check(tx, account_id, by.grantor, gone.membership.role)
    _check_last(tx, account_id, gone, by)
    store.leave(tx, account_id, gone.membership.id)
    target = (ids.show("operator", operator_id), gone.operator.email)
    before = {"role": str(gone.membership.role)}
    audit.append(tx, account_id, by.actor, "operator.leave", target, now=by.now, before=before)
    return gone


def role_of(tx: Tx, account_id: AccountId, grantor: Key | None) -> Role | None:
    """As what somebody manages operators: a key does it as an admin; None is the local user."""
    if grantor is None:
        return None
    member = store.by_membership(tx, account_id, MembershipId(grantor.id))
    return Role.ADMIN if member is None else member.membership.role


def _check(tx: Tx, account_id: AccountId, grantor: Key | None, *roles: Role) -> None:
    """Raise FORBIDDEN for roles that the grantor may not manage."""
    accounts.hold(tx, account_id)
    account = accounts.get(tx, account_id)
    model.check_rank(role_of(tx, account_id, grantor), *roles)
    if grantor is None:
        return
    plan = plans.find(tx, account.plan)
    limits = plan.key_limits if plan else ()
    mine = power.power_of(grantor, limits)
    for role in roles:
        theirs = keys.standing_in(account_id, grantor.id, "", SCOPES[role], 0)
        # How often a person asks is limited otherwise than how often a key does.
        beyond = power.excess(mine, power.power_of(theirs, mine.windows))
        if beyond:
            detail = f"No key makes an operator who reaches beyond it: {beyond[0][1]}"
            raise AppError(Code.FORBIDDEN, detail)


def _check_last(tx: Tx, account_id: AccountId, member: Member, by: By) -> None:
    if by.grantor is None or member.membership.role is not Role.OWNER:
        return
    if store.owners(tx, account_id) <= 1:
        raise AppError(Code.CONFLICT, "An account keeps at least one owner")


def _is_member(tx: Tx, account_id: AccountId, operator_id: OperatorId) -> bool:
    return any(one.account_id == account_id for one in store.memberships_of(tx, operator_id))


def _drop_ended(tx: Tx, account_id: AccountId, email: str, now: int) -> None:
    """An invitation whose time is over makes room for another one."""
    for one in invitations.list_(tx, account_id):
        if one.email == email and one.expires_at <= now:
            invitations.remove(tx, account_id, one.id)


def _write(tx: Tx, settings: Settings, one: Invitation, secret: str, now: int) -> None:
    account = accounts.get(tx, one.account_id)
    letters.invite(
        tx,
        settings,
        one.email,
        secret,
        now,
        inviter=one.inviter,
        account=account.name,
        role=str(one.role),
    )


def _note(tx: Tx, one: Invitation, action: str, actor: Actor, now: int) -> None:
    target = (ids.show("invitation", one.id), one.email)
    audit.append(tx, one.account_id, actor, action, target, now=now, after={"role": str(one.role)})


__all__ = [
    "Invited",
    "accept",
    "accept_all",
    "find_invitation",
    "invite",
    "remove",
    "resend",
    "role_of",
    "set_role",
    "withdraw",
]
