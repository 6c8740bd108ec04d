"""What a template may do with a value. Nothing here makes a value much longer than it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2.runtime import Undefined
from markupsafe import Markup, escape

TRUNCATE = 255
PLACES_MAX = 12
JOINED_MAX = 1_000_000


class Missing(Undefined):
    """A variable that is not there, and its path. It is false, empty, and less than nothing."""

    def __init__(self, *_args: Any, path: tuple[str | int, ...] = (), **named: Any) -> None:
        """Take Jinja's arguments, of which the name of a variable counts."""
        super().__init__()
        name = named.get("name")
        self.path = path or (() if name is None else (str(name),))

    def below(self, key: Any) -> Missing:
        """What would be below it."""
        return Missing(path=(*self.path, key if isinstance(key, int) else str(key)))

    def __lt__(self, other: object) -> bool:  # type: ignore[override] # Jinja's own raise
        return False

    __le__ = __gt__ = __ge__ = __lt__  # type: ignore[assignment] # the same

    def __neg__(self) -> Missing:  # type: ignore[override] # the same
        return self


def shown(value: Any) -> Any:
    """How a value is written: text as it is, nothing for null, JSON for objects and arrays."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Missing):
        return ""
    if isinstance(value, bool | int | float | dict | list):
        return msgspec.json.encode(value).decode()
    return ""


def default(value: Any, instead: Any = "", boolean: Any = False) -> Any:  # noqa: FBT002 # as Jinja has it
    """Something else for what is missing; where `boolean`, for all that is false."""
    return instead if isinstance(value, Missing) or (boolean and not value) else value


def length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def first(value: Any) -> Any:
    return value[0] if isinstance(value, str | list) and value else Missing(path=("first",))


def last(value: Any) -> Any:
    return value[-1] if isinstance(value, str | list) and value else Missing(path=("last",))


def join(value: Any, between: Any = "") -> Any:
    """Values in a row; raises ValueError where it would become too long."""
    parts = [shown(one) for one in value] if isinstance(value, list) else []
    glue = str(between)
    if sum(map(len, parts)) + len(glue) * len(parts) > JOINED_MAX:
        raise ValueError("too long")
    return glue.join(parts)


def items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def round_(value: Any, places: Any = 0) -> Any:
    """A number with some places after the point, all of them written."""
    digits = min(max(int(places), 0), PLACES_MAX)
    return f"{float(value):.{digits}f}"


def truncate(value: Any, chars: Any = TRUNCATE, end: Any = "…") -> str:
    text, most = str(shown(value)), max(int(chars), 0)
    return text if len(text) <= most else text[:most].rstrip() + str(end)


def urlencode(value: Any) -> str:
    return quote(str(shown(value)), safe="")


def _text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        return value if isinstance(value, Missing) else change(str(shown(value)))

    return changed


def _kept(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that leaves what is missing as it is, so that it is told of."""

    def kept(value: Any, *args: Any, **named: Any) -> Any:
        return value if isinstance(value, Missing) else filter_(value, *args, **named)

    return kept


def _escaped(value: Any) -> Markup:
    return escape(shown(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": _text(str.capitalize),
    "default": default,
    "e": _kept(_escaped),
    "escape": _kept(_escaped),
    "first": _kept(first),
    "items": _kept(items),
    "join": _kept(join),
    "last": _kept(last),
    "length": length,
    "lower": _text(str.lower),
    "round": _kept(round_),
    "title": _text(str.title),
    "trim": _text(str.strip),
    "truncate": _kept(truncate),
    "upper": _text(str.upper),
    "urlencode": _kept(urlencode),
}

TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Missing),
    "undefined": lambda value: isinstance(value, Missing),
    "none": lambda value: value is None,
    "even": lambda value: value % 2 == 0,
    "odd": lambda value: value % 2 == 1,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
