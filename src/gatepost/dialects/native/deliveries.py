"""`/v1/deliveries`: how messages reach whom they are for, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UnsetType

from gatepost.base import ids
from gatepost.base.errors import Code, invalid, not_found
from gatepost.base.ids import DeliveryId, EndpointId, ProjectId
from gatepost.dialects.native import admin, reading
from gatepost.dialects.native.deliverywire import (
    COUNTED_MAX,
    CountOut,
    DeliveriesOut,
    DeliveriesQuery,
    DeliveryOut,
    RecoverIn,
    ReplayedOut,
    ReplayIn,
    WhichQuery,
    show_delivery,
)
from gatepost.dialects.native.envelope import ok
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.outbox import attempts, store
from gatepost.domains.outbox.model import Delivery, State
from gatepost.domains.outbox.store import Narrow
from gatepost.engine import replay as by_hand
from gatepost.engine.replay import BACK_MS_MAX
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

Act = Callable[[Tx, Delivery, Actor, int], Delivery]


class Recover(msgspec.Struct, frozen=True):
    """Which failed deliveries of an endpoint to start again. Moments in ms."""

    endpoint_id: EndpointId
    since: int
    until: int | None


_replay_body = Body(ReplayIn)
_recover_body = Body(RecoverIn)


def parse_list(call: Call, _body: bytes) -> tuple[Narrow, int]:
    """Read which deliveries; raises INVALID, or NOT_FOUND."""
    query: DeliveriesQuery = queries.read(call, DeliveriesQuery)
    since, before = reading.between(query.since, query.before, query.cursor)
    return _narrow(call, query)._replace(since=since, before=before), query.limit


def parse_count(call: Call, _body: bytes) -> Narrow:
    """Read which deliveries; raises INVALID, or NOT_FOUND."""
    query: WhichQuery = queries.read(call, WhichQuery)
    since, before = reading.between(query.since, query.before)
    return _narrow(call, query)._replace(since=since, before=before)


def _narrow(call: Call, query: WhichQuery) -> Narrow:
    return Narrow(
        states=tuple(dict.fromkeys(query.state)),
        transport=query.transport or None,
        endpoint_id=reading.endpoint(query.endpoint),
        message_id=reading.message(query.message),
        project_id=reading.project(call, query.project),
        type=query.type or None,
    )


def list_(tx: Tx, call: Call, command: tuple[Narrow, int]) -> Reply:
    """A page of deliveries, newest first."""
    wanted, limit = command
    account_id = call.caller.account_id
    found = store.list_(tx, account_id, wanted, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    types = store.types_of(tx, account_id, [one.message_id for one in page.rows])
    shown = [show_delivery(one, type_=types[one.message_id]) for one in page.rows]
    return ok(call, DeliveriesOut(shown, page.next_cursor))


def count(tx: Tx, call: Call, wanted: Narrow) -> Reply:
    """How many deliveries there are."""
    found = store.count(tx, call.caller.account_id, wanted, COUNTED_MAX + 1)
    return ok(call, CountOut(min(found, COUNTED_MAX), found > COUNTED_MAX))


def parse_id(call: Call, _body: bytes) -> DeliveryId:
    """Read the id in the path; raises NOT_FOUND."""
    return DeliveryId(ids.parse("delivery", call.params["id"]))


def get(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read one delivery, with every attempt."""
    return ok(call, _whole(tx, _find(tx, call, delivery_id)))


def _changes(act: Act) -> Callable[[Tx, Call, DeliveryId], Reply]:
    def run(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
        """Change one delivery; raises NOT_FOUND, and CONFLICT where it cannot be."""
        admin.grantor(tx, call)
        changed = act(tx, _find(tx, call, delivery_id), call.actor, call.now)
        tx.after_commit(call.services.due)
        return ok(call, _whole(tx, changed))

    return run


def _find(tx: Tx, call: Call, delivery_id: DeliveryId) -> Delivery:
    one = store.get(tx, call.caller.account_id, delivery_id)
    if admin.bound_elsewhere(call, one.project_id):
        raise not_found("delivery with this id")
    return one


def _whole(tx: Tx, one: Delivery) -> DeliveryOut:
    type_ = store.types_of(tx, one.account_id, [one.message_id])[one.message_id]
    return show_delivery(one, attempts.of(tx, one.account_id, [one.id])[one.id], type_)


def parse_replay(call: Call, body: bytes) -> Narrow:
    """Read which deliveries to start again; raises INVALID, or NOT_FOUND."""
    given: ReplayIn = _replay_body.decode(body)
    since, until = reading.moment(given.since, "since"), reading.moment(given.until, "until")
    wanted = Narrow(
        transport=given.transport or None,
        endpoint_id=reading.endpoint(given.endpoint_id),
        message_id=reading.message(given.message_id),
        type=given.type or None,
        project_id=_project(call, given.project_id),
        since=None if since is None else ids.floor_at(since),
        before=None if until is None else ids.floor_at(until),
    )
    if not any(wanted):
        raise invalid((["since"], "Say which: since when, of which endpoint, …"))
    states = tuple(dict.fromkeys(map(State, given.states)))
    return wanted._replace(states=states, project_id=wanted.project_id or call.caller.project_id)


def _project(call: Call, text: str | UnsetType) -> ProjectId | None:
    return None if isinstance(text, UnsetType) else admin.read_project(call, text)


def replay_many(tx: Tx, call: Call, wanted: Narrow) -> Reply:
    """Start deliveries again."""
    account_id = call.caller.account_id
    target = Target(ids.show("account", account_id), "", wanted.project_id)
    return _replayed(tx, call, wanted, target)


def parse_recover(call: Call, body: bytes) -> Recover:
    """Read which failures to recover from; raises INVALID, or NOT_FOUND."""
    endpoint_id = EndpointId(ids.parse("endpoint", call.params["id"]))
    given: RecoverIn = _recover_body.decode(body)
    since = reading.moment(given.since, "since") or 0
    return Recover(endpoint_id, since, reading.moment(given.until, "until"))


def recover(tx: Tx, call: Call, command: Recover) -> Reply:
    """Start an endpoint's failed deliveries again."""
    endpoint = endpoints.get(tx, call.caller.account_id, command.endpoint_id)
    if admin.bound_elsewhere(call, endpoint.project_id):
        raise not_found("endpoint with this id")
    if command.since < call.now - BACK_MS_MAX:
        raise invalid((["since"], "At most 14 days ago"))
    wanted = Narrow(
        states=(State.FAILED,),
        endpoint_id=endpoint.id,
        since=ids.floor_at(command.since),
        before=None if command.until is None else ids.floor_at(command.until),
    )
    target = Target(ids.show("endpoint", endpoint.id), endpoint.name, endpoint.project_id)
    return _replayed(tx, call, wanted, target)


def _replayed(tx: Tx, call: Call, wanted: Narrow, target: Target) -> Reply:
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    done = by_hand.replay_many(tx, account_id, wanted, call.actor, call.now, target)
    tx.after_commit(call.services.due)
    return ok(call, ReplayedOut(done.count, done.more))


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads = method == "GET"
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.MESSAGES_READ if reads else Scope.MESSAGES_WRITE,
        tag="Deliveries",
        charge=free,
        writes=not reads,
        admin=not reads,
        project=False,
        **more,
    )


def _change(operation: str, verb: str, act: Act, **more: Any) -> Endpoint:
    return _endpoint(
        operation,
        "POST",
        f"/v1/deliveries/{{id}}/{verb}",
        parse=parse_id,
        run=_changes(act),
        response=DeliveryOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "listDeliveries",
        "GET",
        "/v1/deliveries",
        summary="List deliveries",
        description="Newest first. Those that nobody will try again are `failed`. A key bound to a "
        "project sees that project's.",
        parse=parse_list,
        run=list_,
        query=DeliveriesQuery,
        response=DeliveriesOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "countDeliveries",
        "GET",
        "/v1/deliveries/count",
        summary="Count deliveries",
        description="As many as there are in the list of the same filter, 10,000 at most.",
        parse=parse_count,
        run=count,
        query=WhichQuery,
        response=CountOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getDelivery",
        "GET",
        "/v1/deliveries/{id}",
        summary="Read a delivery",
        description="With every attempt, oldest first.",
        parse=parse_id,
        run=get,
        response=DeliveryOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "replayDeliveries",
        "POST",
        "/v1/deliveries/replay",
        summary="Replay many deliveries",
        description="Starts those again that failed, unless `states` says otherwise: the oldest "
        "first, of each ordering key one after the other. Those whose message has been erased or "
        "has expired are left out. Send it again while there are `more`, with another "
        "`Idempotency-Key`.",
        parse=parse_replay,
        run=replay_many,
        request=ReplayIn,
        response=ReplayedOut,
        example={"since": "2026-01-15T00:00:00Z", "transport": "webhook"},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _change(
        "replayDelivery",
        "replay",
        by_hand.replay,
        summary="Replay a delivery",
        description="Sends the same payload under the same message id once more, signed with the "
        "current secret, also to an endpoint that is disabled; its health does not count it. One "
        "that is to be tried again is tried now. 409 where the payload has been erased, the "
        "message has expired, or it is being sent.",
    ),
    _change(
        "cancelDelivery",
        "cancel",
        by_hand.cancel,
        summary="Cancel a delivery",
        description="Ends one that has not succeeded or failed; 409 while it is being sent.",
    ),
    _change(
        "skipDelivery",
        "skip",
        by_hand.skip,
        summary="Skip a delivery that others wait for",
        description="Cancels one with an ordering key, so that the next one goes. 409 while it is "
        "being sent, or where nothing can wait for it.",
    ),
    _endpoint(
        "recoverEndpoint",
        "POST",
        "/v1/endpoints/{id}/recover",
        summary="Replay what an endpoint has missed",
        description="Starts all deliveries to it again that failed, oldest first.",
        parse=parse_recover,
        run=recover,
        request=RecoverIn,
        response=ReplayedOut,
        example={"since": "2026-01-15T00:00:00Z"},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
