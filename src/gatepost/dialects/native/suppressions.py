"""`/v1/suppressions`: who gets no mails of an account any more."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import SuppressionId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import Cursor, DeletedOut, Limit
from gatepost.dialects.native.envelope import ok
from gatepost.domains.suppressions import model, store
from gatepost.domains.suppressions.model import Suppression, Why
from gatepost.engine import post
from gatepost.engine.post import Which
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

NOUN = "suppression"
EMAIL_MAX = 320

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=EMAIL_MAX,
        description="An address; upper and lower case mean the same.",
        examples=["jane@example.com"],
    ),
]
Type = Annotated[
    Why,
    Meta(
        description="Who has ended it: you (`recipient`), the recipient's server (`bounce`), or "
        "the recipient (`complaint`, `unsubscribe`)."
    ),
]
Reason = Annotated[str, Meta(max_length=model.REASON_MAX, examples=["550 5.1.1 No such user here"])]


Until = Annotated[
    datetime,
    Meta(tz=True, description="When it ends by itself; null: it is kept until it is deleted."),
]


class NewSuppressionIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A suppression to be."""

    email: Email
    type: Type = Why.RECIPIENT
    reason: Reason = ""
    keep_until: Until | None = None


class SuppressionOut(msgspec.Struct, rename="camel"):
    """An address that gets nothing more."""

    id: str
    email: Email
    type: Type
    reason: Reason
    created_at: str
    keep_until: Annotated[str | None, Meta(description="When it ends by itself, if it does.")]


class SuppressionsOut(msgspec.Struct, rename="camel"):
    """A page of suppressions; `next_cursor` is null on the last one."""

    suppressions: list[SuppressionOut]
    next_cursor: str | None


class SuppressionsQuery(msgspec.Struct, frozen=True):
    """Which suppressions, and which page of them."""

    type: Type | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


_new_body = Body(NewSuppressionIn)


def parse_new(call: Call, body: bytes) -> NewSuppressionIn:
    """Read a suppression to be; raises INVALID."""
    given: NewSuppressionIn = _new_body.decode(body)
    post.address_of(given.email)
    _until(given, call)
    return given


def create(tx: Tx, call: Call, command: NewSuppressionIn) -> Reply:
    """Suppress an address; raises CONFLICT where it is already."""
    admin.grantor(tx, call)
    account_id, address, why = call.caller.account_id, command.email, command.type
    reason, until, actor = command.reason, _until(command, call), call.actor
    made, fresh = post.suppress(tx, account_id, address, why, reason, actor, call.now, until=until)
    if not fresh:
        extra: dict[str, object] = {"existing": msgspec.to_builtins(show(made))}
        raise AppError(Code.CONFLICT, "This address is suppressed already", extra=extra)
    return ok(call, show(made), 201)


def parse_list(call: Call, _body: bytes) -> SuppressionsQuery:
    """Read which suppressions; raises INVALID."""
    query: SuppressionsQuery = queries.read(call, SuppressionsQuery)
    admin.read_cursor(query.cursor)
    return query


def list_(tx: Tx, call: Call, query: SuppressionsQuery) -> Reply:
    """A page of the account's suppressions."""
    found = store.list_(
        tx,
        call.caller.account_id,
        call.now,
        types=() if query.type is UNSET else (query.type,),
        before=admin.read_cursor(query.cursor),
        limit=query.limit + 1,
    )
    page = paging.page(found, query.limit, lambda one: one.id)
    return ok(call, SuppressionsOut([show(one) for one in page.rows], page.next_cursor))


def parse_which(call: Call, _body: bytes) -> Which:
    """Read the id or address in the path; raises NOT_FOUND for what is neither."""
    text = call.params["id"]
    if "@" not in text:
        return Which(SuppressionId(ids.parse(NOUN, text)), "")
    try:
        return Which(None, post.address_of(text))
    except AppError:
        raise not_found("suppression of this address") from None


def get(tx: Tx, call: Call, which: Which) -> Reply:
    """Read one suppression."""
    return ok(call, show(post.suppressed(tx, call.caller.account_id, which, call.now)))


def delete(tx: Tx, call: Call, which: Which) -> Reply:
    """End a suppression."""
    admin.grantor(tx, call)
    gone = post.suppressed(tx, call.caller.account_id, which, call.now)
    post.release(tx, gone, call.actor, call.now)
    return ok(call, DeletedOut(ids.show(NOUN, gone.id), gone.address))


def show(one: Suppression) -> SuppressionOut:
    """Write a suppression for the wire."""
    at, until = clock.iso(one.created_at), admin.moment(one.keep_until)
    return SuppressionOut(ids.show(NOUN, one.id), one.address, one.type, one.reason, at, until)


def _until(given: NewSuppressionIn, call: Call) -> int | None:
    """When one is to end (ms); raises INVALID for what is over."""
    if given.keep_until is None:
        return None
    at = queries.kept(round(given.keep_until.timestamp() * 1000))
    if at <= call.now:
        raise invalid((["keepUntil"], "Must lie ahead"))
    return at


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads = method == "GET"
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.SUPPRESSIONS_READ if reads else Scope.SUPPRESSIONS_WRITE,
        tag="Suppressions",
        charge=free,
        writes=not reads,
        project=False,
        admin=not reads,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "createSuppression",
        "POST",
        "/v1/suppressions",
        summary="Suppress an address",
        description="Deliveries to it fail at once, also those of messages that were accepted "
        "before.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewSuppressionIn,
        response=SuppressionOut,
        example={"email": "jane@example.com", "reason": "Asked us by phone"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listSuppressions",
        "GET",
        "/v1/suppressions",
        summary="List suppressions",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=SuppressionsQuery,
        response=SuppressionsOut,
    ),
    _endpoint(
        "getSuppression",
        "GET",
        "/v1/suppressions/{id}",
        summary="Read a suppression",
        description="By its id, or by the address.",
        parse=parse_which,
        run=get,
        response=SuppressionOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "deleteSuppression",
        "DELETE",
        "/v1/suppressions/{id}",
        summary="End a suppression",
        description="By its id, or by the address, which gets mails again.",
        parse=parse_which,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
