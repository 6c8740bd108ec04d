"""Dispatch: what a pump takes out of the outbox, and what becomes of it.

`claim` and `settle` hold the queues they touch, so that whoever lost a queue changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import SystemRandom

from gatepost.base.clock import MINUTE_MS
from gatepost.base.ids import AccountId, DeliveryId, EndpointId, MessageId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.outbox import circuit, claims, policy, queues, store
from gatepost.domains.outbox.circuit import Circuit
from gatepost.domains.outbox.claims import Ended
from gatepost.domains.outbox.model import (
    ERROR_CHARS_MAX,
    RESPONSE_CHARS_MAX,
    Attempt,
    Delivery,
    Message,
    Queue,
    State,
    Transport,
)
from gatepost.domains.outbox.queues import Place
from gatepost.domains.webhooksecrets import store as webhooksecrets
from gatepost.engine import happen, heal, milestones
from gatepost.engine.jobs import Claimed, Job, Room, Sent
from gatepost.storage.db import Tx

STOPPED_MS = MINUTE_MS
"""So long after it was looked at again whether an account is active."""

_random = SystemRandom()


def claim(tx: Tx, owner: bytes, rooms: Sequence[Room], now: int) -> list[Claimed]:
    """Take what is due out of queues that one owns; a queue that was lost gives nothing, one of an
    account that is not active nothing for a while.
    """
    held = queues.hold(tx, {one.place for one in rooms}, owner)
    ours = [one for one in rooms if one.place in held and held[one.place].fence == one.fence]
    off = accounts.stopped(tx, {one.place.account_id for one in ours})
    asked = [one for one in ours if one.place.account_id not in off]
    stopped = {one.place for one in ours} - {one.place for one in asked}
    queues.put_off(tx, stopped, now + STOPPED_MS)
    found = {one.place: claims.take(tx, one.place, now, one.room) for one in asked}
    told = _Told(tx, [one for some in found.values() for one in some], now)
    used_up = {one.place for one in asked if len(found[one.place]) < one.room}
    later = queues.park(tx, used_up)
    return [
        Claimed(
            held[one.place],
            told.jobs(held[one.place], found[one.place]),
            later.get(one.place) if one.place in used_up else now,
        )
        for one in asked
    ] + [Claimed(held[place], [], now + STOPPED_MS) for place in sorted(stopped)]


def settle(tx: Tx, sent: Sequence[Sent]) -> list[Ended | None]:
    """Write how tries went, and what they mean for their queues and endpoints. A vector verb.

    Returns how each delivery stands, None where another pump has taken over its queue.
    """
    held, written = _held(tx, sent), _written(tx, sent)
    outcomes: list[Ended | None] = []
    ended: list[tuple[Sent, Ended]] = []
    log: list[Attempt] = []
    for one in sent:
        queue = held.get(one.job.place)
        if queue is None or queue.fence != one.job.fence:
            outcomes.append(None)
            continue
        end = decide(one)
        outcomes.append(end)
        if one.job.delivery.id not in written:
            ended.append((one, end))
            log.append(_attempt(one, end))
    claims.settle(tx, [end for _, end in ended])
    claims.log(tx, log)
    mine = [one for one, _ in ended]
    _fare(tx, mine, held)
    heal.endpoints_of(tx, mine)
    _let_go(tx, ended)
    now = max((one.now for one in mine), default=0)
    happen.ended(tx, ended, now)
    milestones.ended(tx, ended, now)
    return outcomes


def decide(sent: Sent) -> Ended:
    """What becomes of a delivery after a try."""
    one, how, now = sent.job.delivery, sent.outcome, sent.now
    made = one.attempts + 1
    error = None if how.error is None else how.error[:ERROR_CHARS_MAX]
    if how.ok:
        return Ended(one, State.SUCCEEDED, made, one.due_at, None, how.status, now)
    again = None
    if not how.permanent and not how.gone:
        asked = how.retry_after_ms
        again = policy.next_at(one.policy, made, now, retry_after_ms=asked, random=_random)
    if again is None:
        return Ended(one, State.FAILED, made, one.due_at, error, how.status, now, how.fault)
    return Ended(one, State.PENDING, made, again, error, how.status, None, how.fault)


class _Told:
    """The messages and endpoints of deliveries."""

    def __init__(self, tx: Tx, found: Sequence[Delivery], now: int) -> None:
        self._now = now
        self._hearing = happen.hearing(tx, {one.project_id for one in found})
        self._messages: dict[MessageId, Message] = {}
        self._endpoints: dict[EndpointId, Endpoint] = {}
        direct = {one.account_id for one in found if _is_direct(one)}
        self._secrets = webhooksecrets.sealed(tx, direct) if direct else {}
        wanted: dict[AccountId, tuple[set[MessageId], set[EndpointId]]] = {}
        for one in found:
            messages, places = wanted.setdefault(one.account_id, (set(), set()))
            messages.add(one.message_id)
            if one.endpoint_id is not None:
                places.add(one.endpoint_id)
        for account_id, (messages, places) in wanted.items():
            self._messages |= store.messages_by_id(tx, account_id, sorted(messages))
            if places:
                self._endpoints |= endpoints.some(tx, account_id, places)

    def jobs(self, queue: Queue, found: Iterable[Delivery]) -> list[Job]:
        place = Place(queue.account_id, queue.id)
        return [self._job(place, queue.fence, one) for one in found]

    def _job(self, place: Place, fence: int, one: Delivery) -> Job:
        message, heard = self._messages[one.message_id], one.project_id in self._hearing
        secrets = self._secrets.get(one.account_id) if _is_direct(one) else None
        return Job(place, fence, one, message, self._endpoint(one), self._now, heard, secrets)

    def _endpoint(self, one: Delivery) -> Endpoint | None:
        return None if one.endpoint_id is None else self._endpoints.get(one.endpoint_id)


def _is_direct(one: Delivery) -> bool:
    return one.transport is Transport.WEBHOOK and one.endpoint_id is None


def _held(tx: Tx, sent: Sequence[Sent]) -> dict[Place, Queue]:
    by_owner: dict[bytes, set[Place]] = defaultdict(set)
    for one in sent:
        by_owner[one.owner].add(one.job.place)
    found: dict[Place, Queue] = {}
    for owner, places in by_owner.items():
        found |= queues.hold(tx, places, owner)
    return found


def _written(tx: Tx, sent: Sequence[Sent]) -> set[DeliveryId]:
    """Of what is settled again: what has been written the first time, though nobody was told."""
    found: set[DeliveryId] = set()
    for one in sent:
        delivery = one.job.delivery
        if one.again and claims.is_logged(tx, delivery.account_id, delivery.id, one.attempt_id):
            found.add(delivery.id)
    return found


def _attempt(sent: Sent, end: Ended) -> Attempt:
    one, how = sent.job.delivery, sent.outcome
    response = how.response
    return Attempt(
        account_id=one.account_id,
        delivery_id=one.id,
        id=sent.attempt_id,
        number=end.attempts,
        ok=how.ok,
        duration_ms=how.duration_ms,
        status=how.status,
        fault=how.fault,
        error=end.error,
        headers=how.headers,
        response=None if response is None else response[:RESPONSE_CHARS_MAX],
        next_at=end.due_at if end.state is State.PENDING else None,
        manual=one.manual,
        via=how.via,
    )


def _fare(tx: Tx, sent: Iterable[Sent], held: dict[Place, Queue]) -> None:
    """Note how destinations fare, where that has changed."""
    before = {place: Circuit(one.failures, one.open_until) for place, one in held.items()}
    after = dict(before)
    for one in sent:
        if not one.job.delivery.manual:
            place = one.job.place
            after[place] = circuit.after(after[place], one.now, reached=one.outcome.reached)
    for place, state in sorted(after.items()):
        if state != before[place]:
            queues.settle(tx, place, state)


def _let_go(tx: Tx, ended: Sequence[tuple[Sent, Ended]]) -> None:
    """Let those go that waited for what has ended, and forget what need not be kept."""
    over: dict[AccountId, list[MessageId]] = defaultdict(list)
    for sent, end in ended:
        one = end.delivery
        if end.state is State.PENDING:
            queues.due(tx, sent.job.place, end.due_at)
            continue
        if one.ordering_key is not None and claims.follow(tx, sent.job.place, one.ordering_key):
            queues.due(tx, sent.job.place, sent.now)
        if end.state is State.SUCCEEDED and sent.job.message.erase:
            over[one.account_id].append(one.message_id)
    for account_id, message_ids in sorted(over.items()):
        store.erase(tx, account_id, message_ids)
