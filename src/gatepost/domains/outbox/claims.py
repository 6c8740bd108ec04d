"""What a pump takes out of its queues, and what it brings back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, DeliveryId
from gatepost.domains.outbox import rows
from gatepost.domains.outbox.model import HEAD_START_MS, Attempt, Delivery, Fault, Priority, State
from gatepost.domains.outbox.queues import Place
from gatepost.domains.outbox.tables import attempts, deliveries
from gatepost.storage import sql
from gatepost.storage.db import Tx
from gatepost.storage.prepared import Prepared

ATTEMPT_COLUMNS = (
    "account_id",
    "delivery_id",
    "id",
    "number",
    "ok",
    "duration_ms",
    "status",
    "fault",
    "error",
    "headers",
    "response",
    "next_at",
    "manual",
    "via",
)
_pending = deliveries.c.state == sa.literal_column("'pending'")


class Ended(NamedTuple):
    """How a delivery stands after an attempt. Moments in ms."""

    delivery: Delivery
    state: State
    attempts: int
    due_at: int
    error: str | None
    status: int | None
    done_at: int | None
    fault: Fault | None = None


def take(tx: Tx, place: Place, now: int, limit: int) -> list[Delivery]:
    """Mark the deliveries of a queue that should go next as being sent, and return them: of each
    class the oldest, and among them those first that are due the longest, less the head start of
    their class.
    """
    asked = {"a": place.account_id, "q": place.id, "now": now, "most": limit}
    found = [rows.delivery(row) for row in _TAKE.rows(tx, asked)]
    found.sort(key=_turn)
    return found


def _turn(one: Delivery) -> int:
    return one.due_at + HEAD_START_MS[one.priority]


def settle(tx: Tx, ended: Sequence[Ended]) -> None:
    """Write how deliveries stand."""
    values = [
        {
            "a": one.delivery.account_id,
            "i": one.delivery.id,
            "state_": one.state.value,
            "attempts_": one.attempts,
            "due_at_": one.due_at,
            "error_": one.error,
            "status_": one.status,
            "done_at_": one.done_at,
            "fault_": None if one.fault is None else one.fault.value,
        }
        for one in sorted(ended, key=lambda one: (one.delivery.account_id, one.delivery.id))
    ]
    _SETTLE.many(tx, values)


_SETTLE = Prepared(
    sa.update(deliveries)
    .where(
        deliveries.c.account_id == sa.bindparam("a"),
        deliveries.c.id == sa.bindparam("i"),
        deliveries.c.state == sa.literal_column("'sending'"),
    )
    .values(
        state=sa.bindparam("state_"),
        attempts=sa.bindparam("attempts_"),
        due_at=sa.bindparam("due_at_"),
        error=sa.bindparam("error_"),
        status=sa.bindparam("status_"),
        done_at=sa.bindparam("done_at_"),
        fault=sa.bindparam("fault_"),
        manual=sa.false(),
    )
)


def log(tx: Tx, made: Iterable[Attempt]) -> None:
    """Keep attempts."""
    sql.insert_rows(tx, attempts, ATTEMPT_COLUMNS, [_row(one) for one in made])


def is_logged(tx: Tx, account_id: AccountId, delivery_id: DeliveryId, attempt_id: bytes) -> bool:
    """Whether an attempt was kept."""
    where = (
        attempts.c.account_id == account_id,
        attempts.c.delivery_id == delivery_id,
        attempts.c.id == attempt_id,
    )
    return tx.run(sa.select(sa.literal(1)).select_from(attempts).where(*where)).first() is not None


def follow(tx: Tx, place: Place, ordering_key: str) -> bool:
    """Let the next delivery with an ordering key go, now that none before it is open; returns
    whether there was one.
    """
    query = (
        sa.select(deliveries.c.id, deliveries.c.state)
        .where(
            deliveries.c.account_id == place.account_id,
            deliveries.c.queue_id == place.id,
            deliveries.c.ordering_key == ordering_key,
            deliveries.c.state.in_(_literal("pending", "waiting", "sending")),
        )
        .order_by(deliveries.c.id)
        .limit(1)
    )
    row = tx.run(query).first()
    if row is None or row.state != State.WAITING:
        return False
    mine = (deliveries.c.account_id == place.account_id, deliveries.c.id == row.id)
    tx.run(sa.update(deliveries).where(*mine).values(state=State.PENDING.value))
    return True


def blocked(tx: Tx, place: Place, keys: Sequence[str]) -> set[str]:
    """The ordering keys among these of which a delivery of the queue is open."""
    query = (
        sa.select(deliveries.c.ordering_key)
        .distinct()
        .where(
            deliveries.c.account_id == place.account_id,
            deliveries.c.queue_id == place.id,
            deliveries.c.ordering_key.in_(keys),
            deliveries.c.state.in_(_literal("pending", "waiting", "sending")),
        )
    )
    return set(tx.run(query).scalars())


def _literal(*words: str) -> list[sa.ColumnElement[str]]:
    """As the partial indexes have them, so that they are used."""
    return [sa.literal_column(f"'{word}'") for word in words]


def _oldest(priority: Priority) -> sa.Select[Any]:
    turn = deliveries.c.due_at + sa.literal_column(str(HEAD_START_MS[priority]))
    query = (
        sa.select(deliveries.c.id, turn.label("turn"))
        .where(
            deliveries.c.account_id == sa.bindparam("a", type_=sa.LargeBinary),
            deliveries.c.queue_id == sa.bindparam("q", type_=sa.LargeBinary),
            deliveries.c.priority == sa.literal_column(str(int(priority))),
            _pending,
            deliveries.c.due_at <= sa.bindparam("now"),
        )
        .order_by(deliveries.c.due_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
    return sa.select(query.subquery())


def _taking() -> sa.UpdateBase:
    """The oldest of each class are looked for by the index; the first of all of them are taken."""
    first = sa.union_all(*map(_oldest, Priority)).subquery()
    most = sa.bindparam("most", type_=sa.Integer)
    ids = sa.select(first.c.id).order_by(first.c.turn).limit(most)
    mine = (
        deliveries.c.account_id == sa.bindparam("a", type_=sa.LargeBinary),
        deliveries.c.id.in_(ids),
        _pending,
    )
    taken = {"state": State.SENDING.value, "started_at": sa.bindparam("now")}
    columns = [deliveries.c[name] for name in rows.DELIVERY_COLUMNS]
    return sa.update(deliveries).where(*mine).values(taken).returning(*columns)


_TAKE = Prepared(_taking())


def _row(one: Attempt) -> tuple[Any, ...]:
    return (
        bytearray(one.account_id),
        bytearray(one.delivery_id),
        bytearray(one.id),
        one.number,
        one.ok,
        one.duration_ms,
        one.status,
        None if one.fault is None else one.fault.value,
        one.error,
        one.headers,
        one.response,
        one.next_at,
        one.manual,
        one.via,
    )
