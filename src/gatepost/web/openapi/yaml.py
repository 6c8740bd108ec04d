"""A JSON value as YAML 1.2: block style, every string in JSON's quotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


def dump(value: Any) -> bytes:
    """Write a value of dicts with string keys, lists and scalars."""
    return ("\n".join(_lines(value, "")) + "\n").encode()


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _item(f"{indent}{_scalar(name)}:", item, indent)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _item(f"{indent}-", item, indent)
    else:
        yield indent + _scalar(value)


def _item(lead: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict | list) and item:
        yield lead
        yield from _lines(item, indent + "  ")
    else:
        yield f"{lead} {_scalar(item)}"


def _scalar(value: Any) -> str:
    return msgspec.json.encode(value).decode()
