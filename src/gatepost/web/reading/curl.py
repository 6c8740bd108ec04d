"""One command per operation, to copy into a shell."""

from __future__ import annotations

import re
import shlex
from typing import Any

import msgspec

from gatepost.web.manual import Schema

KEY = "GATEPOST_KEY"


def command(method: str, path: str, operation: Schema, address: str) -> str:
    """Write the `curl` of an operation at `address`; the key comes from the environment."""
    parts = [f"curl {_method(method, operation)}{shlex.quote(address + _filled(path, operation))}"]
    if operation["security"]:
        parts.append(f'-H "Authorization: Bearer ${KEY}"')
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(_body(content['example']))}")
    return " \\\n  ".join(parts)


def _method(method: str, operation: Schema) -> str:
    """Only what `curl` would not do by itself: no buffer for a stream, a file for a file."""
    media = operation["responses"].get("200", {}).get("content", {"application/json": {}})
    kind = next(iter(media))
    known = {"text/event-stream": "-N ", "application/json": "", "text/plain": ""}
    usual = "POST" if "requestBody" in operation else "GET"
    return known.get(kind, "-OJ ") + ("" if method == usual else f"-X {method} ")


def _filled(path: str, operation: Schema) -> str:
    examples = {one["name"]: one.get("example") for one in operation.get("parameters", ())}
    return re.sub(r"\{(\w+)\}", lambda match: str(examples[match.group(1)]), path)


def _body(example: Any) -> str:
    return msgspec.json.encode(example).decode()
