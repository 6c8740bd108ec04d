"""From a path to its endpoint: exact paths in one look-up, patterns segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any
from urllib.parse import unquote

import msgspec

from gatepost.gate.once import Once
from gatepost.storage.db import Verb
from gatepost.web.contract import Dialect, Endpoint, Page

PAGES = (
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/docs",
    "/docs/*",
    "/openapi.json",
    "/openapi/*",
    "/api/openapi.json",
    "/api/openapi.yaml",
    "/dashboard",
    "/dashboard/*",
    "/unsubscribe",
    "/mail/open",
    "/mail/click",
    "/mail/callbacks/*",
)
"""What Gatepost answers beside its dialects, as path templates."""


class Route(msgspec.Struct, frozen=True, eq=False):
    """An endpoint of a dialect, with its writes wrapped for grouped commits.

    `name` is its method and path; `mark` tells its requests from those of all others, in the
    fingerprint of what was asked.
    """

    dialect: Dialect
    endpoint: Endpoint
    name: str
    verb: Verb
    mark: bytes


Methods = dict[str, Route]


class Router:
    """All routes of all dialects."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        """Build the table; raises ValueError when two endpoints claim one place."""
        self.dialects = tuple(dialects)
        self.exact: dict[str, Methods] = {}
        self._patterns: list[tuple[list[str], Methods]] = []
        self._pages: dict[str, tuple[Dialect, Page]] = {}
        for dialect in self.dialects:
            for endpoint in dialect.endpoints:
                for path in (endpoint.path, *endpoint.aliases):
                    self._add(path, _route(dialect, endpoint))
        for dialect in self.dialects:
            for page in dialect.pages:
                for path in (page.path, *page.aliases):
                    self._add_page(path, dialect, page)

    @property
    def swift(self) -> frozenset[str]:
        """The paths of light writes: all they wait for is a grouped commit. What awaits more
        needs a task, for its timeouts.
        """
        return frozenset(
            path
            for path, methods in self.exact.items()
            if any(route.endpoint.light for route in methods.values())
        )

    def find(self, path: str, raw_path: bytes) -> tuple[Methods | None, Mapping[str, str]]:
        """Return the methods of a path and its parameters; a doubled slash counts as one."""
        if "//" in path:
            while "//" in path:
                path = path.replace("//", "/")
            raw_path = b"/" + b"/".join(part for part in raw_path.split(b"/") if part)
        found = self.exact.get(path)
        if found is not None:
            return found, {}
        parts = raw_path.decode("latin-1").split("/")
        for pattern, methods in self._patterns:
            params = _match(pattern, parts)
            if params is not None:
                return methods, params
        return None, {}

    def page_of(self, path: str) -> tuple[Dialect, Page | None]:
        """The page at a path and its dialect; without one, the dialect the path belongs to."""
        return self._pages.get(path) or (self.dialect_of(path), None)

    def dialect_of(self, path: str) -> Dialect:
        """The dialect with the longest mount a path lies under; the first one for the rest."""
        mounts = (
            (len(mount), one)
            for one in self.dialects
            for mount in one.mounts
            if path.startswith(mount)
        )
        return max(mounts, key=itemgetter(0), default=(0, self.dialects[0]))[1]

    def _add(self, path: str, route: Route) -> None:
        methods = self._methods(path)
        if route.endpoint.method in methods:
            message = f"two endpoints for {route.endpoint.method} {path}"
            raise ValueError(message)
        methods[route.endpoint.method] = route

    def _add_page(self, path: str, dialect: Dialect, page: Page) -> None:
        if path in self._pages or path in self.exact:
            message = f"something else than the page {page.operation} is at {path}"
            raise ValueError(message)
        self._pages[path] = (dialect, page)

    def _methods(self, path: str) -> Methods:
        if "{" not in path:
            return self.exact.setdefault(path, {})
        pattern = path.split("/")
        for known, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]


def templates(dialects: Iterable[Dialect]) -> tuple[str, ...]:
    """All paths that are Gatepost's own: nobody's relay may be in their way."""
    found = dict.fromkeys(PAGES)
    for dialect in dialects:
        for endpoint in dialect.endpoints:
            found |= dict.fromkeys((endpoint.path, *endpoint.aliases))
        for page in dialect.pages:
            found |= dict.fromkeys((page.path, *page.aliases))
    return tuple(found)


def _route(dialect: Dialect, endpoint: Endpoint) -> Route:
    name = f"{endpoint.method} {endpoint.path}"
    verb = Once(_work(endpoint), endpoint.charge, name)
    return Route(dialect, endpoint, name, verb, f"{name} ".encode())


def _work(endpoint: Endpoint) -> Callable[..., Any]:
    if endpoint.vector:
        return endpoint.run

    def one_by_one(tx: Any, calls: Any, commands: Any) -> list[Any]:
        pairs = zip(calls, commands, strict=True)
        return [endpoint.run(tx, call, command) for call, command in pairs]

    return one_by_one


def _match(pattern: list[str], parts: list[str]) -> Mapping[str, str] | None:
    if len(pattern) != len(parts):
        return None
    params: dict[str, str] = {}
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            value = params[expected[1:-1]] = unquote(part)
            if "\0" in value:  # no stored text has one, and not every engine can ask for it
                return None
        elif expected != part:
            return None
    return params
