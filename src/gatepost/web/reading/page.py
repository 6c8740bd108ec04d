"""The whole page: contents at the side, operations by tag, schemas, headers, error codes."""

from __future__ import annotations

from collections.abc import Mapping

from gatepost.base.meanings import MEANINGS
from gatepost.web.manual import Schema
from gatepost.web.reading import shapes
from gatepost.web.reading.curl import KEY
from gatepost.web.reading.html import Html, element, inline, join, paragraphs, row, table
from gatepost.web.reading.operation import Operation, article, pre


def render(
    document: Schema, address: str, statuses: dict[str, int], others: Mapping[str, str]
) -> bytes:
    """Write the page of a document whose API is at `address`; `statuses` by error code, `others`
    the addresses of further documents by title.
    """
    title = document["info"]["title"]
    groups = by_tag(document)
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        _contents(title, groups),
        element(
            "main",
            _intro(document, address, others),
            *(_group(document, tag, groups[tag["name"]], address) for tag in document["tags"]),
            _codes(statuses),
            _headers(document),
            _schemas(document),
            id="content",
        ),
    )
    page = element("html", _head(title), body, lang="en")
    return f"<!doctype html>\n{page}\n".encode()


def by_tag(document: Schema) -> dict[str, list[Operation]]:
    """The document's operations under the name of their first tag."""
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            groups[said["tags"][0]].append(Operation(method.upper(), path, said))
    return groups


def _head(title: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href="/docs/page.css"),
        element("script", src="/docs/page.js", type="module"),
    )


def _contents(title: str, groups: dict[str, list[Operation]]) -> Html:
    parts = [
        join([element("h2", name), element("ul", *map(_entry, operations))])
        for name, operations in groups.items()
    ]
    more = (("codes", "Error codes"), ("headers", "Headers"), ("schemas", "Schemas"))
    links = [_link(f"#{anchor}", words) for anchor, words in more]
    return element(
        "nav",
        element("a", title, href="#content", class_="title"),
        element("div", id="search"),
        *parts,
        element("h2", "Reference"),
        element("ul", *links),
        aria_label="Contents",
    )


def _entry(operation: Operation) -> Html:
    method = element("b", operation.method, class_=f"method {operation.method.lower()}")
    return _link(f"#op-{operation.said['operationId']}", method, " ", operation.said["summary"])


def _link(target: str, *words: str | Html) -> Html:
    return element("li", _anchor(target, *words))


def _anchor(target: str, *words: str | Html) -> Html:
    return element("a", *words, href=target)


def _intro(document: Schema, address: str, others: Mapping[str, str]) -> Html:
    info = document["info"]
    return element(
        "section",
        element("h1", info["title"], " ", element("small", info["version"])),
        paragraphs(info["description"]),
        element("h4", "Before the examples"),
        pre(f"export {KEY}=your-key   # at {address}", "shell"),
        element(
            "p",
            "For machines: ",
            _anchor("/openapi.json", "openapi.json"),
            ", ",
            _anchor("/api/openapi.yaml", "openapi.yaml"),
            *(part for title, target in others.items() for part in (", ", _anchor(target, title))),
        ),
    )


def _group(document: Schema, tag: Schema, operations: list[Operation], address: str) -> Html:
    return element(
        "section",
        element("h2", tag["name"]),
        paragraphs(tag["description"]),
        *(article(one, document, address) for one in operations),
        id=f"tag-{tag['name']}",
    )


def _codes(statuses: dict[str, int]) -> Html:
    rows = [
        row(
            element("code", code),
            str(statuses[code]),
            inline(meaning.why),
            inline(meaning.remedy),
            anchor=f"code-{code}",
        )
        for code, meaning in MEANINGS.items()
    ]
    return element(
        "section",
        element("h2", "Error codes"),
        element("p", "Each refusal carries one as ", element("code", "code"), "."),
        table(("Code", "Status", "Meaning", "What helps"), rows),
        id="codes",
    )


def _headers(document: Schema) -> Html:
    rows = [
        row(element("code", name), inline(header["description"]), anchor=f"header-{name}")
        for name, header in document["components"]["headers"].items()
    ]
    return element(
        "section", element("h2", "Headers"), table(("Header", "Meaning"), rows), id="headers"
    )


def _schemas(document: Schema) -> Html:
    parts = [
        element(
            "article",
            element("h3", name),
            paragraphs(schema.get("description", "")),
            shapes.members(schema) if schema.get("properties") else shapes.kind(schema),
            id=f"schema-{name}",
        )
        for name, schema in document["components"]["schemas"].items()
    ]
    return element("section", element("h2", "Schemas"), *parts, id="schemas")
