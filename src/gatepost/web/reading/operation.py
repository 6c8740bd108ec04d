"""One operation of the document as an article."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gatepost.web.manual import Schema
from gatepost.web.reading import shapes
from gatepost.web.reading.curl import command
from gatepost.web.reading.html import Html, element, inline, join, paragraphs, row, table

SUCCESS_MAX = 299


class Operation(NamedTuple):
    """Where an operation is, and what the document says of it."""

    method: str
    path: str
    said: Schema


def article(operation: Operation, document: Schema, address: str) -> Html:
    """Everything about one operation."""
    method, path, said = operation
    place = element(
        "p", element("b", method, class_=f"method {method.lower()}"), element("code", path)
    )
    return element(
        "article",
        element("h3", said["summary"]),
        place,
        _aliases(said),
        paragraphs(said.get("description", "")),
        _parameters(said),
        _body(said, document),
        element("h4", "Example"),
        pre(command(method, path, said, address), "shell"),
        _reply(said),
        _responses(said),
        id=f"op-{said['operationId']}",
    )


def pre(text: str, language: str) -> Html:
    """A block of code; the page's script puts a copy button to it."""
    return element("pre", element("code", text), class_=language, tabindex="0")


def pretty(value: Any) -> str:
    """JSON for people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _aliases(said: Schema) -> Html | None:
    aliases = said.get("x-aliases")
    return element("p", "Also at ", *(element("code", one) for one in aliases)) if aliases else None


def _parameters(said: Schema) -> Html | None:
    found = said.get("parameters")
    return join([element("h4", "Parameters"), shapes.parameters(found)]) if found else None


def _body(said: Schema, document: Schema) -> Html | None:
    body = said.get("requestBody")
    if body is None:
        return None
    schema = body["content"]["application/json"]["schema"]
    known = resolve(schema, document)
    shown = shapes.members(known) if known.get("properties") else element("p", shapes.kind(schema))
    types = " or ".join(f"`{name}`" for name in body["content"])
    return join([element("h4", "Body"), paragraphs(f"{types}. {body['description']}"), shown])


def _reply(said: Schema) -> Html:
    found = []
    for status, response in said["responses"].items():
        shown = response.get("content", {}).get("application/json", {}).get("example")
        if int(status) <= SUCCESS_MAX and shown is not None:
            title = element("summary", status, " ", inline(response["description"]))
            found.append(element("details", title, pre(pretty(shown), "json")))
    return join(found)


def _responses(said: Schema) -> Html:
    rows = [
        row(status, join(_meaning(response)), join(_headers(response)))
        for status, response in said["responses"].items()
    ]
    return element(
        "details",
        element("summary", "All replies and their headers"),
        table(("Status", "Meaning", "Headers"), rows),
    )


def _meaning(response: Schema) -> list[Html | str]:
    examples = response.get("content", {}).get("application/json", {}).get("examples")
    if not examples:
        return [inline(response["description"])]
    return [
        element(
            "details",
            element("summary", element("a", code, href=f"#code-{code}"), " ", one["summary"]),
            pre(pretty(one["value"]), "json"),
        )
        for code, one in examples.items()
    ]


def _headers(response: Schema) -> list[Html]:
    """Names; those that are described once for all lead there."""
    return [
        element("a", name, href=f"#header-{name}", class_="header")
        if "$ref" in header
        else element("span", name, class_="header", title=header["description"])
        for name, header in response.get("headers", {}).items()
    ]


def resolve(schema: Schema, document: Schema) -> Schema:
    """Follow a reference into the document's components."""
    if "$ref" not in schema:
        return schema
    found: Schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found
