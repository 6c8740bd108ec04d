"""What is different after a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.base import clock

Members = Mapping[str, Any]
NOTHING: Members = {}
ABSENT = object()
MOMENTS = ("At", "Until")
SINCE_MS = 10**12
"""Some members are moments in milliseconds, none of which is before 2001."""


class Difference(msgspec.Struct, frozen=True):
    """One member, as it was and as it is; `made` and `gone` tell that it was not there, or is not
    any more. Those of a `moment` are in ISO 8601.
    """

    name: str
    was: Any = None
    now: Any = None
    made: bool = False
    gone: bool = False
    moment: bool = False


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[Difference]:
    """The members that differ, those of objects within by their paths; in the order they have."""
    was, now = _flat(before or NOTHING), _flat(after or NOTHING)
    return [
        _difference(name, was, now)
        for name in dict.fromkeys((*was, *now))
        if was.get(name, ABSENT) != now.get(name, ABSENT)
    ]


def _difference(name: str, was: Members, now: Members) -> Difference:
    values = (was.get(name), now.get(name))
    is_moment = name.endswith(MOMENTS) and any(_is_ms(one) for one in values)
    if is_moment:
        values = (_iso(values[0]), _iso(values[1]))
    return Difference(name, *values, made=name not in was, gone=name not in now, moment=is_moment)


def _is_ms(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= SINCE_MS


def _iso(value: Any) -> Any:
    return clock.iso(value) if _is_ms(value) else value


def _flat(object_: Members, within: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in object_.items():
        path = f"{within}{name}"
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{path}.")
        else:
            found[path] = value
    return found
