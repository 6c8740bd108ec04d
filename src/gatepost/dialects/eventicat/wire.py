"""Eventicat's requests: parameters in a URL or a body, of which all but three are tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AggregatorId
from gatepost.domains.aggregators.model import TAGS_MAX
from gatepost.gate.recent import ABOUT_CHARS_MAX
from gatepost.web.contract import Call

RESERVED = frozenset({"_id", "_apikey", "name"})
JSON_TYPES = frozenset({"", "text/plain", "application/json"})
FORM = "application/x-www-form-urlencoded"
NOWHERE = AggregatorId(b"")
MISSING_NAME = "Missing event name"
INVALID_NAME = "Invalid event name"
INVALID_JSON = "Invalid JSON body"
# Control characters, which a tag loses.
CONTROLS = dict.fromkeys((*range(32), *range(127, 160)))

REPEATED = 4096
REPEATED_MAX = 512
"""How many queries are remembered, and how long (bytes) they may be."""

Pairs = Sequence[tuple[str, Any]]


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a request; told only where its aggregator is right."""

    code: Code
    sentence: str

    def error(self) -> AppError:
        """Make the refusal of it."""
        return AppError(self.code, self.sentence)


class Hit(msgspec.Struct, frozen=True, gc=False):
    """One event to count. The aggregator is NOWHERE unless the request names one."""

    aggregator_id: AggregatorId
    name: str
    tags: tuple[str, ...]
    problem: Problem | None = None


def about(one: Hit) -> str:
    """The name of an event, and the names of its tags; cut where there are many."""
    return " ".join((one.name, *one.tags))[:ABOUT_CHARS_MAX]


def api_key(headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
    """The key: a Bearer one decides, another kind of `Authorization` is not meant for us."""
    scheme, _, secret = headers.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return secret.strip().decode("latin-1") or None
    if b"_apikey" not in query_string:
        return None
    return next((text for name, text in pairs(query_string) if name == "_apikey" and text), None)


def pairs(query: bytes) -> Pairs:
    """Split a query or a form. A name without `=` is kept: that is how most tags come."""
    return parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")


def hit(call: Call, body: bytes) -> Hit:
    """Read one event; what is wrong with it is kept, and told after the aggregator is found."""
    query = call.query_string
    if body:
        return _hit(query, call.headers.get(b"content-type", b""), body)
    return _hit(query) if _secret(query) or len(query) > REPEATED_MAX else _repeated(query)


def _hit(query_string: bytes, content_type: bytes = b"", body: bytes = b"") -> Hit:
    query = pairs(query_string)
    aggregator_id = _aggregator(query)
    try:
        more = _body(content_type, body)
        name = _name(more) or _name(query)
    except AppError as refusal:
        return Hit(aggregator_id, "", (), Problem(refusal.code, refusal.detail))
    if not name:
        return Hit(aggregator_id, "", (), Problem(Code.INVALID, MISSING_NAME))
    if "\0" in name:  # no database keeps it in text
        return Hit(aggregator_id, "", (), Problem(Code.INVALID, INVALID_NAME))
    return Hit(aggregator_id, name, _tags([*query, *more]))


_repeated = lru_cache(REPEATED)(_hit)
"""Most events of a client are like ones before; to read them costs as much as to count them."""


def _secret(query: bytes) -> bool:
    return b"_apikey" in query or b"%" in query  # which may hide one


def _aggregator(query: Pairs) -> AggregatorId:
    named = next((text for name, text in query if name == "_id"), "")
    try:
        return AggregatorId(ids.parse("aggregator", named))
    except AppError:
        return NOWHERE


def _name(found: Pairs) -> str:
    return next((text for name, text in found if name == "name" and text), "")


def _tags(found: Pairs) -> tuple[str, ...]:
    """The first of them, each once, sorted."""
    names = (name.translate(CONTROLS) for name, _ in found if name not in RESERVED)
    distinct = dict.fromkeys(name for name in names if name)
    return tuple(sorted(list(distinct)[:TAGS_MAX]))


def _body(content_type: bytes, body: bytes) -> Pairs:
    if not body:
        return ()
    kind = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    if kind == FORM:
        return pairs(body)
    if kind not in JSON_TYPES:
        raise AppError(Code.UNSUPPORTED_TYPE)
    return [*_members(body)]


def _members(body: bytes) -> Iterable[tuple[str, Any]]:
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise AppError(Code.INVALID, INVALID_JSON) from None
    for name, raw in found.items():
        yield name, _text(bytes(raw)) if name == "name" else ""


def _text(raw: bytes) -> str:
    """A name that is a number counts as its JSON text."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise AppError(Code.INVALID, INVALID_JSON) from None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return raw.decode()
    raise AppError(Code.INVALID, INVALID_NAME)
