"""NotifyKit's dashboard operations: the domain to send from, and the secret of webhooks."""

import asyncio
import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.delivery.conftest import NEAR
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import Exchange, Got, Receiver, answers, in_turn
from tests.dialects.native.wire import INSTANT, data_of
from tests.dialects.notifykit.keeper import Keeper, told
from tests.server import Server, unique

HOST = "post.example.org"
NOT_CONFIGURED = "No domain configured. Please add a domain first."
NONE = {"status": False, "message": "No custom domain configured"}
PENDING = "Domain not yet verified. DNS records may still be propagating (15-60 minutes)."
VERIFIED = "Domain verified! You can now send emails from this domain."
TAKEN = "This domain is already registered by another customer"


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, zone: NameServer) -> Iterator[Server]:
    own = {
        "GATEPOST_DNS_SERVERS": zone.setting,
        "GATEPOST_PUBLIC_URL": f"https://{HOST}",
        "GATEPOST_NOTIFYKIT_RETRY_S": "0.2",
    }
    with Server(tmp_path_factory.mktemp("post") / "data", env=NEAR | own) as running:
        yield running


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def keeper(post: Server, http: httpx2.Client) -> Keeper:
    """An account with a provider."""
    return with_provider(Keeper(post, http))


def with_provider(keeper: Keeper) -> Keeper:
    keeper.done("POST", "resend-key", {"apiKey": "re_nothing_in_particular"})
    return keeper


def a_name() -> str:
    return f"{unique('shop')}.example.com"


def ask_for(keeper: Keeper, name: str) -> dict[str, Any]:
    return dict(keeper.done("POST", "domain/request", {"domain": name}, 201))


def publish(zone: NameServer, records: list[dict[str, Any]]) -> None:
    for one in records:
        root = "." if one["type"] == "MX" else ""
        zone.put(one["host"], one["type"], one["value"] + root)


# The domain


def test_a_domain_is_requested_published_verified_and_removed(
    keeper: Keeper, zone: NameServer
) -> None:
    name = a_name()
    assert keeper.get("domain/status") == NONE
    asked = ask_for(keeper, name)
    assert (asked["domain"], asked["status"], asked["warnings"]) == (name, "pending", [])
    assert asked["instructions"]["message"] == "Add these DNS records to your domain registrar"
    assert asked["instructions"]["estimatedTime"] == "15-60 minutes"
    assert len(asked["instructions"]["steps"]) == 5
    shown = asked["dnsRecords"]
    assert [one["id"] for one in shown] == [1, 2, 3, 4]
    assert {one["provider"] for one in shown} == {"GATEPOST"}
    assert f"em.{name}" in {one["host"] for one in shown}
    assert {one["value"] for one in shown if one["type"] == "MX"} == {f"10 {HOST}"}

    (status,) = keeper.get("domain/status")["domains"]
    assert INSTANT.fullmatch(status.pop("requestedAt"))
    assert status == {
        "domain": name,
        "provider": "GATEPOST",
        "verified": False,
        "dnsRecords": shown,
        "verifiedAt": None,
    }
    looked = keeper.done("POST", "domain/verify")
    assert (looked["domain"], looked["verified"], looked["message"]) == (name, False, PENDING)
    (found,) = looked["providers"]
    assert (found["provider"], found["verified"]) == ("GATEPOST", False)
    assert not found["validationResults"]["dkim"]["valid"]
    assert found["validationResults"]["dkim"]["reason"]

    publish(zone, shown)
    assert keeper.done("POST", "domain/verify") == {
        "domain": name,
        "verified": True,
        "providers": [{"provider": "GATEPOST", "verified": True, "validationResults": None}],
        "message": VERIFIED,
    }
    (status,) = keeper.get("domain/status")["domains"]
    assert status["verified"] is True
    assert INSTANT.fullmatch(status["verifiedAt"])
    assert ask_for(keeper, name)["status"] == "verified"

    for _ in range(2):
        assert keeper.done("DELETE", "domain") == {"message": "Domain removed successfully"}
    assert keeper.get("domain/status") == NONE
    assert keeper.refused("POST", "domain/verify") == (404, NOT_CONFIGURED)


def test_a_domain_is_for_those_who_pay_and_have_a_provider(
    post: Server, http: httpx2.Client
) -> None:
    name = {"domain": a_name()}
    poor = Keeper(post, http, plan="notifykit-free")
    paid_only = "Custom domain is only available for paid plans (Indie, Startup)"
    assert poor.refused("POST", "domain/request", name) == (400, paid_only)
    alone = Keeper(post, http)
    no_provider = (
        "Domain verification requires at least one email provider configured in your settings."
    )
    assert alone.refused("POST", "domain/request", name) == (400, no_provider)
    assert alone.get("domain/status") == NONE
    with_provider(alone)
    assert ask_for(alone, name["domain"])["status"] == "pending"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "domain should not be empty"),
        ({"domain": ""}, "domain should not be empty"),
        ({"domain": 5}, "domain must be a string"),
        ({"domain": "example.com", "foo": 1}, "property foo should not exist"),
        ({"domain": "Example.com"}, "Invalid domain format"),
        ({"domain": "example"}, "Invalid domain format"),
        ({"domain": "https://example.com"}, "Invalid domain format"),
        ({"domain": "example.com."}, "Invalid domain format"),
        ({"domain": " example.com"}, "Invalid domain format"),
    ],
)
def test_what_is_no_domain_is_refused(keeper: Keeper, body: Any, words: str) -> None:
    assert keeper.refused("POST", "domain/request", body) == (400, words)


def test_a_domain_belongs_to_whoever_proves_it_first(
    keeper: Keeper, post: Server, http: httpx2.Client, zone: NameServer
) -> None:
    name, other = a_name(), with_provider(Keeper(post, http))
    mine, theirs = ask_for(keeper, name), ask_for(other, name)
    publish(zone, mine["dnsRecords"])
    assert keeper.done("POST", "domain/verify")["verified"] is True
    publish(zone, theirs["dnsRecords"])
    assert other.refused("POST", "domain/verify") == (400, TAKEN)
    assert [one["verified"] for one in other.get("domain/status")["domains"]] == [False]


def test_of_several_domains_the_newest_is_looked_at(keeper: Keeper, zone: NameServer) -> None:
    names = [a_name(), a_name()]
    asked = [ask_for(keeper, name) for name in names]
    publish(zone, asked[1]["dnsRecords"])
    assert keeper.done("POST", "domain/verify")["domain"] == names[1]
    listed = keeper.get("domain/status")["domains"]
    assert [(one["domain"], one["verified"]) for one in listed] == [
        (names[1], True),
        (names[0], False),
    ]


# The secret


def sent(keeper: Keeper, url: str) -> None:
    body = {"url": url, "payload": {"name": "Ünal"}}
    told(keeper.send("POST", "/api/v1/notifications/webhook", body), 202)


def signed_by(got: Got, secret: str) -> bool:
    """As NotifyKit says how to verify it: the whole secret is the key."""
    stamp = got.header("x-webhook-timestamp") or ""
    signed = stamp.encode() + b"." + got.body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return got.header("x-webhook-signature") == f"t={stamp},v1={wanted}"


def standard(got: Got, secret: str) -> bool:
    try:
        Webhook(secret).verify(got.body, got.by_name)
    except WebhookVerificationError:
        return False
    return True


def test_a_secret_is_made_replaced_and_deleted(keeper: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place()
    assert keeper.get("webhook-secret") == {"hasSecret": False, "createdAt": None}
    none_yet = "No webhook signing secret to rotate. Generate one first."
    assert keeper.refused("POST", "webhook-secret/rotate") == (400, none_yet)
    sent(keeper, url)
    assert receiver.one(path).header("x-webhook-signature") is None

    first = keeper.done("POST", "webhook-secret")
    assert re.fullmatch(r"whsec_[0-9a-f]{64}", first["secret"])
    assert keeper.get("webhook-secret") == {"hasSecret": True, "createdAt": first["createdAt"]}
    sent(keeper, url)
    got = receiver.wait(path, 2)[1]
    assert signed_by(got, first["secret"])
    assert standard(got, first["secret"])

    second = keeper.done("POST", "webhook-secret/rotate")
    assert second["secret"] != first["secret"]
    sent(keeper, url)
    got = receiver.wait(path, 3)[2]
    assert [signed_by(got, one["secret"]) for one in (first, second)] == [False, True]
    assert [standard(got, one["secret"]) for one in (first, second)] == [False, True]

    for _ in range(2):
        gone = keeper.done("DELETE", "webhook-secret")
        assert gone == {"message": "Webhook signing secret deleted."}
    assert keeper.get("webhook-secret") == {"hasSecret": False, "createdAt": None}
    sent(keeper, url)
    got = receiver.wait(path, 4)[3]
    assert got.header("x-webhook-signature") is None
    assert got.header("x-webhook-timestamp") is None


def test_the_next_attempt_uses_the_new_secret(keeper: Keeper, receiver: Receiver) -> None:
    """Rotated natively, the former one signs beside it, but not in NotifyKit's own header."""
    first = keeper.done("POST", "webhook-secret")["secret"]
    rotated = threading.Event()

    async def fails_later(exchange: Exchange) -> None:
        await asyncio.to_thread(rotated.wait, 20)
        await exchange.answer(500)

    url, path = receiver.place(in_turn(fails_later, answers(200)))
    sent(keeper, url)
    assert signed_by(receiver.one(path), first)
    body = {"graceSeconds": 60}
    done = keeper.admin.send("POST", "/v1/messages/secret/rotate", body)
    second = data_of(done, 200)["secret"]
    rotated.set()
    got = receiver.wait(path, 2)[1]
    assert [signed_by(got, one) for one in (first, second)] == [False, True]
    assert [standard(got, one) for one in (first, second)] == [True, True]


def test_a_secret_that_was_shown_is_not_shown_again(keeper: Keeper) -> None:
    path, once = "/api/v1/user/webhook-secret", {"Idempotency-Key": unique("once")}
    made = told(keeper.send("POST", path, headers=once))["secret"]
    again = keeper.send("POST", path, headers=once)
    assert again.status_code == 409
    audited = keeper.admin.wire.get("/v1/audit")
    assert audited.status_code == 200
    for answer in (again, keeper.ask("GET", "webhook-secret"), audited):
        assert made not in answer.text
