"""A request's query as a Struct. Strict: a typo in a filter must not show everything."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import msgspec

from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.web import validate
from gatepost.web.contract import Call

MICROS = 1000
LAST_MS = round(datetime(9999, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""Later moments are taken for this one: the calendar has room for the month they are in."""
_OFFSET = re.compile(r"(T.*) (\d\d:?\d\d)$")


def read(call: Call, kind: Any, *, beside: Collection[str] = ()) -> Any:
    """Read the query; a member that is a list may be repeated. Parameters named in `beside` are
    the dialect's own business.

    A parameter that is unknown, or given twice for no reason, raises INVALID.
    """
    given = [pair for pair in pairs(call) if pair[0] not in beside]
    return _read(given, kind, "")[0]


def read_beside(call: Call, kind: Any, prefix: str) -> tuple[Any, list[tuple[str, str]]]:
    """Read the query as `read` does; parameters that start with `prefix` come beside it."""
    return _read(pairs(call), kind, prefix)


def _read(
    pairs: Sequence[tuple[str, str]], kind: Any, prefix: str
) -> tuple[Any, list[tuple[str, str]]]:
    types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    beside: list[tuple[str, str]] = []
    problems: list[FieldError] = []
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            problems.append(FieldError((name.replace("\x00", ""),), "Must not contain U+0000"))
        elif prefix and name.startswith(prefix) and name != prefix:
            beside.append((name.removeprefix(prefix), value))
        elif name not in types:
            problems.append(FieldError((name,), _unknown(name, types, prefix)))
        elif _repeatable(types[name]):
            values.setdefault(name, []).append(value)
        elif name in values:
            problems.append(FieldError((name,), "Give it once"))
        else:
            values[name] = value
    if problems:
        raise AppError(Code.INVALID, problems[0].message, fields=problems)
    return validate.convert(kind, values, strict=False), beside


def moment(text: str, name: str, *, instead: str = "") -> int:
    """Read a moment in ms, rounded up: what happened within that one came before it.

    Raises INVALID naming the parameter, and what may be given `instead`.
    """
    try:
        # A plus sign that was not escaped arrives as a space.
        read_ = datetime.fromisoformat(_OFFSET.sub(r"\1+\2", text))
        aware = read_ if read_.tzinfo else read_.replace(tzinfo=UTC)
        return kept(math.ceil(aware.timestamp() * 1_000_000 / MICROS))
    except (ValueError, OverflowError):
        hint = f"an ISO 8601 moment, such as 2025-01-15T10:30:00Z{instead and ', or '}{instead}"
        raise invalid(([name], f"Must be {hint}")) from None


def kept(at: int) -> int:
    """The moment (ms) nearest to one that things can be kept at."""
    return min(max(0, at), LAST_MS)


def pairs(call: Call) -> list[tuple[str, str]]:
    """All parameters in order; raises INVALID where there are too many."""
    try:
        return call.query()
    except ValueError:
        raise invalid(([], "Too many query parameters")) from None


def _repeatable(kind: Any) -> bool:
    return any(get_origin(one) is list for one in (kind, *get_args(kind)))


def _unknown(name: str, known: Collection[str], prefix: str) -> str:
    near = difflib.get_close_matches(name.lower(), {one.lower(): one for one in known}, n=1)
    if near:
        right = next(one for one in known if one.lower() == near[0])
        return f"Unknown parameter; did you mean {right}?"
    shown = [*known, f"{prefix}<path>"] if prefix else list(known)
    return f"Unknown parameter; known are {', '.join(shown)}"
