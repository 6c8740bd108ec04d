"""Messages and deliveries in the database: put in, look up, list, change by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, DeliveryId, EndpointId, EventId, MessageId, ProjectId
from gatepost.domains.outbox import claims, queues, rows
from gatepost.domains.outbox.model import Delivery, Message, State, Transport
from gatepost.domains.outbox.queues import Need, Place
from gatepost.domains.outbox.tables import deliveries, messages
from gatepost.storage import sql
from gatepost.storage.db import Tx


class Narrow(NamedTuple):
    """Which deliveries are wanted: all that is set must hold. Ids bound the time."""

    states: tuple[State, ...] = ()
    transport: Transport | None = None
    endpoint_id: EndpointId | None = None
    message_id: MessageId | None = None
    since: bytes | None = None
    before: bytes | None = None
    project_id: ProjectId | None = None
    type: str | None = None


class Asked(NamedTuple):
    """Which messages are wanted: all that is set must hold. Ids bound the time."""

    project_id: ProjectId | None = None
    state: State | None = None
    type: str | None = None
    event_id: EventId | None = None
    endpoint_id: EndpointId | None = None
    since: bytes | None = None
    before: bytes | None = None


def append(
    tx: Tx, told: Sequence[Message], sent: Sequence[Delivery], needs: Sequence[Need]
) -> list[Delivery]:
    """Keep messages with their deliveries; `needs` name the queues. Returns the deliveries as
    they were kept: one waits where an earlier one with its ordering key is open.
    """
    queues.ensure(tx, needs)
    kept = _in_order(tx, sent)
    sql.insert_rows(tx, messages, rows.MESSAGE_COLUMNS, [rows.of_message(one) for one in told])
    values = [rows.of_delivery(one) for one in kept]
    sql.insert_rows(tx, deliveries, rows.DELIVERY_COLUMNS, values)
    return kept


def find_message(tx: Tx, account_id: AccountId, message_id: MessageId) -> Message | None:
    """Look one of the account's up."""
    where = (messages.c.account_id == account_id, messages.c.id == message_id)
    row = tx.run(sa.select(messages).where(*where)).first()
    return rows.message(row) if row else None


def get_message(tx: Tx, account_id: AccountId, message_id: MessageId) -> Message:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find_message(tx, account_id, message_id)
    if found is None:
        raise not_found("message with this id")
    return found


def messages_by_id(
    tx: Tx, account_id: AccountId, ids: Sequence[MessageId]
) -> dict[MessageId, Message]:
    """Several of the account's."""
    mine = ("account_id", account_id)
    raw = sql.lookup(
        tx, messages, rows.MESSAGE_COLUMNS, mine, "id", [bytearray(one) for one in ids]
    )
    return {one.id: one for one in map(rows.message, raw)}


def types_of(tx: Tx, account_id: AccountId, ids: Sequence[MessageId]) -> dict[MessageId, str]:
    """The types of several messages of the account's."""
    where = (messages.c.account_id == account_id, messages.c.id.in_(set(ids)))
    found = tx.run(sa.select(messages.c.id, messages.c.type).where(*where))
    return {MessageId(row.id): row.type for row in found}


def search(tx: Tx, account_id: AccountId, asked: Asked, limit: int) -> list[Message]:
    """The account's that are asked for, newest first."""
    query = sa.select(messages).where(
        messages.c.account_id == account_id, *_asked(account_id, asked)
    )
    return [rows.message(row) for row in tx.run(query.order_by(messages.c.id.desc()).limit(limit))]


def find(tx: Tx, account_id: AccountId, delivery_id: DeliveryId) -> Delivery | None:
    """Look one of the account's up."""
    where = (deliveries.c.account_id == account_id, deliveries.c.id == delivery_id)
    row = tx.run(sa.select(deliveries).where(*where)).first()
    return rows.delivery(row) if row else None


def get(tx: Tx, account_id: AccountId, delivery_id: DeliveryId) -> Delivery:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, delivery_id)
    if found is None:
        raise not_found("delivery with this id")
    return found


def list_(
    tx: Tx, account_id: AccountId, wanted: Narrow, *, oldest_first: bool = False, limit: int
) -> list[Delivery]:
    """The account's that are wanted, newest first unless said otherwise."""
    query = sa.select(deliveries).where(deliveries.c.account_id == account_id, *conditions(wanted))
    order = deliveries.c.id if oldest_first else deliveries.c.id.desc()
    return [rows.delivery(row) for row in tx.run(query.order_by(order).limit(limit))]


def count(tx: Tx, account_id: AccountId, wanted: Narrow, limit: int) -> int:
    """How many of the account's are wanted, up to a limit."""
    mine = (deliveries.c.account_id == account_id, *conditions(wanted))
    some = sa.select(sa.literal(1)).where(*mine).limit(limit).subquery()
    return int(tx.run(sa.select(sa.func.count()).select_from(some)).scalar_one())


def of_messages(
    tx: Tx, account_id: AccountId, ids: Sequence[MessageId]
) -> dict[MessageId, list[Delivery]]:
    """The deliveries of several messages, each one's oldest first."""
    where = (deliveries.c.account_id == account_id, deliveries.c.message_id.in_(ids))
    found: dict[MessageId, list[Delivery]] = {one: [] for one in ids}
    for row in tx.run(sa.select(deliveries).where(*where).order_by(deliveries.c.id)):
        one = rows.delivery(row)
        found[one.message_id].append(one)
    return found


def last_tried(tx: Tx, account_id: AccountId, endpoint_id: EndpointId) -> int | None:
    """When the newest delivery to an endpoint began to be tried that was (ms)."""
    mine = (deliveries.c.account_id == account_id, deliveries.c.endpoint_id == endpoint_id)
    tried = deliveries.c.started_at.is_not(None)
    query = sa.select(deliveries.c.started_at).where(*mine, tried)
    return tx.run(query.order_by(deliveries.c.id.desc()).limit(1)).scalar()


def save(tx: Tx, changed: Delivery) -> None:
    """Write one back."""
    mine = (deliveries.c.account_id == changed.account_id, deliveries.c.id == changed.id)
    values = dict(zip(rows.DELIVERY_COLUMNS, rows.of_delivery(changed), strict=True))
    tx.run(sa.update(deliveries).where(*mine).values(values))


def erase(tx: Tx, account_id: AccountId, ids: Sequence[MessageId]) -> None:
    """Forget what messages said, where none of their deliveries is open."""
    open_ = (
        sa.select(sa.literal(1))
        .where(
            deliveries.c.account_id == messages.c.account_id,
            deliveries.c.message_id == messages.c.id,
            deliveries.c.state.in_(["pending", "waiting", "sending", "failed"]),
        )
        .exists()
    )
    mine = (messages.c.account_id == account_id, messages.c.id.in_(ids))
    tx.run(sa.update(messages).where(*mine, ~open_).values(body=None))


def forget_events(tx: Tx, account_id: AccountId, event_ids: Sequence[EventId]) -> int:
    """Forget what messages said of some events, sent or not; returns how many there were."""
    mine = (messages.c.account_id == account_id, messages.c.event_id.in_(event_ids))
    said = messages.c.body.is_not(None)
    return tx.run(sa.update(messages).where(*mine, said).values(body=None)).rowcount


def any_before(tx: Tx, account_id: AccountId, before: bytes) -> bool:
    """Whether an account has a message older than an id."""
    old = (messages.c.account_id == account_id, messages.c.id < before)
    return tx.run(sa.select(messages.c.id).where(*old).limit(1)).first() is not None


def drop_before(tx: Tx, account_id: AccountId, before: bytes, limit: int) -> int:
    """Delete an account's ended deliveries older than an id, and messages left without any;
    returns how many rows went.
    """
    ended = deliveries.c.state.in_(["succeeded", "failed", "canceled"])
    old = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.account_id == account_id, deliveries.c.id < before, ended)
        .limit(limit)
    )
    mine = (deliveries.c.account_id == account_id, deliveries.c.id.in_(old))
    gone = tx.run(sa.delete(deliveries).where(*mine)).rowcount
    left = (
        sa.select(sa.literal(1))
        .where(
            deliveries.c.account_id == messages.c.account_id,
            deliveries.c.message_id == messages.c.id,
        )
        .exists()
    )
    empty = (
        sa.select(messages.c.id)
        .where(messages.c.account_id == account_id, messages.c.id < before, ~left)
        .limit(limit)
    )
    told = (messages.c.account_id == account_id, messages.c.id.in_(empty))
    return gone + tx.run(sa.delete(messages).where(*told)).rowcount


def _asked(account_id: AccountId, asked: Asked) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if asked.project_id is not None:
        found.append(messages.c.project_id == asked.project_id)
    if asked.type is not None:
        found.append(messages.c.type == asked.type)
    if asked.event_id is not None:
        found.append(messages.c.event_id == asked.event_id)
    if asked.since is not None:
        found.append(messages.c.id >= asked.since)
    if asked.before is not None:
        found.append(messages.c.id < asked.before)
    states = () if asked.state is None else (asked.state,)
    sent = conditions(Narrow(states, endpoint_id=asked.endpoint_id))
    if asked.state is State.FAILED:  # they are few
        mine = deliveries.c.account_id == account_id
        found.append(messages.c.id.in_(sa.select(deliveries.c.message_id).where(mine, *sent)))
    elif sent:
        mine = sa.and_(
            deliveries.c.account_id == messages.c.account_id,
            deliveries.c.message_id == messages.c.id,
        )
        found.append(sa.select(sa.literal(1)).where(mine, *sent).exists())
    return found


def conditions(wanted: Narrow) -> list[sa.ColumnElement[bool]]:
    """What a delivery that is wanted must fulfil."""
    found: list[sa.ColumnElement[bool]] = []
    if len(wanted.states) == 1:  # as the partial indexes have it, so that they are used
        (state,) = wanted.states
        found.append(deliveries.c.state == sa.literal_column(f"'{state.value}'"))
    elif wanted.states:
        found.append(deliveries.c.state.in_([one.value for one in wanted.states]))
    if wanted.project_id is not None:
        found.append(deliveries.c.project_id == wanted.project_id)
    if wanted.transport is not None:
        found.append(deliveries.c.transport == wanted.transport.value)
    if wanted.endpoint_id is not None:
        found.append(deliveries.c.endpoint_id == wanted.endpoint_id)
    if wanted.message_id is not None:
        found.append(deliveries.c.message_id == wanted.message_id)
    if wanted.since is not None:
        found.append(deliveries.c.id >= wanted.since)
    if wanted.before is not None:
        found.append(deliveries.c.id < wanted.before)
    if wanted.type is not None:
        found.append(_of_type(wanted.type))
    return found


def _of_type(type_: str) -> sa.ColumnElement[bool]:
    """By the message of each delivery, of which a page needs few."""
    told = sa.and_(
        messages.c.account_id == deliveries.c.account_id,
        messages.c.id == deliveries.c.message_id,
        messages.c.type == type_,
    )
    return sa.select(sa.literal(1)).where(told).exists()


def _in_order(tx: Tx, sent: Sequence[Delivery]) -> list[Delivery]:
    wanted: dict[Place, set[str]] = defaultdict(set)
    for one in sent:
        if one.ordering_key is not None:
            wanted[Place(one.account_id, one.queue_id)].add(one.ordering_key)
    if not wanted:
        return list(sent)
    behind = {
        (place, key)
        for place, keys in sorted(wanted.items())
        for key in claims.blocked(tx, place, sorted(keys))
    }
    return [_placed(one, behind) for one in sent]


def _placed(one: Delivery, behind: set[tuple[Place, str]]) -> Delivery:
    if one.ordering_key is None:
        return one
    key = (Place(one.account_id, one.queue_id), one.ordering_key)
    if key in behind:
        return msgspec.structs.replace(one, state=State.WAITING)
    behind.add(key)
    return one
