"""`/v1/refusals`: which requests were refused, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.clock import HOUR_MS
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import KeyId
from gatepost.dialects.native import sheets
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.gate import ledger
from gatepost.gate.ledger import Place, Refused
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call, Endpoint, free


class RefusalsQuery(SheetQuery, rename="camel", frozen=True):
    """Which lines, and which page of them."""

    key_id: (
        Annotated[str, Meta(max_length=255, description="Refusals of this key.")] | UnsetType
    ) = UNSET
    code: Annotated[Code, Meta(description="Refusals with this code.")] | UnsetType = UNSET


class RefusalOut(msgspec.Struct, rename="camel"):
    """How often a key was refused on a route for one reason within an hour.

    `message`, `address`, `request_id` and `last_at` are the latest one's.
    """

    key_id: str
    project_id: str | None
    code: str
    route: str
    hour: str
    count: int
    message: str
    address: str | None
    request_id: str
    last_at: str


class RefusalsOut(msgspec.Struct, rename="camel"):
    """A page of lines; `next_cursor` is null on the last one."""

    refusals: list[RefusalOut]
    next_cursor: str | None


class Wanted(msgspec.Struct, frozen=True):
    """Which lines, read from the query."""

    key_id: KeyId | None
    code: str | None
    before: Place | None
    limit: int


def parse(call: Call, _body: bytes) -> Wanted:
    """Read which lines; raises INVALID."""
    query = queries.read(call, RefusalsQuery)
    return Wanted(
        None if query.key_id is UNSET else _key_id(query.key_id),
        None if query.code is UNSET else str(query.code),
        None if query.cursor is UNSET else _place(query.cursor),
        sheets.length(call, query.limit),
    )


def _key_id(text: str) -> KeyId:
    try:
        return KeyId(ids.parse("key", text))
    except AppError:
        raise invalid((["keyId"], "Not the id of a key")) from None


def _place(cursor: str) -> Place:
    try:
        return msgspec.msgpack.decode(paging.decode(cursor), type=Place)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise invalid((["cursor"], "Not a cursor of this list")) from None


def run(tx: Tx, call: Call, wanted: Wanted) -> Reply:
    """A page of the account's refusals; of the project's keys for a key bound to one."""
    found = ledger.list_(
        tx,
        call.caller.account_id,
        key_id=wanted.key_id,
        code=wanted.code,
        project_id=call.caller.project_id,
        before=wanted.before,
        limit=wanted.limit + 1,
    )
    page = paging.page(found, wanted.limit, lambda line: msgspec.msgpack.encode(line.place))
    return sheets.reply(call, RefusalsOut([_show(line) for line in page.rows], page.next_cursor))


def _show(line: Refused) -> RefusalOut:
    return RefusalOut(
        ids.show("key", line.key_id),
        ids.show("project", line.project_id) if line.project_id else None,
        line.code,
        line.route,
        clock.iso(line.hour * HOUR_MS),
        line.count,
        line.detail,
        line.address,
        line.request_id,
        clock.iso(line.last_at),
    )


ENDPOINTS = (
    Endpoint(
        operation="listRefusals",
        method="GET",
        path="/v1/refusals",
        scope=Scope.REFUSALS_READ,
        summary="List refused requests",
        description="The latest first, one line per key, code, route and hour; about a second "
        "behind. Requests with an unknown key belong to nobody and are not here.",
        tag="Audit",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        project=False,
        admin=True,
        query=RefusalsQuery,
        response=RefusalsOut,
        also=(sheet.CSV,),
    ),
)
