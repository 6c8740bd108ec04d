"""What every endpoint of every dialect must say of itself, and what the document makes of it."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from gatepost.base.errors import Code
from gatepost.base.meanings import MEANINGS
from gatepost.dialects import DIALECTS
from gatepost.dialects.native import Native
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Standing, Verdict, Window
from gatepost.web import openapi
from gatepost.web.contract import Dialect, Endpoint, free
from gatepost.web.openapi.refusals import SAMPLES, possible

ENDPOINTS = [(dialect, endpoint) for dialect in DIALECTS for endpoint in dialect.endpoints]
NATIVE_STATUS = {
    "validation_error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "account_inactive": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "customer_missing": 400,
    "customer_invalid": 400,
    "customer_inactive": 403,
    "conflict": 409,
    "idempotency_conflict": 409,
    "payload_too_large": 413,
    "uri_too_long": 414,
    "unsupported_encoding": 415,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "quota_exceeded": 429,
    "range_too_large": 422,
    "upstream_failed": 502,
    "upstream_timeout": 504,
    "internal_error": 500,
    "unavailable": 503,
}

every_endpoint = pytest.mark.parametrize(
    ("dialect", "endpoint"),
    ENDPOINTS,
    ids=[f"{dialect.name}-{endpoint.operation}" for dialect, endpoint in ENDPOINTS],
)
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=[one.name for one in DIALECTS])


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    return {dialect.name: openapi.build([dialect], "1.2.3", "/") for dialect in DIALECTS}


def described(documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint) -> Any:
    return documents[dialect.name]["paths"][endpoint.path][endpoint.method.lower()]


@every_endpoint
def test_scope_and_charge_are_said(
    documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint
) -> None:
    operation = described(documents, dialect, endpoint)
    assert endpoint.scope in Scope
    assert operation["x-scope"] == str(endpoint.scope)
    assert [str(endpoint.scope)] in operation["security"][0].values()
    assert operation["x-charge"] == ("free" if endpoint.charge is free else "quota")
    assert "429" in operation["responses"]


@every_endpoint
def test_a_write_offers_idempotency_and_a_read_does_not(
    documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint
) -> None:
    names = {one["name"] for one in described(documents, dialect, endpoint)["parameters"]}
    header = dialect.idempotency.header.decode().title()
    assert (header in names) is (endpoint.writes and endpoint.idempotent)
    assert endpoint.writes or endpoint.method in {"GET", "HEAD"} or endpoint.request is not None


@every_endpoint
def test_every_path_parameter_is_described(
    documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint
) -> None:
    operation = described(documents, dialect, endpoint)
    in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", endpoint.path))
    assert all("example" in one for one in operation["parameters"] if one["in"] == "path")


@every_endpoint
def test_every_possible_refusal_is_shown_as_it_is_rendered(
    documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint
) -> None:
    responses = described(documents, dialect, endpoint)["responses"]
    for code in possible(endpoint):
        status = dialect.error(SAMPLES[code], "some-id", endpoint).status
        shown = responses[str(status)]["content"]["application/json"]["examples"]
        assert str(code) in shown


@every_endpoint
def test_a_success_and_a_body_have_an_example(
    documents: dict[str, dict[str, Any]], dialect: Dialect, endpoint: Endpoint
) -> None:
    operation = described(documents, dialect, endpoint)
    content = operation["responses"][str(endpoint.status)]["content"]
    if "application/json" in content:
        assert content["application/json"]["example"]
    if endpoint.request is not None:
        assert "example" in operation["requestBody"]["content"]["application/json"]


@every_dialect
def test_operation_ids_are_unique(dialect: Dialect) -> None:
    counted = Counter(endpoint.operation for endpoint in dialect.endpoints)
    assert [name for name, times in counted.items() if times > 1] == []


@every_dialect
@pytest.mark.parametrize("code", list(Code))
def test_every_code_is_rendered(dialect: Dialect, code: Code) -> None:
    reply = dialect.error(SAMPLES[code], "some-id", None)
    assert 400 <= reply.status <= 599
    assert MEANINGS[code].why
    assert MEANINGS[code].remedy
    assert reply.status in dialect.manual.refusals


@pytest.mark.parametrize("code", list(Code))
def test_native_statuses_are_the_documented_ones(code: Code) -> None:
    native = next(one for one in DIALECTS if one.name == "native")
    assert native.error(SAMPLES[code], "some-id", None).status == NATIVE_STATUS[str(code)]


@every_dialect
def test_the_described_rate_headers_are_the_real_ones(dialect: Dialect) -> None:
    verdict = Verdict(True, (Standing(Window("minute", 100, 60), 99, 60.0),), 0.0)
    sent = {name.decode() for name, _ in dialect.throttle.headers(verdict, 0)}
    assert sent == {name.lower() for name in dialect.manual.rate_headers}
    replay, _ = dialect.idempotency.replay
    assert [replay.decode()] == [name.lower() for name in dialect.manual.replay_header]


@every_dialect
def test_every_tag_is_described(dialect: Dialect) -> None:
    assert {endpoint.tag for endpoint in dialect.endpoints} <= set(dialect.manual.tags)


class Second(Native):
    """The native dialect once more, elsewhere: the least different other dialect there is."""

    name = "second"
    endpoints: Sequence[Endpoint] = tuple(
        msgspec.structs.replace(endpoint, path=f"/second{endpoint.path}", aliases=())
        for endpoint in Native.endpoints
    )


def test_several_dialects_share_one_document_without_sharing_names() -> None:
    alone = openapi.build([Native()], "1.2.3", "/")
    both = openapi.build([Native(), Second()], "1.2.3", "/")
    assert both["paths"].items() >= alone["paths"].items()
    schemas = both["components"]["schemas"]
    assert set(schemas) == {
        prefix + name for name in alone["components"]["schemas"] for prefix in ("", "Native")
    }
    operations = [one for methods in both["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert "nativeCreateEvent" in names
    text = json.dumps(both)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
    tags = {tag["name"] for tag in both["tags"]}
    assert {tag for one in operations for tag in one["tags"]} == tags
