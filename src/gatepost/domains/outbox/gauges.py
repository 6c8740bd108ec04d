"""How full the outbox is, of all accounts. Its cost grows with what is open, by the indexes of what
is: never with what has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.domains.outbox.model import Priority, State, Transport
from gatepost.domains.outbox.tables import deliveries, queues
from gatepost.storage.db import Tx

DUE = "due"
LATER = "later"


class Group(NamedTuple):
    """Open deliveries of a transport and class: how many stand how, and since when (ms) the oldest
    of them is due, None for none that is. Of those that are pending, `due` and `later` are told
    apart.
    """

    transport: Transport
    priority: Priority
    state: str
    many: int
    oldest: int | None


def groups(tx: Tx, now: int) -> list[Group]:
    """All that is open, also where a rate, an open circuit or an earlier one keeps it."""
    return [*_pending(tx, now), *_held(tx, now)]


def circuits(tx: Tx, now: int) -> dict[Transport, int]:
    """How many destinations are left alone for a while."""
    open_ = (queues.c.open_until > sa.literal_column("0"), queues.c.open_until > now)
    query = sa.select(queues.c.transport, sa.func.count().label("many")).where(*open_)
    rows = tx.run(query.group_by(queues.c.transport))
    return {Transport(row.transport): int(row.many) for row in rows}


class Held(NamedTuple):
    """What waits behind open circuits of a transport: how many destinations, how many deliveries,
    and since when (ms) the oldest of them is due.
    """

    transport: Transport
    circuits: int
    many: int
    oldest: int | None


def held(tx: Tx, now: int) -> list[Held]:
    """What waits for destinations that are left alone for a while."""
    open_ = (queues.c.open_until > sa.literal_column("0"), queues.c.open_until > now)
    inner = sa.select(queues.c.account_id, queues.c.id, queues.c.transport).where(*open_).subquery()
    behind = sa.and_(
        deliveries.c.account_id == inner.c.account_id,
        deliveries.c.queue_id == inner.c.id,
        deliveries.c.state == sa.literal_column("'pending'"),
    )
    query = (
        sa.select(
            inner.c.transport,
            sa.func.count(inner.c.id.distinct()).label("circuits"),
            sa.func.count(deliveries.c.id).label("many"),
            sa.func.min(deliveries.c.due_at).label("oldest"),
        )
        .select_from(inner.outerjoin(deliveries, behind))
        .group_by(inner.c.transport)
    )
    return [
        Held(Transport(row.transport), row.circuits, row.many, _if_due(row.oldest, now))
        for row in tx.run(query)
    ]


def _pending(tx: Tx, now: int) -> Iterator[Group]:
    """Summed up queue by queue, as the index has them; there are far fewer queues."""
    key = (deliveries.c.account_id, deliveries.c.queue_id, deliveries.c.priority)
    inner = (
        sa.select(*key, *_figures(now))
        .where(deliveries.c.state == sa.literal_column("'pending'"))
        .group_by(*key)
        .subquery()
    )
    mine = (queues.c.account_id == inner.c.account_id, queues.c.id == inner.c.queue_id)
    grouped = (queues.c.transport, inner.c.priority)
    query = (
        sa.select(
            *grouped,
            sa.func.sum(inner.c.due).label("due"),
            sa.func.sum(inner.c.many).label("many"),
            sa.func.min(inner.c.oldest).label("oldest"),
        )
        .join(queues, sa.and_(*mine))
        .group_by(*grouped)
    )
    for row in tx.run(query):
        place = (Transport(row.transport), Priority(row.priority))
        yield Group(*place, DUE, int(row.due), _if_due(row.oldest, now))
        yield Group(*place, LATER, int(row.many - row.due), None)


def _held(tx: Tx, now: int) -> Iterator[Group]:
    """Those being sent, many of which may wait for their turn; those behind an earlier one."""
    sending = deliveries.c.state == sa.literal_column("'sending'")
    for state, where in ((State.SENDING, (sending,)), (State.WAITING, _waiting())):
        key = (deliveries.c.transport, deliveries.c.priority)
        query = sa.select(*key, *_figures(now)).where(*where).group_by(*key)
        for row in tx.run(query):
            place = (Transport(row.transport), Priority(row.priority))
            yield Group(*place, state.value, int(row.many), _if_due(row.oldest, now))


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    """What the index of ordering keys holds, in its own words, less what does not wait: with
    `state = 'waiting'` SQLite would not use it.
    """
    return (
        deliveries.c.ordering_key.is_not(None),
        deliveries.c.state.in_(_words("pending", "waiting", "sending")),
        deliveries.c.state.not_in(_words("pending", "sending")),
    )


def _words(*words: str) -> list[sa.ColumnElement[str]]:
    return [sa.literal_column(f"'{word}'") for word in words]


def _figures(now: int) -> tuple[sa.ColumnElement[Any], ...]:
    due = sa.case((deliveries.c.due_at <= now, 1), else_=0)
    return (
        sa.func.sum(due).label("due"),
        sa.func.count().label("many"),
        sa.func.min(deliveries.c.due_at).label("oldest"),
    )


def _if_due(oldest: int | None, now: int) -> int | None:
    return None if oldest is None or oldest > now else oldest
