"""What a page of the dashboard is: where, for whom, and the function that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.responses import Response

from gatepost.gate.scopes import Scope

Handler = Callable[[Any], Awaitable[Response]]
"""Takes a `Visit`."""


class Entry(Enum):
    """Who may come: anybody, who is signed in, or who is a member of the account in the path."""

    ANYBODY = auto()
    OPERATOR = auto()
    MEMBER = auto()


class Route(msgspec.Struct, frozen=True):
    """One page, or one form's target.

    `path` stands below `/dashboard/{account}` for members, below `/dashboard` for others; a
    segment in braces takes any one segment, `{rest:path}` at the end all that follow.
    """

    method: str
    path: str
    handler: Handler
    entry: Entry

    @property
    def pattern(self) -> tuple[str, ...]:
        """The segments below `/dashboard`."""
        below = "/{account}" if self.entry is Entry.MEMBER else ""
        return tuple((below + self.path).removeprefix("/").split("/"))

    @property
    def name(self) -> str:
        """The method and the whole path, as people and metrics call it."""
        return f"{self.method} {'/'.join(('/dashboard', *self.pattern)).rstrip('/')}"


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the dashboard that the navigation leads to.

    It begins at its first route. `shortcut` is the key after `g`; those who lack the `scope`
    do not see it; `primary` ones are in the bar of a phone, with a `short` title if theirs is long.
    Those of one `group` stand together under its name.
    """

    name: str
    title: str
    icon: str
    shortcut: str
    scope: Scope
    routes: tuple[Route, ...]
    primary: bool = False
    short: str = ""
    group: str = ""

    @property
    def path(self) -> str:
        """Where it begins, below the account."""
        return self.routes[0].path


def grouped(title: str, *sections: Section) -> tuple[Section, ...]:
    """Sections that stand under one heading of the navigation."""
    return tuple(msgspec.structs.replace(one, group=title) for one in sections)


def page(path: str, handler: Handler, entry: Entry = Entry.MEMBER) -> Route:
    """What GET shows."""
    return Route("GET", path, handler, entry)


def action(path: str, handler: Handler, entry: Entry = Entry.MEMBER) -> Route:
    """What POST does; its token and its origin were checked before."""
    return Route("POST", path, handler, entry)


class Table:
    """All routes; finds the one a path means. What is literal wins over what is not."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Sort them; raises ValueError when two claim one place."""
        self._patterns: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            methods = self._patterns.setdefault(route.pattern, {})
            if route.method in methods:
                raise ValueError(f"two routes for {route.method} {'/'.join(route.pattern)}")
            methods[route.method] = route
        self._sorted = sorted(self._patterns, key=_generality)

    def find(self, raw_path: str) -> tuple[Mapping[str, Route], dict[str, str]]:
        """The methods at a path (still percent-encoded) below `/dashboard`, and its parameters;
        no methods where nothing is.
        """
        parts = raw_path.split("/")
        for pattern in self._sorted:
            params = _match(pattern, parts)
            if params is not None:
                return self._patterns[pattern], params
        return {}, {}


def _generality(pattern: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in pattern)


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    open_end = pattern[-1].endswith(":path}")
    if len(parts) != len(pattern) and not (open_end and len(parts) > len(pattern)):
        return None
    params: dict[str, str] = {}
    for name, part in zip(pattern, parts, strict=False):
        if name.endswith(":path}"):
            params[name[1:-6]] = "/".join(parts[len(pattern) - 1 :])
        elif name.startswith("{"):
            params[name[1:-1]] = unquote(part)
        elif name != unquote(part):
            return None
    return params
