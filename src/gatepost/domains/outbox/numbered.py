"""Deliveries of messages of several types that were sent by hand, by numbered pages."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.outbox import rows
from gatepost.domains.outbox.model import Delivery, State
from gatepost.domains.outbox.tables import deliveries, messages
from gatepost.storage.db import Tx


class Sought(NamedTuple):
    """Which are wanted: of one of the types, and whatever else is set must hold."""

    types: tuple[str, ...]
    states: tuple[State, ...] = ()
    project_id: ProjectId | None = None


def page(
    tx: Tx, account_id: AccountId, sought: Sought, *, offset: int, limit: int
) -> list[Delivery]:
    """The account's that are wanted, newest first. Each type is read in the order of its index, no
    further than is needed.
    """
    parts = [
        sa.select(_newest(account_id, sought, type_, offset + limit).subquery())
        for type_ in sought.types
    ]
    found = sa.union_all(*parts).subquery()
    order = (found.c.told.desc(), found.c.sent.desc())
    asked = tx.run(sa.select(found.c.sent).order_by(*order).offset(offset).limit(limit))
    ids = [row.sent for row in asked]
    mine = (deliveries.c.account_id == account_id, deliveries.c.id.in_(ids))
    by_id = {row.id: rows.delivery(row) for row in tx.run(sa.select(deliveries).where(*mine))}
    return [by_id[one] for one in ids if one in by_id]


def count(tx: Tx, account_id: AccountId, sought: Sought) -> int:
    """How many there are of the account's."""
    query = sa.select(sa.func.count()).select_from(_joined())
    wanted = messages.c.type.in_(sought.types)
    return tx.run(query.where(wanted, *_conditions(account_id, sought))).scalar() or 0


def _newest(account_id: AccountId, sought: Sought, type_: str, most: int) -> sa.Select[Any]:
    return (
        sa.select(messages.c.id.label("told"), deliveries.c.id.label("sent"))
        .select_from(_joined())
        .where(messages.c.type == type_, *_conditions(account_id, sought))
        .order_by(messages.c.id.desc())
        .limit(most)
    )


def _joined() -> sa.Join:
    of_each_other = sa.and_(
        deliveries.c.account_id == messages.c.account_id,
        deliveries.c.message_id == messages.c.id,
    )
    return messages.join(deliveries, of_each_other)


def _conditions(account_id: AccountId, sought: Sought) -> list[sa.ColumnElement[bool]]:
    found = [messages.c.account_id == account_id, messages.c.event_id.is_(None)]
    if sought.project_id is not None:
        found.append(messages.c.project_id == sought.project_id)
    if sought.states:
        found.append(deliveries.c.state.in_([one.value for one in sought.states]))
    return found
