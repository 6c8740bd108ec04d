"""Replay: deliveries started again, or ended, by hand. All of it is audited."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.outbox import byhand, store
from gatepost.domains.outbox.byhand import ENDED
from gatepost.domains.outbox.model import Delivery, Message, State
from gatepost.domains.outbox.store import Narrow
from gatepost.engine import milestones
from gatepost.storage.db import Tx

MANY = 10_000
"""How many are started again at once."""
BACK_MS_MAX = 14 * DAY_MS + HOUR_MS
"""How long ago may be recovered from: whoever says 14 days shall not be an instant late."""


class Replayed(msgspec.Struct, frozen=True):
    """How many were started again, and whether there are more."""

    count: int
    more: bool


def replay(tx: Tx, one: Delivery, actor: Actor, now: int) -> Delivery:
    """Start one again that has ended, or try one now that is to be tried again. What is sent
    is what was sent, with the same message id. Raises CONFLICT.
    """
    why = _hindrance(tx, one, now)
    if why or not byhand.restart(tx, one, now):
        raise AppError(Code.CONFLICT, why or "It is being sent")
    again = store.get(tx, one.account_id, one.id)
    _note(tx, actor, "delivery.replay", one, again, now)
    return again


def replay_many(
    tx: Tx, account_id: AccountId, wanted: Narrow, actor: Actor, now: int, target: Target
) -> Replayed:
    """Start the oldest again that are wanted and have ended, MANY at most; `target` is what the
    audit log calls them.
    """
    count = byhand.restart_all(tx, account_id, wanted, now, MANY)
    after = {"count": count, "states": [one.value for one in wanted.states]}
    audit.append(tx, account_id, actor, "delivery.replay_many", target, now=now, after=after)
    return Replayed(count, count == MANY)


def cancel(tx: Tx, one: Delivery, actor: Actor, now: int) -> Delivery:
    """End one that has not begun; raises CONFLICT where it is too late."""
    return _end(tx, one, actor, "delivery.cancel", now)


def skip(tx: Tx, one: Delivery, actor: Actor, now: int) -> Delivery:
    """End one that others with its ordering key wait for; raises CONFLICT where none can."""
    if one.ordering_key is None:
        raise AppError(Code.CONFLICT, "It has no ordering key: nothing waits for it")
    if one.state is State.WAITING:
        raise AppError(Code.CONFLICT, "It waits for another one itself")
    return _end(tx, one, actor, "delivery.skip", now)


def cancel_all(tx: Tx, message: Message, actor: Actor, now: int) -> list[Delivery]:
    """End those of a message's deliveries that have not begun; raises CONFLICT where there is
    none. Returns all of them.
    """
    sent = store.of_messages(tx, message.account_id, [message.id])[message.id]
    ended = [one for one in sent if byhand.cancel(tx, one, now)]
    if not ended:
        raise AppError(Code.CONFLICT, "All of its deliveries have ended, or are being sent")
    for one in ended:
        after = store.get(tx, one.account_id, one.id)
        _note(tx, actor, "delivery.cancel", one, after, now)
        _tell(tx, message, one, after, now)
    return store.of_messages(tx, message.account_id, [message.id])[message.id]


def _end(tx: Tx, one: Delivery, actor: Actor, action: str, now: int) -> Delivery:
    if not byhand.cancel(tx, one, now):
        late = one.state in ENDED
        raise AppError(Code.CONFLICT, "It has ended" if late else "It is being sent")
    ended = store.get(tx, one.account_id, one.id)
    _note(tx, actor, action, one, ended, now)
    _tell(tx, store.get_message(tx, one.account_id, one.message_id), one, ended, now)
    return ended


def _tell(tx: Tx, message: Message, before: Delivery, after: Delivery, now: int) -> None:
    if message.type == milestones.MAIL:
        was = milestones.status_of(before, now)
        told = milestones.of_mail(message, after, "canceled", previous_status=was)
        milestones.note(tx, [told], now)


STILL = {
    State.SENDING: "It is being sent",
    State.WAITING: "It waits for an earlier one with its ordering key: skip that one",
}


def _hindrance(tx: Tx, one: Delivery, now: int) -> str:
    """Why one cannot be started again, empty where it can."""
    if one.state in STILL:
        return STILL[one.state]
    if one.state is State.PENDING and not one.attempts:
        return "It has not been tried yet"
    message = store.get_message(tx, one.account_id, one.message_id)
    if message.body is None:
        return "What the message said has been erased"
    if message.expires_at is not None and message.expires_at <= now:
        return "The message has expired"
    gone = one.endpoint_id and endpoints.find(tx, one.account_id, one.endpoint_id) is None
    return "The endpoint has been deleted" if gone else ""


def _note(tx: Tx, actor: Actor, action: str, before: Delivery, after: Delivery, now: int) -> None:
    target = Target(ids.show("delivery", before.id), "", before.project_id)
    was, is_ = _described(before), _described(after)
    audit.append(tx, before.account_id, actor, action, target, now=now, before=was, after=is_)


def _described(one: Delivery) -> dict[str, Any]:
    return {"state": one.state.value, "attempts": one.attempts}
