"""Path templates: literal segments, `{name}` segments, and a `/*` at the end. Pure.

Paths of requests come raw, as they were sent: what is percent-encoded stays so on its way to the
upstream, and is only decoded to be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

REST = "*"
LENGTH_MAX = 1000
SEGMENTS_MAX = 32

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@-]*")
_DOTS = frozenset({".", ".."})

Parts = Sequence[str]


def problem(path: str) -> str:
    """What is wrong with a template, as a sentence; empty when nothing is."""
    if not path.startswith("/") or len(path) > LENGTH_MAX:
        return f"Must begin with / and have at most {LENGTH_MAX} characters"
    parts = split(path)
    if len(parts) > SEGMENTS_MAX:
        return f"At most {SEGMENTS_MAX} segments"
    if any(not part for part in parts[:-1]) or _DOTS & set(parts):
        return "Must have no empty segments and no . or .. ones"
    if len(set(names(path))) != len(names(path)):
        return "Each {name} once"
    for part in parts[:-1] if is_open(path) else parts:
        if not _NAME.fullmatch(part) and not _LITERAL.fullmatch(part):
            return f"{part!r} is neither a plain segment nor a {{name}}; only the last may be *"
    return ""


def split(path: str) -> list[str]:
    """Cut a path into its segments."""
    return path.split("/")[1:]


def names(path: str) -> list[str]:
    """The names in a template, in order."""
    return [match[1] for part in split(path) if (match := _NAME.fullmatch(part))]


def is_open(path: str) -> bool:
    """Whether a template takes all paths below it."""
    return path.endswith("/" + REST)


def rank(path: str) -> tuple[int, ...]:
    """Orders templates: what says more about a path comes first."""
    return tuple(2 if part == REST else 1 if _NAME.fullmatch(part) else 0 for part in split(path))


def match(template: Parts, parts: Parts) -> Mapping[str, str] | None:
    """What a raw path has in the place of a template's names, None when it does not fit."""
    open_ = template[-1] == REST
    fixed = template[:-1] if open_ else template
    if len(parts) <= len(fixed) if open_ else len(parts) != len(fixed):
        return None
    found: dict[str, str] = {}
    for expected, part in zip(fixed, parts, strict=False):
        if expected[:1] == "{":
            if not part:
                return None
            found[expected[1:-1]] = part
        elif expected != (unquote(part) if "%" in part else part):
            return None
    if open_:
        found[REST] = "/".join(parts[len(fixed) :])
    return found


def is_safe(values: Iterable[str]) -> bool:
    """Whether no server can take parts of a raw path for a way up, or for the end of a text."""
    for value in values:
        plain = unquote(unquote(value)).replace("\\", "/")
        if "\0" in plain or _DOTS & set(plain.split("/")):
            return False
    return True


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put raw values into a template."""
    return "/" + "/".join(
        values.get(part if part == REST else part[1:-1], part) if part[:1] in "{*" else part
        for part in split(template)
    )


def overlaps(one: str, other: str) -> bool:
    """Whether some path fits both templates."""
    left, right = split(one), split(other)
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else None
        b = right[index] if index < len(right) else None
        if a is None or b is None:
            return False
        if REST in (a, b):
            return True
        if a != b and not (a and _NAME.fullmatch(b)) and not (b and _NAME.fullmatch(a)):
            return False
    return True
