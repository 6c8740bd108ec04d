"""The shape of every refusal of every call, and what Emailit's own client reads in it."""

from typing import Any

import msgspec
import pytest
from emailit._api_response import (  # type: ignore[import-untyped] # it comes without types
    ApiResponse,
)
from emailit._base_client import (  # type: ignore[import-untyped] # it comes without types
    BaseEmailitClient,
)

from gatepost.base.errors import Code
from gatepost.dialects.emailit import Emailit
from gatepost.web.contract import Endpoint
from gatepost.web.openapi.refusals import SAMPLES, possible

DIALECT = Emailit()
COMMON = {"type", "request_id"}
DOOR = {"unauthorized", "forbidden", "account_inactive", "method_not_allowed", "uri_too_long"}
SPENT = {"rate_limited", "quota_exceeded"}
FLAT = {"statusCode", "error", "message"}
OF_SPENT = {"error", "message", "limit", "current", "retry_after"}
TAGS: dict[str, set[str]] = {
    "API Keys": {"error"},
    "Emails": {"error", "message"},
    "Suppressions": {"error"},
    "Domains": FLAT,
    "Webhooks": FLAT,
    "Events": FLAT,
    "Templates": FLAT,
    "Audiences": FLAT,
    "Subscribers": FLAT,
    "Contacts": FLAT,
    "Email Verifications": FLAT,
}
"""What a refusal has, by the tag of what was asked for; at the door they are all flat."""
OF_INVALID: dict[str, set[str]] = {
    "API Keys": {"error", "details"},
    "Emails": {"error", "validation_errors"},
    "Suppressions": {"error", "details"},
}
"""What those have that tell which member is at fault."""


@pytest.mark.parametrize("endpoint", DIALECT.endpoints, ids=lambda one: one.operation)
def test_each_has_its_shape_and_words(endpoint: Endpoint) -> None:
    for code in possible(endpoint):
        body = rendered(code, endpoint)
        assert set(body) - COMMON == expected(str(code), endpoint.tag), code
        assert body["type"] == str(code)
        assert said(code, endpoint)


@pytest.mark.parametrize("code", list(Code))
def test_what_leads_nowhere_is_flat(code: Code) -> None:
    body = rendered(code, None)
    expected_ = OF_SPENT if str(code) in SPENT else FLAT
    assert set(body) - COMMON - {"details"} == expected_


def expected(code: str, tag: str) -> set[str]:
    if code in SPENT:
        return OF_SPENT
    told = code in {"validation_error", "not_found"}
    if code in DOOR or (tag == "Suppressions" and not told):
        return FLAT
    if code == "validation_error":
        return OF_INVALID.get(tag, FLAT | {"details"})
    return TAGS[tag]


def rendered(code: Code, endpoint: Endpoint | None) -> dict[str, Any]:
    reply = DIALECT.error(SAMPLES[code], "some-id", endpoint)
    body: dict[str, Any] = msgspec.json.decode(reply.body)
    assert body["request_id"] == "some-id"
    assert body.get("statusCode", reply.status) == reply.status
    if isinstance(body["error"], dict):
        assert body["error"]["code"] == reply.status
    return body


def said(code: Code, endpoint: Endpoint) -> str:
    """What the client tells; without words of ours it makes up its own."""
    reply = DIALECT.error(SAMPLES[code], "some-id", endpoint)
    response = ApiResponse(reply.status, {}, reply.body.decode())
    words = str(BaseEmailitClient._extract_error_message(response))
    return "" if words.startswith("API request failed") else words
