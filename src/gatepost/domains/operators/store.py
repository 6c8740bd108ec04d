"""Operators and their memberships in the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, MembershipId, OperatorId
from gatepost.domains.operators import bookmarks
from gatepost.domains.operators.model import Member, Membership, Operator, Role
from gatepost.domains.operators.tables import (
    invitations,
    memberships,
    operator_links,
    operator_sessions,
    operators,
    recovery_codes,
)
from gatepost.storage import sql
from gatepost.storage.db import Tx

_OF_PERSON = (
    operators.c.email,
    operators.c.name,
    operators.c.superuser,
    operators.c.enabled,
    operators.c.created_at,
    operators.c.last_signed_in_at,
    operators.c.password.is_not(None).label("has_password"),
    operators.c.totp.is_not(None).label("has_second_factor"),
)
_PERSON = sa.select(operators.c.id, *_OF_PERSON)
_MEMBER = sa.select(
    memberships.c.id.label("membership_id"),
    memberships.c.account_id,
    memberships.c.role,
    memberships.c.created_at.label("joined_at"),
    operators.c.id,
    *_OF_PERSON,
).join_from(memberships, operators, memberships.c.operator_id == operators.c.id)


def hold(tx: Tx) -> None:
    """Let other changes of who there is wait until this one is done."""
    sql.lock(tx, [b"operators"])


def any_(tx: Tx) -> bool:
    """Whether the installation has an operator."""
    return tx.run(sa.select(operators.c.id).limit(1)).first() is not None


def find(tx: Tx, operator_id: OperatorId) -> Operator | None:
    """Look an operator up."""
    row = tx.run(_PERSON.where(operators.c.id == operator_id)).first()
    return _operator(row) if row else None


def find_by_email(tx: Tx, email: str) -> Operator | None:
    """Look an operator up by an address in normal form."""
    row = tx.run(_PERSON.where(operators.c.email == email)).first()
    return _operator(row) if row else None


def list_(tx: Tx, *, after: bytes | None = None, limit: int | None = None) -> list[Operator]:
    """The operators of the installation, oldest first."""
    query = _PERSON.order_by(operators.c.id).limit(limit)
    if after is not None:
        query = query.where(operators.c.id > after)
    return [_operator(row) for row in tx.run(query)]


def append(tx: Tx, operator: Operator, password: str | None) -> None:
    """Store a new operator; raises CONFLICT when the address is taken."""
    values = {
        "id": operator.id,
        "email": operator.email,
        "name": operator.name,
        "superuser": operator.superuser,
        "enabled": operator.enabled,
        "password": password,
        "totp": None,
        "totp_step": 0,
        "created_at": operator.created_at,
        "updated_at": operator.created_at,
    }
    if not sql.insert_new(tx, operators, values, ["email"]):
        raise AppError(Code.CONFLICT, "An operator with this address exists already")


def rename(tx: Tx, operator_id: OperatorId, name: str, now: int) -> None:
    """Change a name."""
    _set(tx, operator_id, name=name, updated_at=now)


def set_superuser(tx: Tx, operator_id: OperatorId, *, superuser: bool, now: int) -> None:
    """Change who may do what concerns the whole installation."""
    _set(tx, operator_id, superuser=superuser, updated_at=now)


def set_enabled(tx: Tx, operator_id: OperatorId, *, enabled: bool, now: int) -> None:
    """Change whether somebody may sign in."""
    _set(tx, operator_id, enabled=enabled, updated_at=now)


def signed_in(tx: Tx, operator_id: OperatorId, now: int) -> None:
    """Note a sign-in."""
    _set(tx, operator_id, last_signed_in_at=now)


def password(tx: Tx, operator_id: OperatorId) -> str | None:
    """The hash of a password."""
    query = sa.select(operators.c.password).where(operators.c.id == operator_id)
    found: str | None = tx.run(query).scalar()
    return found


def set_password(tx: Tx, operator_id: OperatorId, hashed: str, now: int) -> None:
    """Change the hash of a password."""
    _set(tx, operator_id, password=hashed, updated_at=now)


def totp(tx: Tx, operator_id: OperatorId) -> bytes | None:
    """The sealed secret of the second factor."""
    found = tx.run(sa.select(operators.c.totp).where(operators.c.id == operator_id)).scalar()
    return None if found is None else bytes(found)


def set_totp(tx: Tx, operator_id: OperatorId, sealed: bytes | None, step: int, now: int) -> None:
    """Switch the second factor on, with the step of the code that was used for it, or off."""
    _set(tx, operator_id, totp=sealed, totp_step=step, updated_at=now)


def use_step(tx: Tx, operator_id: OperatorId, step: int) -> bool:
    """Use a code up; whether neither it nor a later one was used before."""
    mine = (operators.c.id == operator_id, operators.c.totp_step < step)
    return tx.run(sa.update(operators).where(*mine).values(totp_step=step)).rowcount == 1


def set_codes(tx: Tx, operator_id: OperatorId, digests: list[bytes]) -> None:
    """Put recovery codes in the place of those there are."""
    tx.run(sa.delete(recovery_codes).where(recovery_codes.c.operator_id == operator_id))
    rows = [{"operator_id": operator_id, "digest": one} for one in digests]
    if rows:
        tx.run(sa.insert(recovery_codes), rows)


def use_code(tx: Tx, operator_id: OperatorId, digest: bytes) -> bool:
    """Use a recovery code up; whether there was one."""
    mine = (recovery_codes.c.operator_id == operator_id, recovery_codes.c.digest == digest)
    return tx.run(sa.delete(recovery_codes).where(*mine)).rowcount == 1


def count_codes(tx: Tx, operator_id: OperatorId) -> int:
    """How many recovery codes are left."""
    mine = recovery_codes.c.operator_id == operator_id
    return int(tx.run(sa.select(sa.func.count()).where(mine)).scalar_one())


def remove(tx: Tx, operator_id: OperatorId) -> None:
    """Forget an operator, with everything that is theirs."""
    bookmarks.forget_operator(tx, operator_id)
    for table in (memberships, operator_sessions, operator_links, recovery_codes):
        tx.run(sa.delete(table).where(table.c.operator_id == operator_id))
    tx.run(sa.delete(operators).where(operators.c.id == operator_id))


def join(tx: Tx, membership: Membership) -> None:
    """Make a member; raises CONFLICT for one already."""
    values = {
        "account_id": membership.account_id,
        "id": membership.id,
        "operator_id": membership.operator_id,
        "role": membership.role,
        "created_at": membership.created_at,
    }
    if not sql.insert_new(tx, memberships, values, ["account_id", "operator_id"]):
        raise AppError(Code.CONFLICT, "This operator is a member already")


def set_role(tx: Tx, account_id: AccountId, membership_id: MembershipId, role: Role) -> None:
    """Change a role."""
    mine = (memberships.c.account_id == account_id, memberships.c.id == membership_id)
    tx.run(sa.update(memberships).where(*mine).values(role=role))


def leave(tx: Tx, account_id: AccountId, membership_id: MembershipId) -> None:
    """End a membership."""
    mine = (memberships.c.account_id == account_id, memberships.c.id == membership_id)
    tx.run(sa.delete(memberships).where(*mine))
    bookmarks.forget(tx, account_id, membership_id)


def member(tx: Tx, account_id: AccountId, operator_id: OperatorId) -> Member:
    """Look a member of the account up; raises NOT_FOUND."""
    mine = (memberships.c.account_id == account_id, memberships.c.operator_id == operator_id)
    row = tx.run(_MEMBER.where(*mine)).first()
    if row is None:
        raise not_found("operator with this id")
    return _member(row)


def by_membership(tx: Tx, account_id: AccountId, membership_id: MembershipId) -> Member | None:
    """Look a member of the account up by the id that stands in the place of a key's."""
    mine = (memberships.c.account_id == account_id, memberships.c.id == membership_id)
    row = tx.run(_MEMBER.where(*mine)).first()
    return _member(row) if row else None


def members(
    tx: Tx, account_id: AccountId, *, before: bytes | None = None, limit: int | None = None
) -> list[Member]:
    """Members of the account, newest membership first."""
    query = _MEMBER.where(memberships.c.account_id == account_id)
    if before is not None:
        query = query.where(memberships.c.id < before)
    return [_member(row) for row in tx.run(query.order_by(memberships.c.id.desc()).limit(limit))]


def owners(tx: Tx, account_id: AccountId) -> int:
    """How many owners the account has who may sign in."""
    query = (
        sa.select(sa.func.count())
        .select_from(memberships)
        .join(operators, memberships.c.operator_id == operators.c.id)
        .where(memberships.c.account_id == account_id, memberships.c.role == Role.OWNER.value)
        .where(operators.c.enabled.is_(True))
    )
    return int(tx.run(query).scalar_one())


def memberships_of(tx: Tx, operator_id: OperatorId) -> list[Membership]:
    """The memberships of an operator, oldest first."""
    query = sa.select(memberships).where(memberships.c.operator_id == operator_id)
    return [
        Membership(
            MembershipId(row.id),
            operator_id,
            AccountId(row.account_id),
            Role(row.role),
            row.created_at,
        )
        for row in tx.run(query.order_by(memberships.c.id))
    ]


def forget_account(tx: Tx, account_id: AccountId) -> None:
    """End all invitations of an account."""
    tx.run(sa.delete(invitations).where(invitations.c.account_id == account_id))


def _set(tx: Tx, operator_id: OperatorId, **values: Any) -> None:
    tx.run(sa.update(operators).where(operators.c.id == operator_id).values(**values))


def _operator(row: Any) -> Operator:
    return Operator(
        id=OperatorId(row.id),
        email=row.email,
        name=row.name,
        superuser=bool(row.superuser),
        created_at=row.created_at,
        enabled=bool(row.enabled),
        last_signed_in_at=row.last_signed_in_at,
        has_password=bool(row.has_password),
        has_second_factor=bool(row.has_second_factor),
    )


def _member(row: Any) -> Member:
    membership = Membership(
        MembershipId(row.membership_id),
        OperatorId(row.id),
        AccountId(row.account_id),
        Role(row.role),
        row.joined_at,
    )
    return Member(membership, _operator(row))
