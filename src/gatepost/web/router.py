"""From a path to its endpoint: exact paths in one look-up, patterns segment by segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from gatepost.gate.once import Once
from gatepost.storage.db import Verb
from gatepost.web.contract import Dialect, Endpoint


class Route(msgspec.Struct, frozen=True, eq=False):
    """An endpoint of a dialect, with its writes wrapped for grouped commits.

    `mark` tells its requests from those of all others, in the fingerprint of what was asked.
    """

    dialect: Dialect
    endpoint: Endpoint
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
        for dialect in self.dialects:
            for endpoint in dialect.endpoints:
                for path in (endpoint.path, *endpoint.aliases):
                    self._add(path, _route(dialect, endpoint))

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

    def dialect_of(self, path: str) -> Dialect:
        """The dialect whose mount a path lies under; the first one for the rest."""
        for dialect in self.dialects:
            if any(path.startswith(mount) for mount in dialect.mounts):
                return dialect
        return self.dialects[0]

    def _add(self, path: str, route: Route) -> None:
        methods = self._methods(path)
        if route.endpoint.method in methods:
            message = f"two endpoints for {route.endpoint.method} {path}"
            raise ValueError(message)
        methods[route.endpoint.method] = route

    def _methods(self, path: str) -> Methods:
        if "{" not in path:
            return self.exact.setdefault(path, {})
        pattern = path.split("/")
        for known, methods in self._patterns:
            if known == pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]


def _route(dialect: Dialect, endpoint: Endpoint) -> Route:
    verb = Once(_work(endpoint), endpoint.charge)
    return Route(dialect, endpoint, verb, f"{endpoint.method} {endpoint.path} ".encode())


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
