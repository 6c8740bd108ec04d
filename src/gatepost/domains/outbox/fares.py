"""How the deliveries to an endpoint fare. What it costs does not grow with how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from gatepost.base.ids import AccountId, EndpointId, QueueId
from gatepost.domains.outbox.circuit import Circuit
from gatepost.domains.outbox.model import Priority, State
from gatepost.domains.outbox.tables import deliveries, queues
from gatepost.storage.db import Tx

LATELY = 100


class Fare(NamedTuple):
    """Of the last LATELY deliveries, how many have ended how; failures in a row and until when
    (ms) nothing is sent, if anything ever was; since when (ms) the oldest one has been due.
    """

    succeeded: int = 0
    failed: int = 0
    circuit: Circuit = Circuit()
    oldest_due_at: int | None = None


def of(
    tx: Tx, account_id: AccountId, places: Mapping[EndpointId, QueueId], now: int
) -> dict[EndpointId, Fare]:
    """How several endpoints fare, whose queues are named."""
    found = _queues(tx, account_id, list(places.values()), now)
    return {one: _fare(tx, account_id, one, found.get(places[one])) for one in places}


def _fare(tx: Tx, account_id: AccountId, endpoint_id: EndpointId, queue: Any) -> Fare:
    mine = (deliveries.c.account_id == account_id, deliveries.c.endpoint_id == endpoint_id)
    last = sa.select(deliveries.c.state).where(*mine).order_by(deliveries.c.id.desc())
    ended = Counter(tx.run(last.limit(LATELY)).scalars())
    well, badly = ended[State.SUCCEEDED.value], ended[State.FAILED.value]
    if queue is None:
        return Fare(well, badly)
    due = [at for at in (queue.high, queue.normal, queue.low) if at is not None]
    return Fare(well, badly, Circuit(queue.failures, queue.open_until), min(due, default=None))


def _queues(tx: Tx, account_id: AccountId, ids: list[QueueId], now: int) -> dict[QueueId, Any]:
    columns = (queues.c.id, queues.c.failures, queues.c.open_until)
    due = [_oldest(one, now).label(one.name.lower()) for one in Priority]
    mine = (queues.c.account_id == account_id, queues.c.id.in_(ids))
    return {QueueId(row.id): row for row in tx.run(sa.select(*columns, *due).where(*mine))}


def _oldest(priority: Priority, now: int) -> sa.ScalarSelect[Any]:
    """One step into the index of what is next."""
    return (
        sa.select(deliveries.c.due_at)
        .where(
            deliveries.c.account_id == queues.c.account_id,
            deliveries.c.queue_id == queues.c.id,
            deliveries.c.priority == priority.value,
            deliveries.c.state == sa.literal_column("'pending'"),
            deliveries.c.due_at <= now,
        )
        .order_by(deliveries.c.due_at)
        .limit(1)
        .scalar_subquery()
    )
