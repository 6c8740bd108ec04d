"""Webhook secrets in the database."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.webhooksecrets.model import WebhookSecret
from gatepost.domains.webhooksecrets.tables import webhook_secrets
from gatepost.storage import sql
from gatepost.storage.db import Tx


def find(tx: Tx, account_id: AccountId) -> WebhookSecret | None:
    """The account's, None where it has chosen none."""
    row = tx.run(
        sa.select(webhook_secrets).where(webhook_secrets.c.account_id == account_id)
    ).first()
    if row is None:
        return None
    return WebhookSecret(
        account_id=AccountId(row.account_id),
        secrets=row.secrets,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def sealed(tx: Tx, account_ids: Collection[AccountId]) -> dict[AccountId, bytes]:
    """The sealed secrets of those accounts that have chosen some."""
    columns = (webhook_secrets.c.account_id, webhook_secrets.c.secrets)
    query = sa.select(*columns).where(webhook_secrets.c.account_id.in_(account_ids))
    return {AccountId(row.account_id): row.secrets for row in tx.run(query)}


def save(tx: Tx, secret: WebhookSecret) -> None:
    """Write one, new or changed."""
    sql.upsert(tx, webhook_secrets, msgspec.structs.asdict(secret), ["account_id"])


def remove(tx: Tx, account_id: AccountId) -> bool:
    """Forget the account's; returns whether there was one."""
    mine = webhook_secrets.c.account_id == account_id
    return bool(tx.run(sa.delete(webhook_secrets).where(mine)).rowcount)
