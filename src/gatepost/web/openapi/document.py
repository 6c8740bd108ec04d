"""The whole document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatepost.web.contract import Dialect
from gatepost.web.manual import Schema
from gatepost.web.openapi import headers, refusals
from gatepost.web.openapi.operations import operation
from gatepost.web.openapi.pages import PATHS, TAG, told
from gatepost.web.openapi.schemas import Schemas

VERSION = "3.1.0"


def build(dialects: Sequence[Dialect], version: str, server: str) -> dict[str, Any]:
    """Describe these dialects; the first one's names stay as they are, the others' get their
    dialect's prefix. `server` is the base address clients use, `/` for the document's own.
    """
    first = dialects[0].manual
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {
            "title": first.title,
            "version": version,
            "description": first.description,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "security": [],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "headers": {}, "securitySchemes": {}},
    }
    for dialect in dialects:
        _add(document, dialect, "" if dialect is dialects[0] else dialect.manual.prefix)
    document["tags"].append(TAG)
    document["paths"] |= PATHS
    return document


def _add(document: dict[str, Any], dialect: Dialect, prefix: str) -> None:
    manual = dialect.manual
    schemas = Schemas(dialect, prefix)
    refusals.add_schemas(dialect, schemas)
    for endpoint in dialect.endpoints:
        methods = document["paths"].setdefault(endpoint.path, {})
        methods[endpoint.method.lower()] = operation(dialect, endpoint, schemas)
    for page in dialect.pages:
        document["paths"][page.path] = told(page, schemas.named(page.operation))
    used = dict.fromkeys(endpoint.tag for endpoint in dialect.endpoints)
    document["tags"] += [
        {"name": prefix + name, "description": manual.tags[name]}
        for name in sorted(used, key=list(manual.tags).index)
    ]
    parts: dict[str, Schema] = document["components"]
    parts["schemas"] |= dict(sorted(schemas.components.items()))
    parts["headers"] |= headers.components(manual, prefix)
    parts["securitySchemes"] |= {prefix + name: one for name, one in manual.security.items()}
