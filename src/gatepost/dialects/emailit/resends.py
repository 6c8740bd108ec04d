"""`/v2/webhooks/{id}/requests`: what was sent to a webhook, and what is sent once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import DeliveryId
from gatepost.dialects.emailit import lists, manage, webhooks, wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.dialects.emailit.webhookrequests import RequestOut, show_request
from gatepost.dialects.emailit.webhookwire import KIND
from gatepost.domains.audit.model import Target
from gatepost.domains.endpoints.model import Endpoint as Listener
from gatepost.domains.outbox import store as outbox
from gatepost.domains.outbox.model import Delivery, State
from gatepost.domains.outbox.store import Narrow
from gatepost.engine import replay
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

PATH = f"{webhooks.ONE}/requests"
BACK_MS = 7 * DAY_MS
"""How long what has failed can be sent again."""
CHUNK = 500
SCANNED_MAX = 20_000


class RequestsOut(msgspec.Struct):
    """A page of requests."""

    data: list[RequestOut]
    next_page_url: str | None
    previous_page_url: str | None


class RetriedOut(msgspec.Struct, tag_field="object", tag=KIND):
    """How many requests were started again."""

    id: str
    retried: int
    more: Annotated[
        bool,
        Meta(
            description=f"Whether there may be more: at most {replay.MANY:,} are started at once."
        ),
    ]


class Listing(msgspec.Struct, frozen=True):
    """Which requests to which webhook."""

    which: str
    asked: Asked


class Which(msgspec.Struct, frozen=True):
    """One request to a webhook."""

    which: str
    delivery_id: DeliveryId


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which requests; raises INVALID."""
    which = call.params["id"]
    return Listing(which, lists.read(call, lists.place(PATH, which)))


def list_(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of what was sent to a webhook."""
    it = webhooks.find(tx, call, command.which)
    rows = _rows(tx, it)
    page, more = lists.cut(rows, command.asked, lambda one: one, SCANNED_MAX)
    return lists.paged(call, page, command.asked, more=more)


def _rows(tx: Tx, it: Listener) -> Iterator[Mapping[str, Any]]:
    before = None
    while True:
        wanted = Narrow(endpoint_id=it.id, before=before)
        found = outbox.list_(tx, it.account_id, wanted, limit=CHUNK)
        told = outbox.messages_by_id(tx, it.account_id, [one.message_id for one in found])
        for one in found:
            yield msgspec.to_builtins(show_request(told.get(one.message_id), one))
        if len(found) < CHUNK:
            return
        before = found[-1].id


def parse_one(call: Call, _body: bytes) -> Which:
    """Read the ids in the path; raises NOT_FOUND."""
    try:
        delivery_id = DeliveryId(ids.parse(wire.REQUEST, call.params["request_id"]))
    except AppError:
        raise _no_request() from None
    return Which(call.params["id"], delivery_id)


def retry(tx: Tx, call: Call, command: Which) -> Reply:
    """Send one once more; raises NOT_FOUND, and CONFLICT where that cannot be."""
    manage.grantor(tx, call)
    one = _request(tx, webhooks.find(tx, call, command.which), command.delivery_id)
    try:
        again = replay.replay(tx, one, call.actor, call.now)
    except AppError as refusal:
        raise wire.refusal(refusal.code, refusal.detail) from None
    tx.after_commit(call.services.due)
    message = outbox.find_message(tx, again.account_id, again.message_id)
    return reply(show_request(message, again))


def _request(tx: Tx, it: Listener, delivery_id: DeliveryId) -> Delivery:
    one = outbox.find(tx, it.account_id, delivery_id)
    if one is None or one.endpoint_id != it.id:
        raise _no_request()
    return one


def _no_request() -> AppError:
    return wire.refusal(Code.NOT_FOUND, "Webhook request not found")


def retry_failed(tx: Tx, call: Call, which: str) -> Reply:
    """Send all once more that have failed of late."""
    manage.grantor(tx, call)
    it = webhooks.find(tx, call, which)
    since = ids.floor_at(call.now - BACK_MS)
    wanted = Narrow(states=(State.FAILED,), endpoint_id=it.id, since=since)
    target = Target(ids.show("endpoint", it.id), it.name, it.project_id)
    done = replay.replay_many(tx, it.account_id, wanted, call.actor, call.now, target)
    tx.after_commit(call.services.due)
    return reply(RetriedOut(ids.show(wire.WEBHOOK, it.id), done.count, done.more))


_endpoint = manage.managing("Webhooks", Scope.ENDPOINTS_READ, Scope.ENDPOINTS_WRITE)

ENDPOINTS = (
    _endpoint(
        "listWebhookRequests",
        "GET",
        PATH,
        summary="List what was sent to a webhook",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=RequestsOut,
        errors=(Code.RANGE_TOO_LARGE,),
    ),
    _endpoint(
        "retryWebhookRequest",
        "POST",
        f"{PATH}/{{request_id}}/retry",
        summary="Send a request to a webhook once more",
        description="The same body, signed anew. One that is to be tried again is tried now. 409 "
        "while it is being sent, or where what it said has been erased.",
        parse=parse_one,
        run=retry,
        response=RequestOut,
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "retryFailedWebhookRequests",
        "POST",
        f"{webhooks.ONE}/retry-failed",
        summary="Send a webhook once more what has failed",
        description="The oldest first, of the last seven days.",
        parse=webhooks.parse_which,
        run=retry_failed,
        response=RetriedOut,
    ),
)
