"""Deliveries of messages of one type that were sent by hand: looked up, and listed by pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, DeliveryId, ProjectId
from gatepost.domains.outbox import rows
from gatepost.domains.outbox.model import Delivery, Message, State
from gatepost.domains.outbox.tables import deliveries, messages
from gatepost.storage.db import Tx


class Wanted(NamedTuple):
    """Which are wanted: all that is set must hold. Ids bound the time."""

    project_id: ProjectId
    type: str
    states: tuple[State, ...] = ()
    since: bytes | None = None
    before: bytes | None = None


def find(
    tx: Tx, account_id: AccountId, project_id: ProjectId, type_: str, delivery_id: DeliveryId
) -> tuple[Message, Delivery] | None:
    """Look one of a project's up, with its message."""
    mine = (deliveries.c.account_id == account_id, deliveries.c.id == delivery_id)
    row = tx.run(sa.select(deliveries).where(*mine)).first()
    if row is None:
        return None
    one = rows.delivery(row)
    theirs = (
        messages.c.account_id == account_id,
        messages.c.id == one.message_id,
        messages.c.project_id == project_id,
        messages.c.type == type_,
        messages.c.event_id.is_(None),
    )
    told = tx.run(sa.select(messages).where(*theirs)).first()
    return None if told is None else (rows.message(told), one)


def page(
    tx: Tx, account_id: AccountId, wanted: Wanted, *, offset: int, limit: int
) -> Sequence[Delivery]:
    """The account's that are wanted, newest first."""
    # An expression: by the column itself SQLite would walk all deliveries of the account.
    place = sa.func.coalesce(deliveries.c.id, deliveries.c.id)
    query = (
        sa.select(deliveries)
        .join(messages, _of_each_other())
        .where(messages.c.account_id == account_id, *_conditions(wanted))
        .order_by(messages.c.id.desc(), place.desc())
    )
    return [rows.delivery(row) for row in tx.run(query.offset(offset).limit(limit))]


def _of_each_other() -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.account_id == messages.c.account_id,
        deliveries.c.message_id == messages.c.id,
    )


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = [
        messages.c.type == wanted.type,
        messages.c.event_id.is_(None),
        messages.c.project_id == wanted.project_id,
    ]
    if wanted.states:
        found.append(deliveries.c.state.in_([one.value for one in wanted.states]))
    if wanted.since is not None:
        found.append(deliveries.c.id >= wanted.since)
    if wanted.before is not None:
        found.append(deliveries.c.id < wanted.before)
    return found
