"""How Emailit's own client tells refusals apart."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from emailit.exceptions import (  # type: ignore[import-untyped] # it comes without types
    ApiErrorException,
    AuthenticationException,
    InvalidRequestException,
    RateLimitException,
    UnprocessableEntityException,
)

from tests.dialects.emailit.mails import letter, somebody
from tests.dialects.emailit.wire import NOWHERE, Account
from tests.server import Server, unique


def refusal_of(ask: Callable[[], Any]) -> tuple[type, int, str]:
    """The class that the client raises, the status and what it says."""
    with pytest.raises(ApiErrorException) as caught:
        ask()
    assert caught.value.json_body["request_id"]
    return type(caught.value), caught.value.http_status, str(caught.value)


def test_400_and_404_are_invalid_requests(sdk: Any) -> None:
    bad = refusal_of(lambda: sdk.api_keys.create({}))
    assert bad == (InvalidRequestException, 400, "Bad Request")
    missing = refusal_of(lambda: sdk.api_keys.get(f"key_{NOWHERE}"))
    assert missing == (InvalidRequestException, 404, "API key not found")
    domain = refusal_of(lambda: sdk.domains.get("1234567890"))
    assert domain == (InvalidRequestException, 404, "Not Found: Domain not found")


def test_401_is_its_own_class(account: Account) -> None:
    told = (AuthenticationException, 401, "Unauthorized: Invalid API key")
    unknown = account.sdk("secret_" + "x" * 32)
    assert refusal_of(unknown.api_keys.list) == told
    assert refusal_of(unknown.emails.list) == told


def test_403_and_409_are_plain_errors(account: Account, sdk: Any) -> None:
    weak = account.sdk(account.make(unique("key"), scope="sending")["key"])
    kind_, status, words = refusal_of(weak.emails.list)
    assert (kind_, status) == (ApiErrorException, 403)
    assert words.startswith("Forbidden: ")
    made = sdk.api_keys.create({"name": unique("key")})
    with pytest.raises(ApiErrorException) as caught:
        sdk.api_keys.create({"name": made.name})
    assert (str(caught.value), caught.value.http_status) == ("API key already exists", 409)
    assert caught.value.json_body["existing"]["id"] == made.id


def test_422_is_its_own_class(poster: Account) -> None:
    domain = f"{unique('mail')}.example.com"
    server = poster.server
    server.cli("domain", "add", domain, "--account", poster.id, "--trust")
    body = {"name": unique("k"), "scopes": ["sending"], "sendingDomain": domain}
    key = poster.native("POST", "/v1/keys", body).json()["data"]["key"]
    told = refusal_of(lambda: poster.sdk(key).emails.send(letter(somebody())))
    assert told[:2] == (UnprocessableEntityException, 422)
    assert "not valid or not verified" in told[2]


def test_429_is_its_own_class(server: Server, http: httpx2.Client) -> None:
    limited = Account(server, http, plan="emailit").sdk()
    limited.emails.send(letter([somebody(), somebody(), somebody()]))
    told = refusal_of(lambda: limited.emails.send(letter(somebody())))
    assert told[:2] == (RateLimitException, 429)
    assert told[2].startswith("Rate limit exceeded: ")
