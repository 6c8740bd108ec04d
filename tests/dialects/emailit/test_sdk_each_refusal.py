"""How each method of Emailit's own client is refused: 401, 404, 409, 422 and 429."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from emailit import EmailitClient  # type: ignore[import-untyped] # it comes without types
from emailit.exceptions import (  # type: ignore[import-untyped] # it comes without types
    ApiErrorException,
    AuthenticationException,
    InvalidRequestException,
    RateLimitException,
    UnprocessableEntityException,
)

from tests.dialects.emailit.mails import SENDER, letter, somebody
from tests.dialects.emailit.test_sdk_methods import METHODS
from tests.dialects.emailit.wire import NOWHERE, Account
from tests.server import Server, unique

PREFIXES = {
    "api_keys": "key",
    "audiences": "aud",
    "contacts": "con",
    "domains": "dom",
    "email_verification_lists": "evl",
    "emails": "em",
    "events": "evt",
    "suppressions": "sup",
    "templates": "tem",
    "webhooks": "wh",
}
BODIES: dict[str, dict[str, Any]] = {
    "api_keys.update": {"name": "x"},
    "audiences.update": {"name": "x"},
    "contacts.update": {"first_name": "x"},
    "domains.update": {"track_clicks": True},
    "emails.update": {"scheduled_at": "2027-01-01T00:00:00Z"},
    "subscribers.create": {"email": "ada@example.com"},
    "subscribers.update": {"first_name": "x"},
    "suppressions.update": {"reason": "x"},
    "templates.update": {"name": "x"},
    "webhooks.update": {"enabled": False},
}
"""What is right about the bodies of methods whose object there is not."""


def method(client: Any, name: str) -> Callable[..., Any]:
    service, verb = name.split(".")
    found: Callable[..., Any] = getattr(getattr(client, service), verb)
    return found


def ids_of(name: str) -> list[str]:
    """An id that nothing has, for each that a method takes."""
    service = name.split(".", maxsplit=1)[0]
    taken = [one for one in _names(name) if one != "params"]
    kinds = ["aud", "sub"] if service == "subscribers" else [PREFIXES.get(service, "x")]
    return [f"{kind}_{NOWHERE}" for kind, _ in zip(kinds, taken, strict=False)]


def _names(name: str) -> list[str]:
    client = EmailitClient({"api_key": "x"})
    return list(inspect.signature(method(client, name)).parameters)


def arguments(name: str) -> list[Any]:
    """What a method is called with, about nothing that there is."""
    body = [BODIES.get(name, {})] if "params" in _names(name) else []
    return [*ids_of(name), *body]


def refusal(ask: Callable[[], Any]) -> ApiErrorException:
    with pytest.raises(ApiErrorException) as caught:
        ask()
    return caught.value


def test_each_is_401_without_a_key_that_is_known(account: Account) -> None:
    client = account.sdk("secret_" + "x" * 32)
    for name in METHODS:
        told = refusal(partial(method(client, name), *arguments(name)))
        assert (type(told), told.http_status) == (AuthenticationException, 401), name
        assert str(told) == "Unauthorized: Invalid API key", name


def test_each_is_429_past_the_limit_of_its_key(account: Account) -> None:
    client = account.sdk(account.make_key(limit="1/1h").secret)
    client.api_keys.list()
    for name in METHODS:
        told = refusal(partial(method(client, name), *arguments(name)))
        assert (type(told), told.http_status) == (RateLimitException, 429), name
        assert told.json_body["retry_after"] > 0, name
        assert str(told).startswith("Rate limit exceeded: "), name


@pytest.mark.parametrize("name", [one for one in METHODS if ids_of(one)])
def test_each_is_404_of_what_there_is_not(sdk: Any, name: str) -> None:
    told = refusal(lambda: method(sdk, name)(*arguments(name)))
    assert (type(told), told.http_status) == (InvalidRequestException, 404)
    assert str(told).removeprefix("Not Found: ").partition(":")[0].endswith("not found")


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_no_subscriber_of_an_audience_is_404_too(sdk: Any, verb: str) -> None:
    audience = sdk.audiences.create({"name": unique("News")})
    body = [{"first_name": "x"}] if verb == "update" else []
    ask = getattr(sdk.subscribers, verb)
    told = refusal(lambda: ask(audience.id, f"sub_{NOWHERE}", *body))
    assert (type(told), told.http_status) == (InvalidRequestException, 404)
    assert str(told) == "Not Found: Subscriber not found"


def test_no_template_is_404(sdk: Any) -> None:
    told = refusal(lambda: sdk.emails.send(letter(somebody(), template=unique("none"))))
    assert (type(told), told.http_status) == (InvalidRequestException, 404)
    assert str(told).startswith("Template not found")


def _twice(service: str, **body: Any) -> Callable[[Any], None]:
    """Make the same twice."""

    def ask(client: Any) -> None:
        create = getattr(client, service).create
        create(body)
        create(body)

    return ask


def _renamed(service: str, **more: Any) -> Callable[[Any], None]:
    """Give one the name of another."""

    def ask(client: Any) -> None:
        these = getattr(client, service)
        mine, other = (these.create({"name": unique("x"), **more}) for _ in range(2))
        these.update(mine.id, {"name": other.name})

    return ask


def _done(verb: str, *body: Any) -> Callable[[Any], None]:
    """Do something with an e-mail that was canceled."""

    def ask(client: Any) -> None:
        sent = client.emails.send(letter(somebody(), scheduled_at="2027-01-01T00:00:00Z"))
        client.emails.cancel(sent.id)
        getattr(client.emails, verb)(sent.id, *body)

    return ask


HOOK = {"url": "https://example.com", "all_events": True}
CONFLICTS: dict[str, Callable[[Any], None]] = {
    "api_keys.create": _twice("api_keys", name="x"),
    "api_keys.update": _renamed("api_keys"),
    "audiences.create": _twice("audiences", name="x"),
    "audiences.update": _renamed("audiences"),
    "contacts.create": _twice("contacts", email="ada@example.com"),
    "domains.create": _twice("domains", name="twice.example.com"),
    "emails.cancel": _done("cancel"),
    "emails.retry": _done("retry"),
    "emails.update": _done("update", {"scheduled_at": "2027-02-01T00:00:00Z"}),
    "suppressions.create": _twice("suppressions", email="ada@example.com"),
    "webhooks.create": _twice("webhooks", name="x", **HOOK),
    "webhooks.update": _renamed("webhooks", **HOOK),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_stands_in_the_way_is_409(sdk: Any, name: str) -> None:
    told = refusal(lambda: CONFLICTS[name](sdk))
    assert (type(told), told.http_status) == (ApiErrorException, 409)
    assert ("existing" in told.json_body) is name.endswith(".create")


def test_a_sender_that_is_not_verified_is_422(server: Server, http: httpx2.Client) -> None:
    """Of what is sent, and of what is sent once more."""
    mine = Account(server, http)
    name = f"{unique('mail')}.example.com"
    server.cli("domain", "add", name, "--account", mine.id, "--trust")
    body = {"name": unique("k"), "scopes": ["sending"], "sendingDomain": name}
    made = mine.native("POST", "/v1/keys", body)
    bound = mine.sdk(made.json()["data"]["key"])
    mine.native("POST", "/v1/suppressions", {"email": "gone@example.com"})
    foreign = mine.sdk().emails.send(letter("gone@example.com"))
    assert foreign.status == "suppressed"
    for ask in (
        lambda: bound.emails.send(letter(somebody())),
        lambda: bound.emails.retry(foreign.id),
        lambda: bound.emails.cancel(foreign.id),
        lambda: bound.emails.update(foreign.id, {"scheduled_at": "2027-01-01T00:00:00Z"}),
    ):
        told = refusal(ask)
        assert (type(told), told.http_status) == (UnprocessableEntityException, 422)
        assert str(told) == "From/Sender domain is not valid or not verified"
        words = f"API key is restricted to sending domain: {name}."
        assert told.json_body["details"].startswith(words)
        assert told.json_body["details"].endswith(f"From: {SENDER}")
