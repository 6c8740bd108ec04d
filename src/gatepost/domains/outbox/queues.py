"""Queues in the database: who sends to a destination, and how that one fares.

A queue has one owner at a time: a pump that has leased it. So a destination's bounds hold for all
processes together, and what the owner reads nobody else sends. `due_at` is never later than the
earliest delivery; whoever puts one in moves it forward, only the owner moves it back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, QueueId
from gatepost.domains.outbox import rows
from gatepost.domains.outbox.circuit import Circuit
from gatepost.domains.outbox.model import Priority, Queue, State, Transport
from gatepost.domains.outbox.tables import deliveries, queues
from gatepost.storage.db import Tx

NEVER = 2**62
_key = (queues.c.account_id, queues.c.id)


class Place(NamedTuple):
    """A queue by its key."""

    account_id: AccountId
    id: QueueId


class Need(NamedTuple):
    """A queue to put deliveries into, the earliest of which is due at a moment (ms), or none."""

    place: Place
    transport: Transport
    name: str
    due_at: int | None
    cap: int | None = None
    rate: float | None = None


def ensure(tx: Tx, needs: Sequence[Need]) -> None:
    """Make queues that are missing; those that stand are due no later than is needed."""
    rows_ = [_new(one) for one in sorted(needs, key=lambda one: one.place)]
    if not rows_:
        return
    new = tx.engine.insert(queues)
    wanted = new.excluded.due_at
    earlier = sa.or_(wanted.is_(None), queues.c.due_at <= wanted)
    due = sa.case((earlier, queues.c.due_at), else_=wanted)
    changed = new.on_conflict_do_update(index_elements=["account_id", "id"], set_={"due_at": due})
    tx.run(changed, rows_)


def adoptable(tx: Tx, now: int, limit: int) -> list[Place]:
    """Queues that nobody sends to: with something due, or with what a pump that is gone had."""
    due_ = sa.and_(queues.c.owner.is_(None), queues.c.due_at <= now)
    left = sa.and_(queues.c.owner.is_not(None), queues.c.lease_until < now)
    found: list[Place] = []
    for query in (
        sa.select(*_key).where(due_).order_by(queues.c.due_at),
        sa.select(*_key).where(left).order_by(queues.c.lease_until),
    ):
        found += [_place(row) for row in tx.run(query.limit(limit))]
    return found


def adopt(tx: Tx, places: Sequence[Place], owner: bytes, now: int, lease_until: int) -> list[Queue]:
    """Take the queues among these that are still free; what a former owner was sending is
    pending again.
    """
    free = sa.or_(queues.c.owner.is_(None), queues.c.lease_until < now)
    query = sa.select(*_key).where(_among(places), free).order_by(*_key)
    mine = [_place(row) for row in tx.run(query.with_for_update(skip_locked=True))]
    if not mine:
        return []
    fence = queues.c.fence + 1
    taken = {"owner": owner, "lease_until": lease_until, "fence": fence, "due_at": now}
    statement = sa.update(queues).where(_among(mine)).values(**taken).returning(queues)
    found = [rows.queue(row) for row in tx.run(statement)]
    _rescue(tx, mine)
    return found


def extend(tx: Tx, owner: bytes, lease_until: int) -> None:
    """Keep what one owns for longer."""
    mine = queues.c.owner == owner
    tx.run(sa.update(queues).where(mine).values(lease_until=lease_until))


def release_all(tx: Tx) -> int:
    """Free every queue: this is the only process there can be, and it has just begun."""
    taken = queues.c.owner.is_not(None)
    return tx.run(sa.update(queues).where(taken).values(owner=None, due_at=0)).rowcount


def hold(tx: Tx, places: Collection[Place], owner: bytes) -> dict[Place, Queue]:
    """Lock those of the queues that one still owns, until the transaction ends."""
    query = sa.select(queues).where(_among(places), queues.c.owner == owner).order_by(*_key)
    found = (rows.queue(row) for row in tx.run(query.with_for_update()))
    return {Place(one.account_id, one.id): one for one in found}


def settle(tx: Tx, place: Place, circuit: Circuit) -> None:
    """Note how a destination fares."""
    values = {"failures": circuit.failures, "open_until": circuit.open_until}
    tx.run(sa.update(queues).where(*_is(place)).values(values))


def park(tx: Tx, places: Collection[Place]) -> dict[Place, int | None]:
    """Set when the next delivery of each of some queues is due that one holds; returns those
    moments (ms).
    """
    if not places:
        return {}
    statement = sa.update(queues).where(_among(places)).values(due_at=_FIRST_DUE)
    returned = tx.run(statement.returning(*_key, queues.c.due_at))
    return {_place(row): row.due_at for row in returned}


def put_off(tx: Tx, places: Collection[Place], until: int) -> None:
    """Let queues that one holds have nothing due before a moment (ms), whatever is in them."""
    if places:
        tx.run(sa.update(queues).where(_among(places)).values(due_at=until))


def wake(tx: Tx, account_id: AccountId, now: int) -> None:
    """Let all queues of an account be looked at."""
    mine = (queues.c.account_id == account_id, queues.c.due_at > now)
    tx.run(sa.update(queues).where(*mine).values(due_at=now))


def release(tx: Tx, owner: bytes, now: int) -> None:
    """Let go of all that one owns; whoever adopts it next looks for what was left."""
    tx.run(sa.update(queues).where(queues.c.owner == owner).values(owner=None, due_at=now))


def rest(tx: Tx, owner: bytes, places: Collection[Place]) -> None:
    """Let go of queues of which nothing has been taken out."""
    mine = (_among(places), queues.c.owner == owner)
    tx.run(sa.update(queues).where(*mine).values(owner=None))


def shape(tx: Tx, place: Place, cap: int | None, rate: float | None) -> None:
    """Set a destination's own bounds."""
    tx.run(sa.update(queues).where(*_is(place)).values(cap=cap, rate=rate))


def due(tx: Tx, place: Place, at: int) -> None:
    """See that a queue is due at a moment (ms) at the latest."""
    later = sa.or_(queues.c.due_at.is_(None), queues.c.due_at > at)
    tx.run(sa.update(queues).where(*_is(place), later).values(due_at=at))


def owned_due(tx: Tx, owner: bytes, now: int) -> list[Queue]:
    """What one owns that has something due."""
    query = sa.select(queues).where(queues.c.owner == owner, queues.c.due_at <= now)
    return [rows.queue(row) for row in tx.run(query)]


def find(tx: Tx, account_id: AccountId, queue_id: QueueId) -> Queue | None:
    """Look one of the account's up."""
    row = tx.run(sa.select(queues).where(*_is(Place(account_id, queue_id)))).first()
    return rows.queue(row) if row else None


def _new(one: Need) -> dict[str, object]:
    return {
        "account_id": one.place.account_id,
        "id": one.place.id,
        "transport": one.transport.value,
        "name": one.name,
        "due_at": one.due_at,
        "owner": None,
        "lease_until": 0,
        "fence": 0,
        "failures": 0,
        "open_until": 0,
        "cap": one.cap,
        "rate": one.rate,
    }


def _rescue(tx: Tx, places: Sequence[Place]) -> None:
    mine = sa.tuple_(deliveries.c.account_id, deliveries.c.queue_id).in_(places)
    lost = deliveries.c.state == sa.literal_column("'sending'")
    tx.run(sa.update(deliveries).where(mine, lost).values(state=State.PENDING.value))


def _oldest(priority: Priority) -> sa.Select[tuple[int | None]]:
    return sa.select(sa.func.min(deliveries.c.due_at).label("due_at")).where(
        deliveries.c.account_id == queues.c.account_id,
        deliveries.c.queue_id == queues.c.id,
        deliveries.c.priority == sa.literal_column(str(int(priority))),
        deliveries.c.state == sa.literal_column("'pending'"),
    )


def _first_due() -> sa.ColumnElement[int | None]:
    """By the index, class by class."""
    never: sa.ColumnElement[int] = sa.literal_column(str(NEVER))
    least: sa.ColumnElement[int] = never
    for priority in Priority:
        one = sa.func.coalesce(_oldest(priority).correlate(queues).scalar_subquery(), never)
        least = sa.case((one < least, one), else_=least)
    return sa.func.nullif(least, never)


_FIRST_DUE = _first_due()


def _among(places: Collection[Place]) -> sa.ColumnElement[bool]:
    return sa.tuple_(*_key).in_(sorted(places))


def _place(row: Any) -> Place:
    return Place(AccountId(row.account_id), QueueId(row.id))


def _is(place: Place) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return (queues.c.account_id == place.account_id, queues.c.id == place.id)
