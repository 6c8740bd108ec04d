"""What is wrong with a body, in NotifyKit's words: the first fault, and that one alone."""

import json
from typing import Any

import httpx2
import pytest

from tests.delivery.receiver import Receiver
from tests.dialects.notifykit.keeper import Keeper, sentence
from tests.dialects.notifykit.sending import PREFIX, post, refused, sent, try_webhook
from tests.server import Server
from tests.waiting import wait_for

MAIL = {"to": "jane@example.com", "subject": "Hello", "body": "<p>Hi</p>"}
HOOK = {"url": "https://example.com/hook", "payload": {"hello": "world"}}
PROVIDERS = "must be one of the following values: SENDGRID, RESEND, POSTMARK"
PRIORITIES = "priority must be one of the following values: 1, 5, 10"
METHODS = "method must be one of the following values: GET, POST, PUT, PATCH, DELETE"
NO_URL = "url must be a valid HTTPS URL"
NO_EMAIL = "to must be an email"


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "to should not be empty"),
        (MAIL | {"to": ""}, "to should not be empty"),
        (MAIL | {"to": None}, "to should not be empty"),
        (MAIL | {"to": 5}, NO_EMAIL),
        (MAIL | {"to": "jane"}, NO_EMAIL),
        (MAIL | {"to": "jane@localhost"}, NO_EMAIL),
        (MAIL | {"to": "jane@example.c"}, NO_EMAIL),
        (MAIL | {"to": "Jane <jane@example.com>"}, NO_EMAIL),
        (MAIL | {"to": "a@example.com,b@example.com"}, NO_EMAIL),
        (MAIL | {"to": ["jane@example.com"]}, NO_EMAIL),
        (MAIL | {"to": " jane@example.com"}, NO_EMAIL),
        (without(MAIL, "subject"), "subject should not be empty"),
        (MAIL | {"subject": ""}, "subject should not be empty"),
        (MAIL | {"subject": 5}, "subject must be a string"),
        (MAIL | {"subject": ["x"]}, "subject must be a string"),
        (MAIL | {"subject": "a\nBcc: b@example.com"}, "subject must be a single line"),
        (
            MAIL | {"subject": "x" * 999},
            "subject must be shorter than or equal to 998 characters",
        ),
        (without(MAIL, "body"), "body should not be empty"),
        (MAIL | {"body": ""}, "body should not be empty"),
        (MAIL | {"body": {}}, "body must be a string"),
        (MAIL | {"body": "ü" * 600_000}, "body must not exceed 1mb"),
        (MAIL | {"from": ""}, "from must be an email"),
        (MAIL | {"from": "nobody"}, "from must be an email"),
        (MAIL | {"priority": 2}, PRIORITIES),
        (MAIL | {"priority": True}, PRIORITIES),
        (MAIL | {"priority": "high"}, PRIORITIES),
        (MAIL | {"priority": [1]}, PRIORITIES),
        (MAIL | {"idempotencyKey": 5}, "idempotencyKey must be a string"),
        (
            MAIL | {"idempotencyKey": "x" * 256},
            "idempotencyKey must be shorter than or equal to 255 characters",
        ),
        (MAIL | {"provider": "sendgrid"}, f"provider {PROVIDERS}"),
        (MAIL | {"provider": "SES"}, f"provider {PROVIDERS}"),
        (MAIL | {"provider": "RESEND", "fallback": ""}, f"fallback {PROVIDERS}"),
        (MAIL | {"fallback": "RESEND"}, "`fallback` requires `provider` to be set."),
        (
            MAIL | {"provider": "RESEND", "fallback": "RESEND"},
            "`provider` and `fallback` must be different.",
        ),
        (MAIL | {"cc": "x"}, "property cc should not exist"),
        ({"zoo": 1, "to": 5, "animal": 2}, "property zoo should not exist"),
        (MAIL | {"subject": "a\0b"}, "subject must not contain U+0000"),
    ],
)
def test_a_mail_that_is_wrong(poor: Keeper, body: dict[str, Any], words: str) -> None:
    refused(post(poor, "email", body), 400, words)


@pytest.mark.parametrize(
    "to",
    [
        "jane+news@example.com",
        "jäne@example.com",
        '"jane doe"@example.com',
        "jane@mail.example.co.uk",
        "jane@bücher.example.com",
    ],
)
def test_an_address_that_is_right(poor: Keeper, to: str) -> None:
    sent(post(poor, "email", MAIL | {"to": to}))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "url should not be empty"),
        (HOOK | {"url": ""}, "url should not be empty"),
        (HOOK | {"url": 5}, NO_URL),
        (HOOK | {"url": "https://localhost/"}, NO_URL),
        (HOOK | {"url": "https://example.com:65536/"}, NO_URL),
        (HOOK | {"url": "https://example.com/a b"}, NO_URL),
        (HOOK | {"url": "ftp://example.com/"}, NO_URL),
        (HOOK | {"url": "//example.com/"}, NO_URL),
        (HOOK | {"url": "https://0x7f.1/"}, NO_URL),
        (HOOK | {"url": "https://-x.example.com/"}, NO_URL),
        (HOOK | {"url": "https://example.com/" + "x" * 2000}, NO_URL),
        (HOOK | {"method": "HEAD"}, METHODS),
        (HOOK | {"method": "post"}, METHODS),
        (HOOK | {"method": 5}, METHODS),
        (HOOK | {"headers": "x"}, "headers must be an object"),
        (HOOK | {"headers": ["x"]}, "headers must be an object"),
        (HOOK | {"headers": {"x": 1}}, "headers must be an object"),
        (HOOK | {"headers": {"x": "a\r\nb"}}, "headers must have the names and values of headers"),
        (HOOK | {"headers": {"a b": "c"}}, "headers must have the names and values of headers"),
        (
            HOOK | {"headers": {f"x-{number}": "y" for number in range(51)}},
            "headers must have no more than 50 members",
        ),
        (without(HOOK, "payload"), "payload should not be empty"),
        (HOOK | {"payload": None}, "payload should not be empty"),
        (HOOK | {"payload": ""}, "payload should not be empty"),
        (HOOK | {"payload": []}, "payload must be an object"),
        (HOOK | {"payload": "x"}, "payload must be an object"),
        (HOOK | {"payload": 0}, "payload must be an object"),
        (HOOK | {"priority": 3}, PRIORITIES),
        (HOOK | {"idempotencyKey": []}, "idempotencyKey must be a string"),
        (HOOK | {"secret": "x"}, "property secret should not exist"),
    ],
)
def test_a_webhook_that_is_wrong(account: Keeper, body: dict[str, Any], words: str) -> None:
    refused(post(account, "webhook", body), 400, words)


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_only_https(server: Server, http: httpx2.Client, scheme: str) -> None:
    """Where the settings allow nothing else."""
    keeper = Keeper(server, http)
    refused(try_webhook(keeper, f"{scheme}://example.com/"), 400, NO_URL)
    refused(try_webhook(keeper, f"{scheme}://127.0.0.1/"), 400, NO_URL)
    sent(try_webhook(keeper, "https://example.com/"))


@pytest.mark.parametrize(
    "more",
    [
        {"method": None, "headers": None, "priority": None, "idempotencyKey": None},
        {"priority": "1"},
        {"priority": 10.0},
        {"payload": {}},
        {"headers": {}},
        {"idempotencyKey": ""},
        {"url": "https://user:pw@example.com/"},
        {"url": "https://93.184.216.34/"},
    ],
)
def test_a_webhook_that_is_right(account: Keeper, more: dict[str, Any]) -> None:
    sent(post(account, "webhook", HOOK | more))


@pytest.mark.parametrize("fill", ["x", "ü", "😀", '"'])
def test_the_bytes_of_a_payload_are_counted(account: Keeper, receiver: Receiver, fill: str) -> None:
    """As compact JSON in UTF-8, however it was written."""
    url, path = receiver.place()
    size = len(json.dumps(fill, ensure_ascii=False).encode()) - 2
    room = 10_240 - len(b'{"a":""}')
    text = fill * (room // size) + "x" * (room % size)
    for escaped in (True, False):
        body = json.dumps({"url": url, "payload": {"a": text}}, indent=8, ensure_ascii=escaped)
        sent(_raw(account, body.encode()))
    assert {len(got.body) for got in receiver.wait(path, 2)} == {10_240}
    assert json.loads(receiver.one(path).body) == {"a": text}
    refused(
        post(account, "webhook", {"url": url, "payload": {"a": text + "x"}}),
        400,
        "payload must not exceed 10kb",
    )


@pytest.mark.parametrize("body", [b"{", b"nothing", b'{"to":"\xff"}', b"[" * 100_000])
@pytest.mark.parametrize("kind", ["email", "webhook"])
def test_no_json(poor: Keeper, kind: str, body: bytes) -> None:
    answer = _raw(poor, body, kind)
    assert answer.status_code == 400
    assert sentence(answer)[1].startswith("The body is n")


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
def test_no_object(poor: Keeper, body: bytes) -> None:
    refused(_raw(poor, body), 400, "The body must be an object")


def test_no_body_is_an_empty_one(account: Keeper) -> None:
    refused(_raw(account, b""), 400, "url should not be empty")


def test_what_was_sent_is_in_no_log(account: Keeper) -> None:
    """The name of a member that is not known may be a secret that went astray."""
    refused(
        post(account, "webhook", HOOK | {"sk_astray": 1}),
        400,
        "property sk_astray should not exist",
    )
    refused(
        post(account, "email", MAIL | {"sk_astray": 1}), 400, "property sk_astray should not exist"
    )
    assert "sk_astray" not in account.server.output()
    found = wait_for(
        lambda: account.native("/v1/refusals?limit=10")["refusals"], "the ledger of refusals"
    )
    assert "sk_astray" not in json.dumps(found)


def _raw(keeper: Keeper, body: bytes, kind: str = "webhook") -> httpx2.Response:
    return keeper.http.post(
        f"{keeper.server.address}{PREFIX}/{kind}",
        content=body,
        headers={"X-API-Key": keeper.key.secret, "Content-Type": "application/json"},
    )
