"""Shares in the database; their secrets as digests alone."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, AggregatorId, ProjectId, ShareId
from gatepost.domains.shares.model import Share
from gatepost.domains.shares.tables import shares
from gatepost.storage.db import Tx

_at = shares.c


def append(tx: Tx, share: Share, digest: bytes) -> None:
    """Store a share."""
    tx.run(sa.insert(shares).values(msgspec.structs.asdict(share) | {"digest": digest}))


def get(tx: Tx, account_id: AccountId, share_id: ShareId) -> Share:
    """Look a share of the account up, an ended one too; raises NOT_FOUND."""
    mine = (_at.account_id == account_id, _at.id == share_id)
    row = tx.run(sa.select(shares).where(*mine)).first()
    if row is None:
        raise not_found("share with this id")
    return _share(row)


def list_(
    tx: Tx, account_id: AccountId, *, before: bytes | None = None, limit: int | None = None
) -> list[Share]:
    """Shares of the account, ended ones too, newest first."""
    query = sa.select(shares).where(_at.account_id == account_id)
    if before is not None:
        query = query.where(_at.id < before)
    return [_share(row) for row in tx.run(query.order_by(_at.id.desc()).limit(limit))]


def find_by_digest(tx: Tx, digest: bytes, now: int) -> Share | None:
    """Look a share up by its secret, unless it has ended."""
    row = tx.run(sa.select(shares).where(_at.digest == digest)).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return _share(row)


def remove(tx: Tx, account_id: AccountId, share_id: ShareId) -> None:
    """Revoke a share."""
    tx.run(sa.delete(shares).where(_at.account_id == account_id, _at.id == share_id))


def drop_ended(tx: Tx, account_id: AccountId, now: int) -> None:
    """Forget the account's shares that have ended."""
    tx.run(sa.delete(shares).where(_at.account_id == account_id, _at.expires_at <= now))


def _share(row: Any) -> Share:
    return Share(
        id=ShareId(row.id),
        account_id=AccountId(row.account_id),
        name=row.name,
        aggregator_id=None if row.aggregator_id is None else AggregatorId(row.aggregator_id),
        project_id=None if row.project_id is None else ProjectId(row.project_id),
        view=row.view,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
