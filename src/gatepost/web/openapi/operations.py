"""One endpoint as an OpenAPI operation."""

from __future__ import annotations

import re
from http import HTTPStatus

from gatepost.web.contract import JSON, Dialect, Endpoint, Naming, free
from gatepost.web.manual import Schema
from gatepost.web.openapi import headers, refusals
from gatepost.web.openapi.examples import example
from gatepost.web.openapi.schemas import Schemas

ENCODINGS = ["gzip", "deflate", "zstd"]
_PARAMETER = re.compile(r"/([\w-]+)/\{(\w+)\}")


def operation(dialect: Dialect, endpoint: Endpoint, schemas: Schemas) -> Schema:
    """Everything about one operation."""
    counted = endpoint.charge is not free
    found: Schema = {
        "operationId": schemas.named(endpoint.operation),
        "tags": [schemas.prefix + endpoint.tag],
        "summary": endpoint.summary,
        "description": _description(endpoint, counted=counted),
        "security": security(dialect, schemas.prefix, [str(endpoint.scope)]),
        "x-scope": str(endpoint.scope),
        "x-charge": "quota" if counted else "free",
        "parameters": _parameters(dialect, endpoint, schemas),
    }
    if endpoint.aliases:
        found["x-aliases"] = list(endpoint.aliases)
    if endpoint.request is not None:
        found["requestBody"] = _body(endpoint, schemas)
    succeeded = _successes(dialect, endpoint, schemas)
    found["responses"] = {**succeeded, **refusals.responses(dialect, endpoint, schemas)}
    return found


def security(dialect: Dialect, prefix: str, scopes: list[str]) -> list[Schema]:
    """What a request must bring: any one of the dialect's schemes, with these scopes."""
    return [{prefix + name: scopes} for name in dialect.manual.security]


def _description(endpoint: Endpoint, *, counted: bool) -> str:
    scope = "any valid key" if endpoint.scope == "any" else f"the scope `{endpoint.scope}`"
    quota = "Counts against the plan's quotas." if counted else "No quota counts it."
    said = (endpoint.description or "").strip()
    return f"{said}\n\nNeeds {scope}. {quota}".strip()


def _parameters(dialect: Dialect, endpoint: Endpoint, schemas: Schemas) -> list[Schema]:
    found = [
        _path_parameter(schemas, *match.groups()) for match in _PARAMETER.finditer(endpoint.path)
    ]
    query = schemas.query.get(endpoint.operation, {})
    required = query.get("required", ())
    found += [
        _parameter(name, "query", schema, schemas, required=name in required)
        for name, schema in query.get("properties", {}).items()
    ]
    if endpoint.project:
        found.append(_of_headers("X-Project-ID", schemas))
    if endpoint.customer is not Naming.IGNORED:
        required = endpoint.customer is Naming.REQUIRED
        found.append(_of_headers("X-Customer-ID", schemas, required=required))
    if endpoint.writes and endpoint.idempotent:
        found.append(_of_headers(dialect.idempotency.header.decode().title(), schemas))
    if endpoint.stream is not None:
        found.append(_of_headers("Last-Event-ID", schemas))
    return found


def _path_parameter(schemas: Schemas, collection: str, name: str) -> Schema:
    words = re.sub(r"ies$", "y", collection).removesuffix("s").split("-")
    owner = "".join(word.capitalize() for word in words)
    schema = schemas.member(owner, name, {"type": "string", "minLength": 1})
    return _parameter(name, "path", schema, schemas, required=True)


def _of_headers(name: str, schemas: Schemas, *, required: bool = False) -> Schema:
    schema = schemas.member("Headers", name, {"type": "string"})
    return _parameter(name, "header", schema, schemas, required=required)


def _parameter(
    name: str, place: str, schema: Schema, schemas: Schemas, *, required: bool
) -> Schema:
    inner = {key: value for key, value in schema.items() if key not in {"description", "examples"}}
    found: Schema = {"name": name, "in": place, "required": required, "schema": inner}
    if "description" in schema:
        found["description"] = schema["description"]
    if required or "examples" in schema:
        found["example"] = example(schema, schemas.components, whole=True)
    return found


def _body(endpoint: Endpoint, schemas: Schemas) -> Schema:
    schema = schemas.request[endpoint.operation]
    shown = endpoint.example
    if shown is None:
        shown = example(schema, schemas.components, whole=False)
    content: Schema = {"application/json": {"schema": schema, "example": shown}}
    if endpoint.batch:
        content["application/x-ndjson"] = {"schema": {"type": "string"}}
    return {
        "required": True,
        "description": "JSON in UTF-8; it may be compressed, if `Content-Encoding` says "
        "how: gzip, deflate or zstd. Limits count what it decompresses to.",
        "x-content-encodings": ENCODINGS,
        "content": content,
    }


def _successes(dialect: Dialect, endpoint: Endpoint, schemas: Schemas) -> Schema:
    usual = HTTPStatus(endpoint.status).phrase
    statuses = {endpoint.status: usual, **endpoint.further}
    return {
        str(status): {
            "description": words,
            "headers": headers.succeeded(dialect.manual, schemas.prefix, endpoint),
            "content": _content(endpoint, schemas),
        }
        for status, words in statuses.items()
    }


def _content(endpoint: Endpoint, schemas: Schemas) -> Schema:
    if endpoint.response is None:
        return {}
    schema = schemas.response[endpoint.operation]
    if endpoint.stream is not None:
        return {"text/event-stream": {"schema": schema}}
    if endpoint.media != JSON:
        return {endpoint.media: {"schema": {"type": "string", "format": "binary"}}}
    shown = example(schema, schemas.components, whole=True)
    whole: Schema = {"application/json": {"schema": schema, "example": shown}}
    return whole | {media: {"schema": {"type": "string"}} for media in endpoint.also}
