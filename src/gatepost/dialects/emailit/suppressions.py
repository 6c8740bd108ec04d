"""`/v2/suppressions`: who gets no mails any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import SuppressionId
from gatepost.dialects.emailit import emails_given, emails_wire, lists, manage, wire
from gatepost.dialects.emailit.envelope import SUPPRESSIONS, reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.suppressions import model, store
from gatepost.domains.suppressions.model import Suppression, Why
from gatepost.engine import milestones, post
from gatepost.engine.milestones import Milestone
from gatepost.engine.post import Which
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/suppressions"
ONE = f"{PATH}/{{id}}"
KIND = "suppression"
EMAIL_MAX = 320
UNTIL = "keep_until"
CHUNK = 500
SCANNED_MAX = 50_000
NO_IDENTIFIER = "Invalid identifier. Must be a suppression ID (sup_xxx) or valid email address."
BOUNCES = ("hard_bounce", "soft_bounce")
"""What Emailit's own examples call a bounce."""

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=EMAIL_MAX,
        description="An address; upper and lower case mean the same.",
        examples=["jane@example.com"],
    ),
]
GivenType = Annotated[
    Literal["recipient", "bounce", "complaint", "unsubscribe", "hard_bounce", "soft_bounce"],
    Meta(description="Who has ended it; `hard_bounce` and `soft_bounce` are a `bounce`."),
]
Reason = Annotated[str, Meta(max_length=model.REASON_MAX, examples=["Asked us by phone"])]
Moment = Annotated[str, Meta(max_length=emails_wire.MOMENT_MAX)] | float
GivenUntil = Annotated[
    Moment | None,
    Meta(
        description="When it ends by itself: ISO 8601, or Unix seconds. With null it is kept "
        "until it is deleted.",
        examples=["2031-12-31T00:00:00Z"],
    ),
]
Until = Annotated[str | None, Meta(description="When it ends by itself, if it does.")]


class NewSuppressionIn(msgspec.Struct, frozen=True):
    """A suppression to be."""

    email: Email
    type: GivenType = "recipient"
    reason: Reason | None = None
    keep_until: GivenUntil = None


class SuppressionChangesIn(msgspec.Struct, frozen=True):
    """What to change; members left out stay as they are."""

    type: GivenType | UnsetType = UNSET
    reason: Reason | UnsetType | None = UNSET
    keep_until: GivenUntil | UnsetType = UNSET


class SuppressionOut(msgspec.Struct, tag_field="object", tag=KIND):
    """An address that gets nothing more."""

    id: str
    email: Email
    type: Annotated[Why, Meta(description="Who has ended it.")]
    reason: str | None
    timestamp: str
    keep_until: Until


class SuppressionsOut(msgspec.Struct):
    """A page of suppressions."""

    data: list[SuppressionOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedSuppressionOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What was ended."""

    id: str
    email: str
    deleted: bool = True


class Change(msgspec.Struct, frozen=True):
    """What to change of which suppression."""

    which: Which
    given: SuppressionChangesIn


_new_body = Body(NewSuppressionIn)
_changes_body = Body(SuppressionChangesIn)


def parse_new(call: Call, body: bytes) -> NewSuppressionIn:
    """Read a suppression to be; raises INVALID."""
    given: NewSuppressionIn = _new_body.decode(body)
    post.address_of(given.email)
    _until(given.keep_until, call)
    return given


def create(tx: Tx, call: Call, given: NewSuppressionIn) -> Reply:
    """Suppress an address; raises CONFLICT where it is already."""
    manage.grantor(tx, call)
    account_id, why, reason = call.caller.account_id, _why(given.type), given.reason or ""
    until, actor, now = _until(given.keep_until, call), call.actor, call.now
    made, fresh = post.suppress(tx, account_id, given.email, why, reason, actor, now, until=until)
    if not fresh:
        words = "Suppression already exists"
        raise wire.conflict(wire.SUPPRESSION, made.id, KIND, words, email=made.address)
    return _told(tx, call, made, "created", 201)


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which suppressions; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the account's suppressions."""
    account_id = call.caller.account_id
    if asked.narrows:
        page, more = lists.cut(_all(tx, call), asked, _row, SCANNED_MAX)
    else:
        found = store.list_(tx, account_id, call.now, offset=asked.offset, limit=asked.limit + 1)
        page, more = found[: asked.limit], len(found) > asked.limit
    return lists.paged(call, [_row(one) for one in page], asked, more=more)


def _all(tx: Tx, call: Call) -> Iterator[Suppression]:
    before = None
    while True:
        found = store.list_(tx, call.caller.account_id, call.now, before=before, limit=CHUNK)
        yield from found
        if len(found) < CHUNK:
            return
        before = found[-1].id


def _row(one: Suppression) -> dict[str, Any]:
    return dict(msgspec.to_builtins(show(one)))


def parse_which(call: Call, _body: bytes) -> Which:
    """Read the id or address in the path; raises INVALID for what is neither, NOT_FOUND."""
    text = call.params["id"]
    if text.startswith(f"{wire.SUPPRESSION}_") and "@" not in text:
        return Which(SuppressionId(wire.read_id(wire.SUPPRESSION, text)), "")
    try:
        return Which(None, post.address_of(text))
    except AppError:
        raise wire.refusal(Code.INVALID, NO_IDENTIFIER) from None


def get(tx: Tx, call: Call, which: Which) -> Reply:
    """Read one suppression."""
    return reply(show(post.suppressed(tx, call.caller.account_id, which, call.now)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    which = parse_which(call, b"")
    given: SuppressionChangesIn = _changes_body.decode(body)
    if given.keep_until is not UNSET:
        _until(given.keep_until, call)
    return Change(which, given)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Tell otherwise why an address is suppressed, or until when."""
    manage.grantor(tx, call)
    it, given = post.suppressed(tx, call.caller.account_id, command.which, call.now), command.given
    after = msgspec.structs.replace(
        it,
        type=it.type if given.type is UNSET else _why(str(given.type)),
        reason=it.reason if given.reason is UNSET else str(given.reason or ""),
        keep_until=it.keep_until if given.keep_until is UNSET else _until(given.keep_until, call),
    )
    return _told(tx, call, post.amend(tx, after, call.actor, call.now), "updated")


def delete(tx: Tx, call: Call, which: Which) -> Reply:
    """End a suppression."""
    manage.grantor(tx, call)
    gone = post.suppressed(tx, call.caller.account_id, which, call.now)
    post.release(tx, gone, call.actor, call.now)
    _note(tx, call, gone, "deleted")
    shown = DeletedSuppressionOut(ids.show(wire.SUPPRESSION, gone.id), gone.address)
    return reply(shown, ring=call.project_id)


def show(one: Suppression) -> SuppressionOut:
    """Write a suppression for the wire."""
    shown = ids.show(wire.SUPPRESSION, one.id)
    at, until = wire.moment(one.created_at), wire.maybe(one.keep_until)
    return SuppressionOut(shown, one.address, one.type, one.reason or None, at, until)


def _until(given: str | float | None, call: Call) -> int | None:
    """Read when one ends (ms); raises INVALID for what is over."""
    at = emails_given.read_moment(given, UNTIL)
    if at is not None and at <= call.now:
        raise wire.problem(UNTIL, "Must lie ahead")
    return at


def _why(given: str) -> Why:
    return Why.BOUNCE if given in BOUNCES else Why(given)


def _told(tx: Tx, call: Call, one: Suppression, what: str, status: int = 200) -> Reply:
    _note(tx, call, one, what)
    return reply(show(one), status, ring=call.project_id)


def _note(tx: Tx, call: Call, one: Suppression, what: str) -> None:
    told = Milestone(
        account_id=one.account_id,
        project_id=call.project_id,
        type=f"{KIND}.{what}",
        object=_row(one),
    )
    milestones.note(tx, [told], call.now)


_endpoint = manage.managing(SUPPRESSIONS, Scope.SUPPRESSIONS_READ, Scope.SUPPRESSIONS_WRITE)

ENDPOINTS = (
    _endpoint(
        "createSuppression",
        "POST",
        PATH,
        summary="Suppress an address",
        description="Mails to it fail at once, also those that were accepted before. One that is "
        "suppressed already is 409, and `existing` tells which one it is.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewSuppressionIn,
        response=SuppressionOut,
        example={"email": "jane@example.com", "reason": "Asked us by phone"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listSuppressions",
        "GET",
        PATH,
        summary="List suppressions",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=SuppressionsOut,
        errors=(Code.RANGE_TOO_LARGE,),
    ),
    _endpoint(
        "getSuppression",
        "GET",
        ONE,
        summary="Read a suppression",
        description="By its id, or by the address.",
        parse=parse_which,
        run=get,
        response=SuppressionOut,
        errors=(Code.INVALID,),
    ),
    _endpoint(
        "updateSuppression",
        "POST",
        ONE,
        summary="Change a suppression",
        description="By its id, or by the address.",
        parse=parse_changes,
        run=update,
        request=SuppressionChangesIn,
        response=SuppressionOut,
        example={"reason": "Asked us by mail"},
    ),
    _endpoint(
        "deleteSuppression",
        "DELETE",
        ONE,
        summary="End a suppression",
        description="By its id, or by the address, which gets mails again.",
        parse=parse_which,
        run=delete,
        response=DeletedSuppressionOut,
        errors=(Code.INVALID,),
    ),
)
