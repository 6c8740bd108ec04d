"""Accounts in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.accounts.tables import accounts
from gatepost.storage import sql
from gatepost.storage.db import Tx


def create(tx: Tx, name: str, plan: str, now: int) -> Account:
    """Make an active account; raises CONFLICT when the name is taken."""
    account = Account(AccountId(ids.new()), name, Status.ACTIVE, plan, now, now)
    values = {
        "id": account.id,
        "name": name,
        "status": account.status,
        "plan": plan,
        "created_at": now,
        "updated_at": now,
    }
    if not sql.insert_new(tx, accounts, values, ["name"]):
        raise AppError(Code.CONFLICT, f"An account named {name!r} exists already")
    return account


def hold(tx: Tx, account_id: AccountId) -> None:
    """Let other changes of an account, its projects and its keys wait until this one is done:
    each decides by what the last one left behind.
    """
    sql.lock(tx, [b"account:" + account_id])


def find(tx: Tx, account_id: AccountId) -> Account | None:
    """Look an account up, deleted ones included."""
    row = tx.run(sa.select(accounts).where(accounts.c.id == account_id)).first()
    return _account(row) if row else None


def get(tx: Tx, account_id: AccountId) -> Account:
    """Look an account up; raises NOT_FOUND."""
    account = find(tx, account_id)
    if account is None:
        raise not_found("account with this id")
    return account


def find_by_name(tx: Tx, name: str) -> Account | None:
    """Look an account up by its name."""
    row = tx.run(sa.select(accounts).where(accounts.c.name == name)).first()
    return _account(row) if row else None


def list_(tx: Tx, *, after: bytes | None = None, limit: int | None = None) -> list[Account]:
    """The accounts of this installation, oldest first."""
    query = sa.select(accounts).order_by(accounts.c.id).limit(limit)
    if after is not None:
        query = query.where(accounts.c.id > after)
    return [_account(row) for row in tx.run(query)]


def stopped(tx: Tx, account_ids: Collection[AccountId]) -> set[AccountId]:
    """Those of some accounts that are not active."""
    off = accounts.c.status != Status.ACTIVE.value
    query = sa.select(accounts.c.id).where(accounts.c.id.in_(sorted(account_ids)), off)
    return {AccountId(raw) for raw in tx.run(query).scalars()}


def on_plan(tx: Tx, plan: str) -> list[AccountId]:
    """Ids of the accounts on a plan."""
    query = sa.select(accounts.c.id).where(accounts.c.plan == plan)
    return [AccountId(raw) for raw in tx.run(query.order_by(accounts.c.id)).scalars()]


def save(tx: Tx, account: Account) -> None:
    """Write an account's status and plan back."""
    tx.run(
        sa.update(accounts)
        .where(accounts.c.id == account.id)
        .values(status=account.status, plan=account.plan, updated_at=account.updated_at)
    )


def _account(row: Any) -> Account:
    return Account(
        AccountId(row.id), row.name, Status(row.status), row.plan, row.created_at, row.updated_at
    )


def any_(tx: Tx) -> bool:
    """Whether the installation has an account: a cheap look at the database."""
    return tx.run(sa.select(accounts.c.id).limit(1)).first() is not None
