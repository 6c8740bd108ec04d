"""The served document: valid, complete, true to its own examples; and the page that shows it."""

import html
import json
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import jsonschema_rs
import pytest
import schemathesis
import yaml  # type: ignore[import-untyped] # it has no types of its own

from gatepost.dialects import DIALECTS
from tests.server import Server, Tenant

SPEC_OPERATIONS = {
    "createEvent",
    "deleteIdentity",
    "getEvent",
    "getOpenApiSpec",
    "identifyUser",
    "listChannels",
    "listEvents",
    "me",
}
SPEC_SCHEMAS = {
    "CreateEventRequest",
    "CreateEventResponse",
    "IdentifyUserRequest",
    "IdentifyUserResponse",
    "RateLimitError",
    "ServerError",
    "UnauthorizedError",
    "ValidationError",
}


@pytest.fixture(scope="module")
def document(server: Server, http: httpx2.Client) -> dict[str, Any]:
    return dict(http.get(f"{server.address}/openapi.json").json())


@pytest.fixture(scope="module")
def page(server: Server, http: httpx2.Client) -> str:
    return http.get(f"{server.address}/docs").text


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Where it is, its schema, and the example, of everything in JSON that has both."""
    for method, path, operation in operations(document):
        parts = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for place, part in parts.items():
            media = part.get("content", {}).get("application/json")
            if media is None:
                continue
            shown = [one["value"] for one in media.get("examples", {}).values()]
            shown += [media["example"]] if "example" in media else []
            for value in shown:
                yield f"{method} {path} {place}", media["schema"], value


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


# The document


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_it_names_what_clients_know(document: dict[str, Any]) -> None:
    found = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(found) == len(set(found))
    assert set(found) >= SPEC_OPERATIONS
    assert set(document["components"]["schemas"]) >= SPEC_SCHEMAS
    assert document["info"]["title"] == "Gatepost API"
    scheme = document["components"]["securitySchemes"]["bearerAuth"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == (
        "http",
        "bearer",
        "API Key",
    )


@pytest.mark.parametrize("name", [dialect.name for dialect in DIALECTS])
def test_every_example_fits_its_schema(server: Server, http: httpx2.Client, name: str) -> None:
    document = http.get(f"{server.address}/openapi/{name}.json").json()
    faults = [
        f"{place}: {error.message} at {error.instance_path}"
        for place, schema, value in examples(document)
        for error in validator(document, schema).iter_errors(value)
    ]
    assert faults == []


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    pointers = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert pointers
    for pointer in pointers:
        found: Any = document
        for step in pointer.removeprefix("#/").split("/"):
            found = found[step]


def test_every_operation_is_tagged_secured_and_told(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for method, path, operation in operations(document):
        assert set(operation["tags"]) <= tags, path
        assert operation["summary"], path
        assert (operation["security"] == []) is not path.startswith("/v1/"), f"{method} {path}"


@pytest.mark.parametrize("path", ["/openapi.json", "/api/openapi.json", "/api/openapi.yaml"])
def test_anybody_may_read_and_keep_it(server: Server, http: httpx2.Client, path: str) -> None:
    url = server.address + path
    first = http.get(url)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert first.headers["access-control-allow-origin"] == "*"
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    again = http.get(url, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    assert http.head(url).headers["content-length"] == first.headers["content-length"]
    refused = http.post(url)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_the_yaml_says_the_same(
    server: Server, http: httpx2.Client, document: dict[str, Any]
) -> None:
    text = http.get(f"{server.address}/api/openapi.yaml").text
    # The one in C, which reads it ten times as fast.
    assert yaml.load(text, Loader=yaml.CSafeLoader) == document  # it is safe


def test_each_dialect_and_all_together_have_one(
    server: Server, http: httpx2.Client, document: dict[str, Any]
) -> None:
    assert http.get(f"{server.address}/openapi/native.json").json() == document
    together = http.get(f"{server.address}/openapi/all.json").json()
    assert set(together["paths"]) >= set(document["paths"])


# The page


class Page(HTMLParser):
    """Every id, every address it loads or leads to, and whether all that opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in {"href", "src"}:
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_every_operation_code_and_schema(
    page: str, document: dict[str, Any]
) -> None:
    found = Page(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    wanted = {f"op-{one['operationId']}" for _, _, one in operations(document)}
    wanted |= {f"schema-{name}" for name in document["components"]["schemas"]}
    codes = {
        code
        for name, schema in document["components"]["schemas"].items()
        if name.endswith("Error")
        for code in schema["properties"]["code"]["enum"]
    }
    wanted |= {f"code-{code}" for code in codes}
    assert wanted <= set(found.ids)


def test_the_page_needs_no_other_host(server: Server, http: httpx2.Client, page: str) -> None:
    found = Page(page)
    for link in found.links:
        assert link.startswith(("#", "/", "data:,")), link
        if link.startswith("#"):
            assert link[1:] in found.ids, link
        elif link.startswith("/"):
            assert http.get(server.address + link).status_code == 200
    policy = http.get(f"{server.address}/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    assert "style=" not in page
    assert page.count("<script") == page.count("<script src=")


def test_the_page_leads_to_every_document(server: Server, http: httpx2.Client, page: str) -> None:
    for dialect in DIALECTS[1:]:
        address = f"/openapi/{dialect.name}.json"
        assert f'<a href="{address}">{dialect.manual.title}</a>' in page
        document = http.get(f"{server.address}{address}").json()
        assert document["info"]["title"] == dialect.manual.title


def test_the_root_leads_to_the_page(server: Server, http: httpx2.Client) -> None:
    answer = http.get(server.address)
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs")


@pytest.mark.parametrize(
    "host", ["<script>alert(1)</script>", "x;id", "no such host", "x:99999999", ""]
)
def test_a_strange_host_does_not_enter_the_commands(
    server: Server, http: httpx2.Client, host: str
) -> None:
    answer = http.get(f"{server.address}/docs", headers={"Host": host})
    assert answer.status_code in {200, 400}
    assert not host or host not in answer.text


def commands(page: str) -> dict[str, list[str]]:
    """The words of each operation's `curl`, by operation id."""
    found = re.findall(
        r'<article id="op-(\w+)">.*?<pre class="shell"[^>]*><code>(.*?)</code>', page, re.DOTALL
    )
    joined = {name: html.unescape(text).replace("\\\n", " ") for name, text in found}
    return {name: shlex.split(text) for name, text in joined.items()}


def test_every_operation_has_a_command(page: str, document: dict[str, Any]) -> None:
    assert set(commands(page)) == {one["operationId"] for _, _, one in operations(document)}


def test_the_commands_do_what_they_say(http: httpx2.Client, page: str, tenant: Tenant) -> None:
    for name, status in {"createEvent": 201, "identifyUser": 200, "me": 200, "ping": 200}.items():
        method, url, headers, body = read_curl(commands(page)[name], tenant.key.secret)
        answer = http.request(method, url, headers=headers, content=body)
        assert answer.status_code == status, answer.text


def read_curl(words: list[str], key: str) -> tuple[str, str, dict[str, str], str | None]:
    """What `curl` would send: method, address, headers, body."""
    assert words[0] == "curl"
    options = dict(zip(words[2::2], words[3::2], strict=True)) if "-X" not in words else {}
    fields = [words[at + 1] for at, word in enumerate(words) if word == "-H"]
    headers = dict(one.replace("$GATEPOST_KEY", key).split(": ", 1) for one in fields)
    body = options.get("-d")
    return ("POST" if body else "GET"), words[1], headers, body
