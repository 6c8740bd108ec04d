"""`/v2/email-verification-lists`: many addresses verified, a little later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import VerificationListId
from gatepost.dialects.emailit import lists, manage, wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery, Test
from gatepost.dialects.emailit.verifications import TAG, Address, Moment, VerificationOut
from gatepost.domains.verifications import model, store
from gatepost.domains.verifications.model import Verification, VerificationList
from gatepost.engine import verify
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/email-verification-lists"
ONE = f"{PATH}/{{id}}"
RESULTS = f"{ONE}/results"
LIMIT = 50
PLAIN = {"result", "status"}
"""Parameters that narrow results without a condition."""
MISSING = "Email verification list not found"
COLUMNS = ("email", "status", "result", "score", "risk", "role_account", "has_mx_records")

Name = Annotated[
    str, Meta(min_length=1, max_length=model.NAME_MAX, examples=["October newsletter import"])
]


class NewListIn(msgspec.Struct, frozen=True):
    """A list to be."""

    name: Name
    emails: Annotated[
        list[Address],
        Meta(
            min_length=1,
            max_length=model.ADDRESSES_MAX,
            description="What may be addresses; those that come again are looked at once.",
        ),
    ]


class CountsOut(msgspec.Struct):
    """How many addresses have which result; only `unknown` and `invalid` are ever given."""

    safe: int
    role: int
    catch_all: int
    unknown: int
    inbox_full: int
    disabled: int
    disposable: int
    invalid: int


class StatsOut(msgspec.Struct):
    """How far a list has come. Those that have failed could not be asked for."""

    total_emails: int
    processed_emails: int
    successful_verifications: int
    failed_verifications: int
    pending_emails: int
    results: CountsOut


class ListOut(msgspec.Struct, tag_field="object", tag=verify.LIST):
    """Addresses that are verified."""

    id: Annotated[str, Meta(examples=["evl_01998f1cd2a77c03b1f2a64d5e8f9a0b"])]
    name: Name
    status: Literal["processing", "completed"]
    stats: StatsOut
    created_at: Moment
    updated_at: Moment


class MadeListOut(ListOut, tag=verify.LIST):
    """A list that was made, and what was taken of what was given."""

    valid_emails_count: Annotated[int, Meta(description="Those that are written as addresses.")]
    unique_emails_count: int
    dispatched_jobs: int


class ListsOut(msgspec.Struct):
    """A page of lists."""

    data: list[ListOut]
    next_page_url: str | None
    previous_page_url: str | None


class ResultsOut(msgspec.Struct):
    """A page of a list's addresses, in their order."""

    data: list[VerificationOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedListOut(msgspec.Struct, tag_field="object", tag=verify.LIST):
    """What was forgotten."""

    id: str
    name: Name
    deleted: bool = True


class Results(msgspec.Struct, frozen=True):
    """Which of a list's addresses are asked for."""

    list_id: VerificationListId
    asked: Asked


_new_body = Body(NewListIn)


def parse_new(_call: Call, body: bytes) -> NewListIn:
    """Read a list to be; raises INVALID."""
    new: NewListIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, new: NewListIn) -> Reply:
    """Make a list."""
    manage.grantor(tx, call)
    once, account_id = model.tidy(new.emails), call.caller.account_id
    try:
        made = verify.create(tx, account_id, call.project_id, new.name, once, call.actor, call.now)
    except AppError as refusal:
        raise wire.refusal(refusal.code, refusal.detail) from None
    counts = {
        "valid_emails_count": sum(model.domain_of(one) is not None for one in once),
        "unique_emails_count": len(once),
        "dispatched_jobs": len(once),
    }
    return reply(verify.show_list(made) | counts, 201, ring=call.project_id)


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which lists; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the account's lists."""
    rows = [verify.show_list(one) for one in store.list_(tx, call.caller.account_id)]
    return lists.answer(call, rows, asked)


def parse_id(call: Call, _body: bytes) -> VerificationListId:
    """Read the id in the path; raises NOT_FOUND."""
    try:
        return VerificationListId(wire.read_id(wire.VERIFICATION_LIST, call.params["id"]))
    except AppError:
        raise wire.refusal(Code.NOT_FOUND, MISSING) from None


def get(tx: Tx, call: Call, list_id: VerificationListId) -> Reply:
    """Read one list."""
    return reply(verify.show_list(_find(tx, call, list_id)))


def parse_results(call: Call, body: bytes) -> Results:
    """Read which of a list's addresses; raises INVALID, or NOT_FOUND."""
    list_id = parse_id(call, body)
    asked = lists.read(call, lists.place(RESULTS, call.params["id"]), limit=LIMIT)
    plain = tuple(Test(name, "exact", value) for name, value in asked.pairs if name in PLAIN)
    return Results(list_id, msgspec.structs.replace(asked, tests=(*asked.tests, *plain)))


def results(tx: Tx, call: Call, command: Results) -> Reply:
    """A page of a list's addresses."""
    one, asked = _find(tx, call, command.list_id), command.asked
    if asked.narrows:
        return lists.answer(call, _shown(one, _all(tx, one)), asked)
    found = store.addresses(tx, one.account_id, one.id, place=asked.offset, limit=asked.limit + 1)
    page = _shown(one, found[: asked.limit])
    return lists.paged(call, page, asked, more=len(found) > asked.limit)


def export(tx: Tx, call: Call, list_id: VerificationListId) -> Reply:
    """Write all of a list's addresses as CSV."""
    one = _find(tx, call, list_id)
    rows = [_row(it) for it in _shown(one, _all(tx, one))]
    name = ids.show(wire.VERIFICATION_LIST, one.id)
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}.csv"'.encode()),
        (b"cache-control", b"no-store"),
    )
    return Reply(200, sheet.write(COLUMNS, rows), headers)


def delete(tx: Tx, call: Call, list_id: VerificationListId) -> Reply:
    """Forget a list."""
    manage.grantor(tx, call)
    gone = _find(tx, call, list_id)
    verify.end(tx, gone.account_id, gone.id, call.actor, call.now)
    shown = DeletedListOut(ids.show(wire.VERIFICATION_LIST, gone.id), gone.name)
    return reply(shown, ring=call.project_id)


def _find(tx: Tx, call: Call, list_id: VerificationListId) -> VerificationList:
    found = store.find(tx, call.caller.account_id, list_id)
    if found is None:
        raise wire.refusal(Code.NOT_FOUND, MISSING)
    return found


def _all(tx: Tx, one: VerificationList) -> list[Verification]:
    return store.addresses(tx, one.account_id, one.id)


def _shown(one: VerificationList, found: Sequence[Verification]) -> list[dict[str, Any]]:
    return [verify.show(it, one.created_at, "full") for it in found]


def _row(shown: Mapping[str, Any]) -> list[str]:
    flat = {**shown, **(shown["checks"] or {})}
    return [_cell(flat.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _bytes_max(settings: Settings) -> int:
    return settings.batch_bytes_max


_endpoint = manage.managing(TAG, Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)
_one: dict[str, Any] = {"parse": parse_id, "errors": (Code.NOT_FOUND,)}


ENDPOINTS = (
    _endpoint(
        "createVerificationList",
        "POST",
        PATH,
        summary="Verify many addresses",
        description=f"Up to {model.ADDRESSES_MAX}, trimmed and in lower case. They are looked at "
        "a little later, in their order; the list tells how far that has come. It is forgotten "
        "after 30 days.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewListIn,
        response=MadeListOut,
        example={
            "name": "October newsletter import",
            "emails": ["ada@example.com", "bob@example.com"],
        },
        errors=(Code.CONFLICT,),
        bound=_bytes_max,
    ),
    _endpoint(
        "listVerificationLists",
        "GET",
        PATH,
        summary="List verification lists",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=ListsOut,
        project=False,
    ),
    _endpoint(
        "getVerificationList",
        "GET",
        ONE,
        summary="Read a verification list",
        run=get,
        response=ListOut,
        project=False,
        **_one,
    ),
    _endpoint(
        "listVerificationResults",
        "GET",
        RESULTS,
        summary="List what was found of a list's addresses",
        description=f"In the order in which they were given, {LIMIT} to a page. `result` and "
        "`status` narrow it, as conditions on other members do.",
        parse=parse_results,
        run=results,
        query=PageQuery,
        response=ResultsOut,
        project=False,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "exportVerificationList",
        "GET",
        f"{ONE}/export",
        summary="Export what was found of a list's addresses",
        description="All of them as CSV. What a spreadsheet would take for a formula begins "
        "with `'`.",
        run=export,
        response=bytes,
        media=sheet.CSV,
        project=False,
        **_one,
    ),
    _endpoint(
        "deleteVerificationList",
        "DELETE",
        ONE,
        summary="Forget a verification list",
        description="With all that was found.",
        run=delete,
        response=DeletedListOut,
        **_one,
    ),
)
