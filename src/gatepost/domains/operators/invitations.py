"""Invitations in the database; their secrets as digests alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, InvitationId
from gatepost.domains.operators.model import Invitation, Role
from gatepost.domains.operators.tables import invitations
from gatepost.storage import sql
from gatepost.storage.db import Tx

_at = invitations.c


def append(tx: Tx, invitation: Invitation, digest: bytes) -> None:
    """Store an invitation; raises CONFLICT when the address is invited already."""
    values = {
        "account_id": invitation.account_id,
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "inviter": invitation.inviter,
        "digest": digest,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
    if not sql.insert_new(tx, invitations, values, ["account_id", "email"]):
        raise AppError(Code.CONFLICT, "This address is invited already")


def get(tx: Tx, account_id: AccountId, invitation_id: InvitationId) -> Invitation:
    """Look an invitation of the account up; raises NOT_FOUND."""
    mine = (_at.account_id == account_id, _at.id == invitation_id)
    row = tx.run(sa.select(invitations).where(*mine)).first()
    if row is None:
        raise not_found("invitation with this id")
    return _invitation(row)


def list_(
    tx: Tx, account_id: AccountId, *, before: bytes | None = None, limit: int | None = None
) -> list[Invitation]:
    """Invitations of the account, ended ones too, newest first."""
    query = sa.select(invitations).where(_at.account_id == account_id)
    if before is not None:
        query = query.where(_at.id < before)
    return [_invitation(row) for row in tx.run(query.order_by(_at.id.desc()).limit(limit))]


def find_by_digest(tx: Tx, digest: bytes, now: int) -> Invitation | None:
    """Look an invitation up by its secret, unless it has ended."""
    query = sa.select(invitations).where(_at.digest == digest, _at.expires_at > now)
    row = tx.run(query).first()
    return _invitation(row) if row else None


def of_email(tx: Tx, email: str, now: int) -> list[Invitation]:
    """Invitations of an address that have not ended, of all accounts."""
    query = sa.select(invitations).where(_at.email == email, _at.expires_at > now)
    return [_invitation(row) for row in tx.run(query.order_by(_at.account_id))]


def renew(tx: Tx, one: Invitation, digest: bytes) -> None:
    """Give an invitation a new secret and a new end."""
    mine = (_at.account_id == one.account_id, _at.id == one.id)
    values = {"digest": digest, "expires_at": one.expires_at}
    tx.run(sa.update(invitations).where(*mine).values(**values))


def remove(tx: Tx, account_id: AccountId, invitation_id: InvitationId) -> bool:
    """End an invitation; whether there was one."""
    mine = (_at.account_id == account_id, _at.id == invitation_id)
    return tx.run(sa.delete(invitations).where(*mine)).rowcount == 1


def _invitation(row: Any) -> Invitation:
    return Invitation(
        id=InvitationId(row.id),
        account_id=AccountId(row.account_id),
        email=row.email,
        role=Role(row.role),
        inviter=row.inviter,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
