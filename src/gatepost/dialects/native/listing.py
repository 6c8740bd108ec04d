"""`GET /v1/events`: the newest events first, and how a query says which ones."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.events import EventOut, show
from gatepost.domains.channels.model import normalise
from gatepost.domains.events import search, terms
from gatepost.engine.identify import known_names
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import validate
from gatepost.web.contract import Call, Endpoint, free

METADATA = "metadata."
REPEATABLE = frozenset({"tag"})
MICROS = 1000
_OFFSET = re.compile(r"(T.*) (\d\d:?\d\d)$")

Text = Annotated[str, Meta(max_length=255)]
Limit = Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX)]


class NoQuery(msgspec.Struct):
    """No parameter is known here."""


class FilterQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which events. All that is given must hold; so must every `metadata.<path>=<value>`."""

    channel: Annotated[Text, Meta(description="The channel's name.")] | UnsetType = UNSET
    tag: Annotated[
        list[Text], Meta(max_length=20, description="Repeat it to ask for several tags at once.")
    ] = []
    user_id: (
        Annotated[Text, Meta(description="A user id, or any alias of that user.")] | UnsetType
    ) = UNSET
    q: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=500,
                description="Words in title or description, in any order; case and accents do "
                "not matter.",
            ),
        ]
        | UnsetType
    ) = UNSET


class ListQuery(FilterQuery, rename="camel", frozen=True):
    """Which events, and which page of them."""

    since: Annotated[Text, Meta(description="ISO 8601, inclusive.")] | UnsetType = UNSET
    before: (
        Annotated[Text, Meta(description="ISO 8601, exclusive; or a `nextCursor`.")] | UnsetType
    ) = UNSET
    cursor: Annotated[Text, Meta(description="The `nextCursor` of a page.")] | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


class EventsOut(msgspec.Struct, rename="camel"):
    """A page of events; `next_cursor` is null on the last one."""

    events: list[EventOut]
    next_cursor: str | None


class Wanted(msgspec.Struct, frozen=True):
    """Which events: a filter whose `user` is still any name of the person."""

    filter: search.Filter
    user: str | None
    limit: int = paging.LIMIT_DEFAULT

    def resolved(self, tx: Tx, call: Call) -> search.Filter:
        """The filter with every name the user's events may carry."""
        if self.user is None:
            return self.filter
        users = tuple(known_names(tx, call.caller.account_id, self.user))
        return msgspec.structs.replace(self.filter, users=users)


def read_query(call: Call, kind: Any, prefix: str = "") -> tuple[Any, list[tuple[str, str]]]:
    """Read the query as a Struct; parameters that start with `prefix` come beside it.

    Strict: a parameter that is unknown, or given twice for no reason, raises INVALID. A typo in
    a filter must not show everything.
    """
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    values: dict[str, Any] = {}
    beside: list[tuple[str, str]] = []
    problems: list[FieldError] = []
    for name, value in _pairs(call):
        if "\x00" in name or "\x00" in value:
            problems.append(FieldError((name.replace("\x00", ""),), "Must not contain U+0000"))
        elif prefix and name.startswith(prefix) and name != prefix:
            beside.append((name.removeprefix(prefix), value))
        elif name not in names:
            problems.append(FieldError((name,), _unknown(name, names, prefix)))
        elif name in REPEATABLE:
            values.setdefault(name, []).append(value)
        elif name in values:
            problems.append(FieldError((name,), "Give it once"))
        else:
            values[name] = value
    if problems:
        raise AppError(Code.INVALID, problems[0].message, fields=problems)
    return validate.convert(kind, values, strict=False), beside


def _pairs(call: Call) -> list[tuple[str, str]]:
    try:
        return call.query()
    except ValueError:
        raise invalid(([], "Too many query parameters")) from None


def _unknown(name: str, known: Collection[str], prefix: str) -> str:
    shown = [*known, f"{prefix}<path>"] if prefix else list(known)
    near = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=1)
    if near:
        right = next(one for one in known if one.lower() == near[0])
        return f"Unknown parameter; did you mean {right}?"
    return f"Unknown parameter; known are {', '.join(shown)}"


def parse(call: Call, _body: bytes) -> Wanted:
    """Read a list's query; raises INVALID."""
    query, metadata = read_query(call, ListQuery, METADATA)
    since = None if query.since is UNSET else ids.floor_at(_moment(query.since, "since"))
    return wanted(query, metadata, (since, _end(query)), query.limit)


def _end(query: ListQuery) -> bytes | None:
    if query.cursor is not UNSET:
        if query.before is not UNSET:
            raise invalid((["cursor"], "Give before or cursor, not both"))
        return event_cursor(query.cursor, "cursor")
    return None if query.before is UNSET else _before(query.before)


def wanted(
    query: FilterQuery,
    metadata: list[tuple[str, str]],
    between: tuple[bytes | None, bytes | None] = (None, None),
    limit: int = paging.LIMIT_DEFAULT,
) -> Wanted:
    """Make a filter of a query's parameters; raises INVALID for one that can match nothing."""
    since, before = between
    chosen = search.Filter(
        channel=None if query.channel is UNSET else _channel(str(query.channel)),
        tags=tuple(dict.fromkeys(query.tag)),
        words=() if query.q is UNSET else _words(str(query.q)),
        metadata=tuple(dict.fromkeys(metadata)),
        since=since,
        before=before,
    )
    user = None if query.user_id is UNSET else query.user_id
    if user == "":
        raise invalid((["userId"], "Must not be empty"))
    return Wanted(chosen, user, limit)


def _channel(name: str) -> str:
    channel = normalise(name)
    if not channel:
        raise invalid((["channel"], "Names no channel"))
    return channel


def _words(text: str) -> tuple[str, ...]:
    words = terms.words(text)
    if not words:
        raise invalid((["q"], "Must contain a word"))
    return tuple(words)


def event_cursor(cursor: str, name: str) -> bytes:
    """Read a cursor of a list of events; raises INVALID naming the parameter."""
    position = paging.decode(cursor, name)
    if len(position) != ids.HEX_LENGTH // 2:
        raise invalid(([name], "Not a cursor of this list"))
    return position


def _before(text: str) -> bytes:
    try:
        return event_cursor(text, "before")
    except AppError:
        return ids.floor_at(_moment(text, "before"))


def _moment(text: str, name: str) -> int:
    """A moment in milliseconds, rounded up: what happened within that one came before it."""
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(_OFFSET.sub(r"\1+\2", text))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0, math.ceil(aware.timestamp() * 1_000_000 / MICROS))
    except (ValueError, OverflowError):
        hint = "an ISO 8601 moment" + (" or a nextCursor" if name == "before" else "")
        raise invalid(([name], f"Must be {hint}, such as 2025-01-15T10:30:00Z")) from None


def run(tx: Tx, call: Call, command: Wanted) -> Reply:
    """Find a page of events."""
    found = search.find(tx, call.project_id, command.resolved(tx, call), command.limit + 1)
    page = paging.page(found, command.limit, lambda event: event.id)
    return ok(call, EventsOut([show(event) for event in page.rows], page.next_cursor))


ENDPOINTS = (
    Endpoint(
        operation="listEvents",
        method="GET",
        path="/v1/events",
        scope=Scope.EVENTS_READ,
        summary="List and search events",
        description="Newest first. Beside the parameters below, `metadata.<path>=<value>` asks "
        "for a value in the metadata, compared as text: `metadata.plan=pro`, "
        "`metadata.user.age=42`. The first 256 values of an event, at most 32 objects deep, can "
        "be found so.",
        tag="Events",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        query=ListQuery,
        response=EventsOut,
    ),
)
