"""Variables that a template seems to want, made up from the places in its texts. Pure."""

from __future__ import annotations

import re
from typing import Any

from gatepost.domains.templates.model import SOURCE_MAX

PLACE = re.compile(r"\{\{\s*([A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60}){0,5})")
ASKED = re.compile(
    r"\{%-?\s*(?:if|elif)\s+(?:not\s+)?([A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60}){0,5})"
)
LOOP = re.compile(
    r"\{%-?\s*for\s+(\w{1,60})\s+in\s+([A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60}){0,5})"
)
OWN = frozenset({"loop"})


def variables(*texts: str | None) -> dict[str, Any]:
    """An object with a value for each place: text of its own name, a list for a loop."""
    source = "\n".join(text for text in texts if text)[:SOURCE_MAX]
    loops = dict(LOOP.findall(source))
    made: dict[str, Any] = {}
    for path in dict.fromkeys(LOOP.findall(source)):
        _put(made, path[1].split("."), [{}])
    for path in dict.fromkeys([*PLACE.findall(source), *ASKED.findall(source)]):
        first, *rest = path.split(".")
        if first in OWN:
            continue
        if first not in loops:
            _put(made, [first, *rest], path)
            continue
        items = _at(made, loops[first].split("."))
        if isinstance(items, list) and rest:
            _put(items[0] if isinstance(items[0], dict) else {}, rest, path)
        elif isinstance(items, list) and items == [{}]:
            items[0] = path
    return made


def _at(made: Any, steps: list[str]) -> Any:
    for step in steps:
        made = made.get(step) if isinstance(made, dict) else None
    return made


def _put(made: dict[str, Any], steps: list[str], value: Any) -> None:
    """Put a value where nothing is yet; what is only text becomes an object on the way."""
    *way, last = steps
    for step in way:
        if not isinstance(made.get(step), dict):
            made[step] = {}
        made = made[step]
    made.setdefault(last, value)
