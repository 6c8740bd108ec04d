"""Schemas in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gatepost.web.manual import Schema
from gatepost.web.reading.html import Html, element, inline, join, row, table

_LIMITS = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minimum", "maximum", ""),
)


def kind(schema: Schema) -> Html:
    """What a value is: `string`, `array of Event`, `string or null`; names lead to schemas."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return element("a", name, href=f"#schema-{name}")
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return join(_between([element("code", _json(value)) for value in values], " or "))
    if "anyOf" in schema and "type" not in schema:
        return join(_between([kind(one) for one in schema["anyOf"]], " or "))
    if schema.get("type") == "array":
        return join(["array of ", kind(schema.get("items", {}))])
    named = schema.get("format") or schema.get("type") or "any JSON"
    return join([str(named)])


def members(schema: Schema) -> Html:
    """The members of an object as a table."""
    required = schema.get("required", ())
    rows = [
        row(join([element("code", name), _mark(needed=name in required)]), kind(one), about(one))
        for name, one in schema.get("properties", {}).items()
    ]
    return table(("Member", "Type", "Meaning"), rows)


def parameters(found: list[Schema]) -> Html:
    """An operation's parameters as a table."""
    rows = [
        row(
            join([element("code", one["name"]), _mark(needed=one["required"])]),
            one["in"],
            kind(one["schema"]),
            about({**one["schema"], "description": one.get("description", "")}),
        )
        for one in found
    ]
    return table(("Parameter", "In", "Type", "Meaning"), rows)


def about(schema: Schema) -> Html:
    """Description, limits and default of a value."""
    said = schema.get("description", "")
    return join([inline(said), " " if said else "", element("small", ", ".join(limits(schema)))])


def limits(schema: Schema) -> list[str]:
    """What a value must keep to, in words; of alternatives, what any of them must."""
    found = [
        f"{_range(schema.get(low), schema.get(high))} {unit}".strip()
        for low, high, unit in _LIMITS
        if low in schema or high in schema
    ]
    if "pattern" in schema:
        found.append(f"matches {schema['pattern']}")
    for one in schema.get("anyOf", ()):
        found += [text for text in limits(one) if text not in found]
    if schema.get("default") is not None:
        found.append(f"default {_json(schema['default'])}")
    return found


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _mark(*, needed: bool) -> Html | None:
    return element("em", " required") if needed else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _between(parts: list[Html], word: str) -> Iterator[Html | str]:
    for index, part in enumerate(parts):
        if index:
            yield word
        yield part
