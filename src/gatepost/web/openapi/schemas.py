"""The component schemas of one dialect, made from its endpoints' structs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gatepost.web.contract import JSON, Dialect, Endpoint
from gatepost.web.manual import Schema

POINTER = "#/components/schemas/"
_SHAPES = frozenset({"type", "anyOf", "$ref", "enum", "const"})
_SHAPING = frozenset({"type", "anyOf", "items"})


class _Use(NamedTuple):
    """Where an endpoint uses a type: as its `request`, `query` or `response`."""

    endpoint: Endpoint
    role: str
    kind: Any


class Schemas:
    """A dialect's schemas: the components by name, and each operation's own ones."""

    def __init__(self, dialect: Dialect, prefix: str = "") -> None:
        """Make them; raises ValueError when two components would get one name."""
        self.components: dict[str, Schema] = {}
        self.request: dict[str, Schema] = {}
        self.response: dict[str, Schema] = {}
        self.query: dict[str, Schema] = {}
        self._manual = dialect.manual
        self.prefix = prefix
        uses = _uses(dialect)
        found, parts = msgspec.json.schema_components(
            [use.kind for use in uses], ref_template=POINTER + "{name}"
        )
        shown = list(zip(uses, found, strict=True))
        self._names = _names(shown, parts)
        self._fill(shown, {name: self._described(name, part) for name, part in parts.items()})

    def member(self, owner: str, name: str, schema: Schema) -> Schema:
        """A member's schema, with what the dialect's vocabulary knows of it."""
        words = self._manual.vocabulary
        known = {**words.get(name, {}), **words.get(f"{_stem(owner)}.{name}", {})}
        if _SHAPES & schema.keys():
            known = {key: value for key, value in known.items() if key not in _SHAPING}
        return {**known, **schema}

    def named(self, operation: str) -> str:
        """What an operation is called in the document."""
        if not self.prefix:
            return operation
        return self.prefix[:1].lower() + self.prefix[1:] + upper(operation)

    def pointer(self, name: str) -> Schema:
        """A reference to a component, by its name without the prefix."""
        return {"$ref": f"{POINTER}{self.prefix}{name}"}

    def add(self, name: str, schema: Schema) -> Schema:
        """Add a component; returns the reference to it."""
        if self.prefix + name in self.components:
            message = f"two schemas are named {self.prefix}{name}"
            raise ValueError(message)
        self.components[self.prefix + name] = schema
        return self.pointer(name)

    def _fill(self, shown: list[tuple[_Use, Schema]], parts: Mapping[str, Schema]) -> None:
        queries = {_target(schema) for use, schema in shown if use.role == "query"}
        for name, part in parts.items():
            if name not in queries:
                self.add(self._names[name], self._public(part))
        for use, schema in shown:
            operation = use.endpoint.operation
            if use.role == "query":
                self.query[operation] = self._public(parts[_target(schema)])
            elif use.role == "request":
                self.request[operation] = self._public(schema)
            else:
                self.response[operation] = self._reply(use.endpoint, self._public(schema))

    def _reply(self, endpoint: Endpoint, data: Schema) -> Schema:
        if endpoint.stream is not None or endpoint.media != JSON:
            return {"type": "string"}
        name = f"{upper(endpoint.operation)}Response"
        return self.add(name, self._manual.wrap(data))

    def _described(self, name: str, part: Schema) -> Schema:
        members = part.get("properties", {})
        described = {one: self.member(name, one, schema) for one, schema in members.items()}
        own = self._manual.vocabulary.get(_stem(name), {})
        return {**part, **({"properties": described} if members else {}), **own}

    def _public(self, schema: Any) -> Any:
        """The same with public names in its references, and without Python's titles."""
        if isinstance(schema, list):
            return [self._public(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        public = {
            name: self._public(value)
            for name, value in schema.items()
            if name != "title" or not isinstance(value, str)
        }
        if isinstance(public.get("$ref"), str):
            public |= self.pointer(self._names[_target(schema)])
        return public


def upper(operation: str) -> str:
    """Capitalise an operation's name: `createEvent` → `CreateEvent`."""
    return operation[:1].upper() + operation[1:]


def _uses(dialect: Dialect) -> list[_Use]:
    return [
        _Use(endpoint, role, kind)
        for endpoint in dialect.endpoints
        for role in ("request", "query", "response")
        if (kind := getattr(endpoint, role)) is not None
    ]


def _names(shown: list[tuple[_Use, Schema]], parts: Mapping[str, Schema]) -> dict[str, str]:
    """Public names: `CreateEventRequest` for what its body is, `Event` for `EventOut`."""
    names = {name: _stem(name) for name in parts}
    for use, schema in shown:
        target = _target(schema)
        if use.role == "request" and names.get(target) == _stem(target):
            names[target] = f"{upper(use.endpoint.operation)}Request"
    return names


def _target(schema: Schema) -> str:
    return str(schema.get("$ref", "")).removeprefix(POINTER)


def _stem(name: str) -> str:
    return re.sub(r"(?<=[a-z])Out$", "", name)
