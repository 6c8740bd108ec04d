"""Emailit's lists: pages by number with links to those around, filters, order and search.

`<field>.<condition>=value` narrows a list, all of them or, with `match=or`, any. Fields that a list
does not have are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta

from gatepost.base.errors import AppError, Code, invalid
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.gate.once import Reply
from gatepost.web import query as queries
from gatepost.web.contract import Call

LIMIT = 10
LIMIT_MAX = 100
PAGE_MAX = 1_000_000
DIGITS_MAX = 20

Row = Mapping[str, Any]
T = TypeVar("T")
_PARAMETER = re.compile(r"\{\w+\}")


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list, and what it is narrowed to. `<field>.<condition>` are further ones."""

    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Which page.")] = 1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How long a page is.")] = LIMIT
    match: Annotated[str, Meta(description="`all` filters must hold, or any: `or`.")] = "all"
    order: Annotated[str, Meta(description="The field to sort by.")] = ""
    direction: Annotated[str, Meta(description="`asc` or `desc`.")] = "asc"
    search: Annotated[str, Meta(description="A text that some field must contain.")] = ""


class Test(NamedTuple):
    """One filter."""

    field: str
    condition: str
    value: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of the list at a path. `pairs` is the query without the page, for links."""

    path: str
    page: int
    limit: int
    tests: tuple[Test, ...] = ()
    either: bool = False
    order: str = ""
    descending: bool = False
    search: str = ""
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * self.limit

    @property
    def narrows(self) -> bool:
        """Whether it is another list than that of all there is, newest first."""
        return bool(self.tests or self.order or self.search)


def read(call: Call, path: str, *, limit: int = LIMIT) -> Asked:
    """Read what is asked of the list at a path; `per_page` is another name of `limit`. Raises
    INVALID.
    """
    given = queries.pairs(call)
    pairs = dict(given)
    size = pairs.get("limit", pairs.get("per_page", str(limit)))
    return Asked(
        path=path,
        page=_number("page", pairs.get("page", "1"), PAGE_MAX),
        limit=_number("limit", size, LIMIT_MAX),
        tests=tuple(_tests(given)),
        either=pairs.get("match", "all") == "or",
        order=pairs.get("order", ""),
        descending=pairs.get("direction", "asc") == "desc",
        search=pairs.get("search", ""),
        pairs=tuple((name, value) for name, value in given if name != "page"),
    )


def place(path: str, *given: str) -> str:
    """A path whose parameters are filled in."""
    parts = iter(given)
    return _PARAMETER.sub(lambda _: quote(next(parts), safe=""), path)


def answer(call: Call, rows: Sequence[Row], asked: Asked) -> Reply:
    """A page of all the rows there are: narrowed, sorted and cut here. Newest first come in."""
    found = narrowed(rows, asked)
    page = found[asked.offset : asked.offset + asked.limit]
    return paged(call, page, asked, more=len(found) > asked.offset + asked.limit)


def cut(
    things: Iterable[T], asked: Asked, show: Callable[[T], Row], scanned_max: int
) -> tuple[list[T], bool]:
    """The page of what is read one by one, newest first, and whether there is more; `show` tells
    what filters see. Raises RANGE_TOO_LARGE where it takes too many to find it.
    """
    matching: Iterator[T] = (one for one in _few(things, scanned_max) if _meets(show(one), asked))
    if asked.order:
        key = lambda one: _sortable(show(one).get(asked.order))  # noqa: E731 # it is used once
        matching = iter(sorted(matching, key=key, reverse=asked.descending))
    page = list(islice(matching, asked.offset, asked.offset + asked.limit + 1))
    return page[: asked.limit], len(page) > asked.limit


def _few(things: Iterable[T], scanned_max: int) -> Iterator[T]:
    for number, one in enumerate(things):
        if number == scanned_max:
            detail = f"It takes more than {scanned_max} to find this page: ask for less"
            raise AppError(Code.RANGE_TOO_LARGE, detail)
        yield one


def narrowed(rows: Sequence[Row], asked: Asked) -> list[Row]:
    """The rows that are asked for, in the order that is asked for."""
    found = [one for one in rows if _meets(one, asked)]
    if asked.order and any(asked.order in one for one in found):
        found.sort(key=lambda one: _sortable(one.get(asked.order)), reverse=asked.descending)
    return found


def paged(call: Call, page: Sequence[object], asked: Asked, *, more: bool, **beside: Any) -> Reply:
    """A page with links to those around; `beside` are further members."""
    following = _link(call, asked, asked.page + 1) if more else None
    before = _link(call, asked, asked.page - 1) if asked.page > 1 else None
    links = {"next_page_url": following, "previous_page_url": before}
    return reply({"data": page, **links, **beside})


def _link(call: Call, asked: Asked, page: int) -> str:
    pairs = [("page", str(page)), *asked.pairs]
    if not any(name in {"limit", "per_page"} for name, _ in pairs):
        pairs.insert(1, ("limit", str(asked.limit)))
    return f"{wire.base_url(call)}{asked.path}?{urlencode(pairs)}"


def _number(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX) or not (
        1 <= int(text) <= most
    ):
        raise invalid(([name], f"Must be a number from 1 to {most}"))
    return int(text)


def _tests(given: Sequence[tuple[str, str]]) -> list[Test]:
    found = []
    for name, value in given:
        field, dot, condition = name.rpartition(".")
        if dot and condition in CONDITIONS:
            found.append(Test(field, condition, value))
    return found


def _meets(row: Row, asked: Asked) -> bool:
    held = [
        CONDITIONS[one.condition](row[one.field], one.value)
        for one in asked.tests
        if one.field in row
    ]
    if held and not (any(held) if asked.either else all(held)):
        return False
    sought = asked.search.lower()
    return not sought or any(sought in _text(one) for one in row.values() if isinstance(one, str))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).lower()


def _sortable(value: object) -> tuple[bool, float, str]:
    if isinstance(value, int | float):
        return True, float(value), ""
    return value is not None, 0.0, _text(value)


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Any, str], bool]:
    """Numbers are compared as numbers, all else as text; what is not there is never either."""

    def test(value: Any, wanted: str) -> bool:
        if value is None:
            return False
        try:
            return holds(float(value), float(wanted))
        except ValueError:
            return holds(_text(value), wanted.lower())

    return test


CONDITIONS: dict[str, Callable[[Any, str], bool]] = {
    "exact": lambda value, wanted: _text(value) == wanted.lower(),
    "not_exact": lambda value, wanted: _text(value) != wanted.lower(),
    "contains": lambda value, wanted: wanted.lower() in _text(value),
    "not_contains": lambda value, wanted: wanted.lower() not in _text(value),
    "starts_with": lambda value, wanted: _text(value).startswith(wanted.lower()),
    "ends_with": lambda value, wanted: _text(value).endswith(wanted.lower()),
    "empty": lambda value, _wanted: value is None or value == "",
    "not_empty": lambda value, _wanted: value is not None and value != "",
    "gt": _compared(lambda value, wanted: value > wanted),
    "gte": _compared(lambda value, wanted: value >= wanted),
    "lt": _compared(lambda value, wanted: value < wanted),
    "lte": _compared(lambda value, wanted: value <= wanted),
    "before": _compared(lambda value, wanted: value < wanted),
    "after": _compared(lambda value, wanted: value > wanted),
}
"""What a filter can ask, of the value of a field and the text that it is compared with."""
