"""Lists as CSV: the items of a page as rows, each member of an item a column."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.dialects.native.admin import PageQuery, read_cursor
from gatepost.dialects.native.envelope import encode, ok
from gatepost.gate.once import Reply
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call

ROWS_MAX = 10_000
NEXT = b"x-next-cursor"


class ListFormat(StrEnum):
    """What a list is written in."""

    JSON = "json"
    CSV = "csv"


Format = Annotated[
    ListFormat,
    Meta(
        description="`csv` are the items alone, a row each; so is `Accept: text/csv`. Then "
        "`limit` counts for nothing: up to 10,000 rows come at once, and `X-Next-Cursor` is the "
        "cursor of what comes after them."
    ),
]


class SheetQuery(PageQuery, frozen=True):
    """Which page of a list, and what it is written in."""

    format: Format | UnsetType = UNSET


def read_page(call: Call) -> tuple[bytes | None, int]:
    """Read where a page starts (an id) and how many items it has; raises INVALID."""
    query: SheetQuery = queries.read(call, SheetQuery)
    return read_cursor(query.cursor), length(call, query.limit)


def wanted(call: Call) -> bool:
    """Whether this call asks for CSV."""
    named = next((value for name, value in queries.pairs(call) if name == "format"), None)
    return sheet.asked_for(call.headers) if named is None else named == ListFormat.CSV


def length(call: Call, limit: int) -> int:
    """How many items are given at once, where `limit` of a page are asked for."""
    return ROWS_MAX if wanted(call) else limit


def reply(call: Call, page: Any) -> Reply:
    """Answer with a page, whose first member are its items: as it is, or as CSV."""
    if not wanted(call):
        return ok(call, page)
    items, cursor = (one.name for one in msgspec.structs.fields(type(page)))
    columns = _columns(type(page))
    rows = [_row(msgspec.to_builtins(one), columns) for one in getattr(page, items)]
    headers = [
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="%s.csv"' % items.encode()),
        (b"vary", b"accept"),
    ]
    if getattr(page, cursor) is not None:
        headers.append((NEXT, getattr(page, cursor).encode()))
    return Reply(200, sheet.write(columns, rows), tuple(headers))


def _columns(kind: type[msgspec.Struct]) -> list[str]:
    (item,) = get_args(msgspec.structs.fields(kind)[0].type)
    return [one.encode_name for one in msgspec.structs.fields(item)]


def _row(item: dict[str, Any], columns: list[str]) -> list[str | int]:
    return [_cell(item.get(name)) for name in columns]


def _cell(value: Any) -> str | int:
    """Nothing is empty, a list of texts has spaces between, what is deeper is JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return encode(value).decode()
