"""Bookmarks: pages that an operator has kept, in one account."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, BookmarkId, MembershipId, OperatorId
from gatepost.domains.operators.tables import bookmarks, memberships
from gatepost.storage.db import Tx

BOOKMARKS_MAX = 50
"""Of one operator in one account."""


class Bookmark(msgspec.Struct, frozen=True):
    """A page under a name. `place` is its address below the account's own: `feed?q=refund`."""

    id: BookmarkId
    name: str
    place: str
    created_at: int


def append(tx: Tx, account_id: AccountId, membership_id: MembershipId, one: Bookmark) -> None:
    """Keep one; raises CONFLICT where there are too many."""
    if len(list_(tx, account_id, membership_id)) >= BOOKMARKS_MAX:
        raise AppError(Code.CONFLICT, f"There are at most {BOOKMARKS_MAX} bookmarks")
    mine = {"account_id": account_id, "membership_id": membership_id}
    tx.run(sa.insert(bookmarks).values(mine | msgspec.structs.asdict(one)))


def list_(tx: Tx, account_id: AccountId, membership_id: MembershipId) -> list[Bookmark]:
    """All of an operator's in the account, by name."""
    query = sa.select(bookmarks).where(*_of(account_id, membership_id))
    order = (bookmarks.c.name, bookmarks.c.id)
    return [
        Bookmark(BookmarkId(row.id), row.name, row.place, row.created_at)
        for row in tx.run(query.order_by(*order))
    ]


def remove(
    tx: Tx, account_id: AccountId, membership_id: MembershipId, bookmark_id: BookmarkId
) -> None:
    """Forget one; raises NOT_FOUND."""
    mine = (*_of(account_id, membership_id), bookmarks.c.id == bookmark_id)
    if not tx.run(sa.delete(bookmarks).where(*mine)).rowcount:
        raise not_found("bookmark with this id")


def forget(tx: Tx, account_id: AccountId, membership_id: MembershipId) -> None:
    """Forget all of a member's."""
    tx.run(sa.delete(bookmarks).where(*_of(account_id, membership_id)))


def forget_operator(tx: Tx, operator_id: OperatorId) -> None:
    """Forget all of an operator's, in every account."""
    theirs = sa.select(memberships.c.id).where(memberships.c.operator_id == operator_id)
    tx.run(sa.delete(bookmarks).where(bookmarks.c.membership_id.in_(theirs)))


def _of(
    account_id: AccountId, membership_id: MembershipId
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return bookmarks.c.account_id == account_id, bookmarks.c.membership_id == membership_id
