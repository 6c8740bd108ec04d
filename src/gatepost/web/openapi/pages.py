"""The paths beside the API that need no key: the document itself, health, metrics."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.web.contract import Page
from gatepost.web.manual import Schema
from gatepost.web.openapi.examples import example

TAG = {"name": "Service", "description": "The service itself. No key is needed."}


def told(page: Page, operation: str) -> Schema:
    """Describe a page of a dialect."""
    _, parts = msgspec.json.schema_components([page.response])
    (schema,) = ({**one} for one in parts.values())
    del schema["title"]
    shown = example(schema, {}, whole=True)
    found = _page(operation, page.summary, (200, _json(schema["description"], schema, shown)))
    if page.aliases:
        found["get"]["x-aliases"] = list(page.aliases)
    return found


def _page(operation: str, summary: str, *responses: tuple[int, Schema]) -> Schema:
    found = {str(status): response for status, response in responses}
    return {
        "get": {
            "operationId": operation,
            "tags": [TAG["name"]],
            "summary": summary,
            "security": [],
            "responses": found,
        }
    }


def _json(description: str, schema: Schema, shown: Any, headers: Schema | None = None) -> Schema:
    content = {"application/json": {"schema": schema, "example": shown}}
    return {"description": description, "headers": headers or {}, "content": content}


def _state(description: str, *states: str) -> Schema:
    schema = {
        "type": "object",
        "properties": {"status": {"enum": list(states)}},
        "required": ["status"],
    }
    return _json(description, schema, {"status": states[0]})


def _text(name: str, shown: str) -> Schema:
    return {name: {"description": shown, "required": True, "schema": {"type": "string"}}}


_DOCUMENT_HEADERS = {
    **_text("ETag", "Changes when the document does; send it back in `If-None-Match`."),
    **_text("Cache-Control", "`public, max-age=3600`"),
    **_text("Access-Control-Allow-Origin", "`*`: a page of any origin may read it."),
}
_METRICS = {
    "description": "All counters.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}

PATHS = {
    "/openapi.json": _page(
        "getOpenApiSpec",
        "Read this document",
        (
            200,
            _json(
                "The document. `/api/openapi.json` is the same, `/api/openapi.yaml` the same "
                "in YAML; `/docs` shows it to people.",
                {"type": "object", "required": ["openapi", "info", "paths"]},
                {"openapi": "3.1.0", "info": {"title": "Gatepost API"}, "paths": {}},
                _DOCUMENT_HEADERS,
            ),
        ),
    ),
    "/healthz": _page(
        "getHealth", "Tell whether the process answers", (200, _state("It does.", "ok"))
    ),
    "/readyz": _page(
        "getReadiness",
        "Tell whether requests can be served",
        (200, _state("They can.", "ok")),
        (503, _state("Going down, or the database cannot be read.", "draining", "database")),
    ),
    "/metrics": _page("getMetrics", "Read the counters in Prometheus' format", (200, _METRICS)),
}
