"""What is changed of deliveries by hand: started again, ended before their time.

Whoever does it holds the queue, so that nobody puts in, takes out or settles meanwhile: what waits
for another delivery could be forgotten otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.outbox import claims, queues, rows, tables
from gatepost.domains.outbox.model import Delivery, Queue, State
from gatepost.domains.outbox.queues import Place
from gatepost.domains.outbox.store import Narrow, conditions
from gatepost.domains.outbox.tables import deliveries, messages
from gatepost.storage.db import Tx

ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELED)
CHUNK = 500


def restart_all(tx: Tx, account_id: AccountId, wanted: Narrow, now: int, limit: int) -> int:
    """Start the oldest that are wanted again, as if they were new; their log stays. One waits
    where another one with its ordering key is open. Left out are those whose message has been
    erased or has expired. Returns how many.
    """
    columns = (deliveries.c.id, deliveries.c.queue_id, deliveries.c.ordering_key)
    mine = (deliveries.c.account_id == account_id, *conditions(wanted), _in(ENDED), _sayable(now))
    query = sa.select(*columns).where(*mine).order_by(deliveries.c.id).limit(limit)
    found = tx.run(query).all()
    queue_ids = sorted({row.queue_id for row in found})
    for some in _parts(queue_ids):
        _hold(tx, account_id, some)
    behind = _behind(tx, account_id, found)
    ready = [row.id for row in found if row.id not in behind]
    count = sum(
        _start(tx, account_id, some, state, now)
        for state, ids in ((State.PENDING, ready), (State.WAITING, sorted(behind)))
        for some in _parts(ids)
    )
    for some in _parts(queue_ids):
        _due(tx, account_id, some, now)
    return count


def restart(tx: Tx, one: Delivery, now: int) -> bool:
    """Start one again in the same way; one that is to be tried again is tried now. Returns
    whether it could be.
    """
    _hold(tx, one.account_id, [one.queue_id])
    row = _Row(one.id, one.queue_id, one.ordering_key)
    behind = one.state is not State.PENDING and _behind(tx, one.account_id, [row])
    state = State.WAITING if behind else State.PENDING
    count = _start(tx, one.account_id, [one.id], state, now, (*ENDED, State.PENDING))
    _due(tx, one.account_id, [one.queue_id], now)
    return count == 1


def cancel(tx: Tx, one: Delivery, now: int) -> bool:
    """End one that has not begun; whatever waited for it goes on. Returns whether it could be:
    one that is being sent cannot.
    """
    place = Place(one.account_id, one.queue_id)
    _hold(tx, one.account_id, [one.queue_id])
    waits = _in((State.PENDING, State.WAITING))
    mine = (deliveries.c.account_id == one.account_id, deliveries.c.id == one.id)
    ended = {"state": State.CANCELED.value, "done_at": now}
    if not tx.run(sa.update(deliveries).where(*mine, waits).values(ended)).rowcount:
        return False
    if one.ordering_key is not None and claims.follow(tx, place, one.ordering_key):
        queues.due(tx, place, now)
    return True


def put_off(tx: Tx, one: Delivery, at: int) -> bool:
    """Let one be due at another moment (ms) that has not been tried yet. Returns whether it could
    be: one that is being sent, or has ended, cannot.
    """
    _hold(tx, one.account_id, [one.queue_id])
    mine = (deliveries.c.account_id == one.account_id, deliveries.c.id == one.id)
    fresh = (_in((State.PENDING,)), deliveries.c.attempts == 0)
    if not tx.run(sa.update(deliveries).where(*mine, *fresh).values(due_at=at)).rowcount:
        return False
    queues.due(tx, Place(one.account_id, one.queue_id), at)
    return True


def take(tx: Tx, place: Place, owner: bytes, now: int, lease_until: int) -> Queue | None:
    """Take a queue over from whoever sends to it, who settles nothing more; None for no queue."""
    values = {
        "owner": owner,
        "lease_until": lease_until,
        "fence": tables.queues.c.fence + 1,
        "due_at": now,
    }
    mine = (tables.queues.c.account_id == place.account_id, tables.queues.c.id == place.id)
    statement = sa.update(tables.queues).where(*mine).values(values).returning(tables.queues)
    row = tx.run(statement).first()
    sending = deliveries.c.state == sa.literal_column("'sending'")
    there = (deliveries.c.account_id == place.account_id, deliveries.c.queue_id == place.id)
    back = {"state": State.PENDING.value}
    tx.run(sa.update(deliveries).where(*there, sending).values(back))
    return rows.queue(row) if row else None


def clear(tx: Tx, place: Place, now: int) -> int:
    """End all of a queue that has not begun; returns how many."""
    _hold(tx, place.account_id, [place.id])
    there = (deliveries.c.account_id == place.account_id, deliveries.c.queue_id == place.id)
    ended = {"state": State.CANCELED.value, "done_at": now}
    waits = _in((State.PENDING, State.WAITING))
    return tx.run(sa.update(deliveries).where(*there, waits).values(ended)).rowcount


def cancel_open(
    tx: Tx, account_id: AccountId, now: int, project_id: ProjectId | None = None
) -> int:
    """End all of an account that has not begun, or all of a project; returns how many. What is
    being sent now may still be tried again; what another project has behind it goes on.
    """
    mine = [deliveries.c.account_id == account_id, _in((State.PENDING, State.WAITING))]
    if project_id is not None:
        mine.append(deliveries.c.project_id == project_id)
    found = tx.run(sa.select(deliveries.c.queue_id, deliveries.c.ordering_key).where(*mine)).all()
    for some in _parts(sorted({row.queue_id for row in found})):
        _hold(tx, account_id, some)
    ended = {"state": State.CANCELED.value, "done_at": now}
    count = tx.run(sa.update(deliveries).where(*mine).values(ended)).rowcount
    for queue_id, key in sorted({tuple(row) for row in found if row.ordering_key is not None}):
        place = Place(account_id, queue_id)
        if claims.follow(tx, place, key):
            queues.due(tx, place, now)
    return count


class _Row(NamedTuple):
    id: bytes
    queue_id: bytes
    ordering_key: str | None


def _parts(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut ids into parts that one statement can name."""
    for at in range(0, len(ids), CHUNK):
        yield ids[at : at + CHUNK]


def _hold(tx: Tx, account_id: AccountId, queue_ids: Sequence[bytes]) -> None:
    mine = (tables.queues.c.account_id == account_id, tables.queues.c.id.in_(queue_ids))
    query = sa.select(tables.queues.c.id).where(*mine).order_by(tables.queues.c.id)
    tx.run(query.with_for_update()).all()


def _in(states: Sequence[State]) -> sa.ColumnElement[bool]:
    return deliveries.c.state.in_([one.value for one in states])


def _due(tx: Tx, account_id: AccountId, queue_ids: Sequence[bytes], now: int) -> None:
    later = sa.or_(tables.queues.c.due_at.is_(None), tables.queues.c.due_at > now)
    mine = (tables.queues.c.account_id == account_id, tables.queues.c.id.in_(queue_ids), later)
    tx.run(sa.update(tables.queues).where(*mine).values(due_at=now))


def _start(
    tx: Tx,
    account_id: AccountId,
    ids: Sequence[bytes],
    state: State,
    now: int,
    out_of: Sequence[State] = ENDED,
) -> int:
    mine = (deliveries.c.account_id == account_id, deliveries.c.id.in_(ids), _in(out_of))
    again = {
        "state": state.value,
        "due_at": now,
        "attempts": 0,
        "error": None,
        "fault": None,
        "done_at": None,
        "manual": True,
    }
    return tx.run(sa.update(deliveries).where(*mine).values(again)).rowcount


def _behind(tx: Tx, account_id: AccountId, found: Sequence[Any]) -> set[bytes]:
    """The ids of those that must wait for another one with their ordering key."""
    wanted: dict[Place, set[str]] = defaultdict(set)
    for row in found:
        if row.ordering_key is not None:
            wanted[Place(account_id, row.queue_id)].add(row.ordering_key)
    busy = {
        (place.id, key)
        for place, keys in sorted(wanted.items())
        for key in claims.blocked(tx, place, sorted(keys))
    }
    behind: set[bytes] = set()
    for row in found:
        if row.ordering_key is None:
            continue
        mark = (row.queue_id, row.ordering_key)
        if mark in busy:
            behind.add(row.id)
        busy.add(mark)
    return behind


def _sayable(now: int) -> sa.ColumnElement[bool]:
    timely = sa.or_(messages.c.expires_at.is_(None), messages.c.expires_at > now)
    return (
        sa.select(sa.literal(1))
        .where(
            messages.c.account_id == deliveries.c.account_id,
            messages.c.id == deliveries.c.message_id,
            messages.c.body.is_not(None),
            timely,
        )
        .exists()
    )
