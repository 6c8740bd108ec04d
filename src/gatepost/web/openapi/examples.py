"""An example value for any schema: taken from its own examples, else made up to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.web.manual import Schema

MOMENT = "2026-01-15T10:30:00.000Z"
_FORMATS = {
    "date-time": MOMENT,
    "uuid": "0b5e8f0a-3f5d-4f0e-9d3b-6a4b1c2d3e4f",
    "uri": "https://example.com/",
}
_DEPTH_MAX = 8


def example(
    schema: Schema, components: Mapping[str, Schema], *, whole: bool, depth: int = 0
) -> Any:
    """Make a value that fits. `whole` shows every member, else only the telling ones:
    those required, and those with an example of their own.
    """
    if "$ref" in schema:
        return example(components[_last(schema["$ref"])], components, whole=whole, depth=depth)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("default") not in (None, [], {}):
        return schema["default"]
    if depth > _DEPTH_MAX:
        return None
    return _made(schema, components, whole, depth)


def _made(schema: Schema, components: Mapping[str, Schema], whole: bool, depth: int) -> Any:  # noqa: FBT001 # an inner step of `example`
    if "properties" in schema:
        return _object(schema, components, whole, depth)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components, whole=whole, depth=depth)
    if schema.get("type") == "array":
        if schema.get("maxItems") == 0:
            return []
        return [example(schema.get("items", {}), components, whole=whole, depth=depth + 1)]
    return _plain(schema)


def _object(schema: Schema, components: Mapping[str, Schema], whole: bool, depth: int) -> Any:  # noqa: FBT001 # an inner step of `example`
    required = schema.get("required", [])
    return {
        name: example(one, components, whole=whole, depth=depth + 1)
        for name, one in schema["properties"].items()
        if whole or name in required or "examples" in one
    }


def _plain(schema: Schema) -> Any:
    match schema.get("type"):
        case "string":
            return _FORMATS.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return {}


def _last(pointer: str) -> str:
    return pointer.rsplit("/", 1)[-1]
