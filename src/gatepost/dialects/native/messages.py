"""`/v1/messages`: what is told to somebody, sent by hand; and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import EventId, MessageId
from gatepost.dialects.native import (
    admin,
    messagewire,
    reading,
    to_chat,
    to_email,
    to_push,
    to_webhook,
)
from gatepost.dialects.native.admin import Cursor, Limit
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.messagewire import (
    MessageOut,
    MessagesOut,
    NewMessageIn,
    WholeMessageOut,
)
from gatepost.domains.outbox import attempts, store
from gatepost.domains.outbox.model import TYPE_MAX, Message, Priority, State
from gatepost.domains.outbox.policy import Policy
from gatepost.domains.outbox.store import Asked
from gatepost.engine import replay
from gatepost.engine.notify import Notified, Notify, notify
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

KINDS: dict[str, ModuleType] = {one.MEMBER: one for one in (to_webhook, to_email, to_chat, to_push)}
"""What a message can be: a module each, with `check`, `charge` and `draft` of its member."""

PREFIX = "message."
AHEAD_MS_MAX = 366 * DAY_MS


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send, as it was asked for. Moments in ms."""

    kind: str
    given: Any
    priority: Priority
    send_at: int | None
    expires_at: int | None
    ordering_key: str | None
    policy: Policy | None
    erase: bool


class MessagesQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which messages, and which page of them. All that is given must hold."""

    state: (
        Annotated[State, Meta(description="Those with a delivery in this state.")] | UnsetType
    ) = UNSET
    type: (
        Annotated[str, Meta(max_length=TYPE_MAX, description="As `event.orders`.")] | UnsetType
    ) = UNSET
    event: (
        Annotated[str, Meta(description="The id of the event that they tell of.")] | UnsetType
    ) = UNSET
    endpoint: (
        Annotated[str, Meta(description="The id of an endpoint that they go to.")] | UnsetType
    ) = UNSET
    project: Annotated[str, Meta(description="A project's id.")] | UnsetType = UNSET
    since: Annotated[str, Meta(description="ISO 8601, inclusive.")] | UnsetType = UNSET
    before: Annotated[str, Meta(description="ISO 8601, exclusive.")] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


_new_body = Body(NewMessageIn)


def parse_new(call: Call, body: bytes) -> Send:
    """Read a message to send; raises INVALID."""
    given: NewMessageIn = _new_body.decode(body)
    kind = _kind(given)
    if KINDS[kind] is not to_email:
        call.check_unbound()
    said = getattr(given, kind)
    KINDS[kind].check(call, said)
    return Send(
        kind=kind,
        given=said,
        priority=messagewire.read_priority(given.priority),
        send_at=reading.moment(given.send_at, "sendAt"),
        expires_at=reading.moment(given.expires_at, "expiresAt"),
        ordering_key=None if given.ordering_key is UNSET else str(given.ordering_key),
        policy=messagewire.read_policy(given.retry),
        erase=given.erase,
    )


def _kind(given: NewMessageIn) -> str:
    found = [name for name in KINDS if getattr(given, name) is not UNSET]
    if len(found) != 1:
        names = found[1:] or KINDS
        raise invalid(*(([name], f"Give exactly one of {', '.join(KINDS)}") for name in names))
    return found[0]


async def prepare(call: Call, command: Send) -> Send:
    """Do what takes too long for a transaction, where a kind has such a thing."""
    kind = KINDS[command.kind]
    if kind is not to_email:
        return command
    return msgspec.structs.replace(command, given=await to_email.prepare(call, command.given))


def create(tx: Tx, calls: Sequence[Call], commands: Sequence[Send]) -> list[Reply | AppError]:
    """Put messages into the outbox; one that cannot be refuses its own request alone."""
    asked = [_asked(tx, call, command) for call, command in zip(calls, commands, strict=True)]
    done = iter(notify(tx, [one for one in asked if isinstance(one, Notify)]))
    tx.after_commit(calls[0].services.due)
    return [
        one if isinstance(one, AppError) else _told(call, next(done))
        for call, one in zip(calls, asked, strict=True)
    ]


def _told(call: Call, one: Notified) -> Reply:
    return ok(call, messagewire.show(one.message, one.deliveries), 202)


def _asked(tx: Tx, call: Call, command: Send) -> Notify | AppError:
    try:
        _check_moments(command, call.now)
        draft = KINDS[command.kind].draft(tx, call, command.given)
    except AppError as refusal:
        return refusal
    targets = draft.targets
    if command.policy is not None:
        own = command.policy
        targets = tuple(msgspec.structs.replace(one, policy=own) for one in targets)
    return Notify(
        account_id=call.caller.account_id,
        project_id=call.project_id,
        now=call.now,
        type=PREFIX + command.kind,
        body=draft.body,
        targets=targets,
        priority=command.priority,
        ordering_key=command.ordering_key,
        send_at=command.send_at,
        expires_at=command.expires_at,
        erase=command.erase,
        message_id=draft.message_id,
    )


def _check_moments(command: Send, now: int) -> None:
    """Here, not where it is read: a repeated request is no less right when its time has come."""
    send_at, expires_at = command.send_at, command.expires_at
    if send_at is not None and not now < send_at <= now + AHEAD_MS_MAX:
        raise invalid((["sendAt"], "Must lie ahead, by at most a year"))
    if expires_at is not None and expires_at <= (send_at or now):
        raise invalid((["expiresAt"], "Must lie ahead, and after sendAt"))


def _charge(command: Send) -> Charge:
    charge: Charge = KINDS[command.kind].charge(command.given)
    return charge


def _recipients(command: Send) -> int:
    """How many mails it is, which plans may limit."""
    return _charge(command).units if KINDS[command.kind] is to_email else 0


def parse_list(call: Call, _body: bytes) -> tuple[Asked, int]:
    """Read which messages; raises INVALID, or NOT_FOUND."""
    query: MessagesQuery = queries.read(call, MessagesQuery)
    since, before = reading.between(query.since, query.before, query.cursor)
    asked = Asked(
        project_id=reading.project(call, query.project),
        state=None if query.state is UNSET else query.state,
        type=None if query.type is UNSET else query.type,
        event_id=None if query.event is UNSET else EventId(ids.parse("event", query.event)),
        endpoint_id=reading.endpoint(query.endpoint),
        since=since,
        before=before,
    )
    return asked, query.limit


def list_(tx: Tx, call: Call, command: tuple[Asked, int]) -> Reply:
    """A page of messages, newest first."""
    asked, limit = command
    account_id = call.caller.account_id
    found = store.search(tx, account_id, asked, limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    sent = store.of_messages(tx, account_id, [one.id for one in page.rows])
    shown = [messagewire.show(one, sent[one.id]) for one in page.rows]
    return ok(call, MessagesOut(shown, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> MessageId:
    """Read the id in the path; raises NOT_FOUND."""
    return MessageId(ids.parse("message", call.params["id"]))


def get(tx: Tx, call: Call, message_id: MessageId) -> Reply:
    """Read one message, with every attempt."""
    account_id = call.caller.account_id
    message = _find(tx, call, message_id)
    sent = store.of_messages(tx, account_id, [message_id])[message_id]
    tried = attempts.of(tx, account_id, [one.id for one in sent])
    return ok(call, messagewire.show_whole(message, sent, tried))


def cancel(tx: Tx, call: Call, message_id: MessageId) -> Reply:
    """End a message's deliveries that have not begun; raises CONFLICT where there is none."""
    admin.grantor(tx, call)
    message = _find(tx, call, message_id)
    sent = replay.cancel_all(tx, message, call.actor, call.now)
    tx.after_commit(call.services.due)
    return ok(call, messagewire.show(message, sent))


def _find(tx: Tx, call: Call, message_id: MessageId) -> Message:
    message = store.get_message(tx, call.caller.account_id, message_id)
    if admin.bound_elsewhere(call, message.project_id):
        raise not_found("message with this id")
    return message


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(operation=operation, method=method, path=path, tag="Messages", **more)


ENDPOINTS = (
    _endpoint(
        "createMessage",
        "POST",
        "/v1/messages",
        scope=Scope.MESSAGES_SEND,
        summary="Send a message",
        description="It is one of `webhook`, `email`, `chat` and `push`. It is kept before it is "
        "acknowledged, and delivered at least once: every attempt carries the message's id, so "
        "that a receiver can tell a repetition. A quota counts what is accepted.",
        parse=parse_new,
        run=create,
        charge=_charge,
        recipients=_recipients,
        writes=True,
        vector=True,
        bound=to_email.body_bytes_max,
        prepare=prepare,
        status=202,
        request=NewMessageIn,
        response=MessageOut,
        example={"webhook": {"url": "https://example.com/hook", "payload": {"hello": "world"}}},
        errors=(Code.IDEMPOTENCY_CONFLICT, Code.TOO_LARGE, Code.QUOTA_EXCEEDED),
    ),
    _endpoint(
        "listMessages",
        "GET",
        "/v1/messages",
        scope=Scope.MESSAGES_READ,
        summary="List messages",
        description="Newest first. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        charge=free,
        writes=False,
        project=False,
        query=MessagesQuery,
        response=MessagesOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getMessage",
        "GET",
        "/v1/messages/{id}",
        scope=Scope.MESSAGES_READ,
        summary="Read a message",
        description="With what it says, and every attempt of its deliveries.",
        parse=parse_id,
        run=get,
        charge=free,
        writes=False,
        project=False,
        response=WholeMessageOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "cancelMessage",
        "POST",
        "/v1/messages/{id}/cancel",
        scope=Scope.MESSAGES_WRITE,
        summary="Cancel a message",
        description="Ends those of its deliveries that have not succeeded or failed and are not "
        "being sent. 409 where there is none.",
        parse=parse_id,
        run=cancel,
        charge=free,
        writes=True,
        admin=True,
        project=False,
        response=MessageOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
)
