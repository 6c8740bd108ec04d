"""Webhooks: how often they are tried, what receivers get, and how it is signed."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.delivery.conftest import NEAR
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import (
    Behaviour,
    Exchange,
    Got,
    Receiver,
    answers,
    in_turn,
    redirects,
    stalls,
    talks_nonsense,
)
from tests.dialects.native.wire import at_once
from tests.dialects.notifykit.keeper import Keeper
from tests.dialects.notifykit.sending import (
    BASE_S,
    ended,
    job,
    logs,
    providers,
    reached,
    refused,
    sent,
    try_webhook,
    webhook,
)
from tests.server import Server, unique

FORBIDDEN = "Not an address that may be reached"
OTHER = "whsec_" + "0" * 64


def choose(keeper: Keeper, verb: str = "webhook-secret") -> str:
    """Have a secret made for the account's webhooks."""
    secret = keeper.done("POST", verb)["secret"]
    assert isinstance(secret, str)
    return secret


def verifies(got: Got, secret: str, tolerance_s: int = 300) -> bool:
    """As the documented verifier does it, on the bytes as they came: the last `t` and `v1`, `t` as
    the other header says, no moment that is still to come, and the whole secret as the key.
    """
    found: dict[str, str] = {}
    for part in (got.header("x-webhook-signature") or "").split(","):
        name, _, value = part.partition("=")
        found[name] = value
    stamp = got.header("x-webhook-timestamp") or ""
    if not found or found.get("t") != stamp:
        return False
    age = int(time.time()) - int(stamp)
    if not 0 <= age <= tolerance_s:
        return False
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + got.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, found.get("v1", ""))


def is_standard(got: Got, secret: str) -> bool:
    try:
        Webhook(secret).verify(got.body, got.by_name)
    except WebhookVerificationError:
        return False
    return True


# Attempts


def test_one_that_is_taken(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place()
    done = ended(account, webhook(account, url, payload={"who": "Ünal", "n": 1.5}))
    assert (done["status"], done["attempts"], done["maxAttempts"]) == ("completed", 1, 3)
    assert (done["payload"], done["errorMessage"]) == (None, None)
    assert done["createdAt"] <= done["startedAt"] <= done["completedAt"]
    (log,) = done["deliveryLogs"]
    assert set(log) == {"id", "attempt", "status", "usedProvider", "errorMessage", "createdAt"}
    assert (log["attempt"], log["status"]) == (1, "success")
    assert (log["usedProvider"], log["errorMessage"]) == (None, None)
    got = receiver.one(path)
    assert (got.method, got.body) == ("POST", '{"who":"Ünal","n":1.5}'.encode())
    assert got.header("content-type") == "application/json"
    assert got.header("user-agent") == "NotifyKit/1.0"


def test_two_failures_and_a_success(account: Keeper, receiver: Receiver) -> None:
    does = in_turn(answers(500), answers(503), answers(200))
    url, path = receiver.place(does)
    done = ended(account, webhook(account, url))
    assert (done["status"], done["attempts"]) == ("completed", 3)
    assert logs(done) == ["failed", "failed", "success"]
    assert [one["attempt"] for one in done["deliveryLogs"]] == [1, 2, 3]
    at = [got.at for got in receiver.at(path)]
    waited = [later - earlier for earlier, later in pairwise(at)]
    for wait, least in zip(waited, (BASE_S, 2 * BASE_S), strict=True):
        assert least <= wait
    assert len({got.header("webhook-id") for got in receiver.at(path)}) == 1


def test_three_failures(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place(answers(500, b'{"error":{"message":"We are closed"}}'))
    given: dict[str, Any] = {
        "url": url,
        "method": "PUT",
        "payload": {"a": 1},
        "headers": {"X-Tenant": "acme"},
    }
    mine = sent(try_webhook(account, **given))
    done = ended(account, mine)
    assert (done["status"], done["attempts"], done["completedAt"]) == ("failed", 3, None)
    assert done["errorMessage"] == "500 - We are closed"
    assert {one["errorMessage"] for one in done["deliveryLogs"]} == {"500 - We are closed"}
    assert done["payload"] == given
    assert len(receiver.at(path)) == 3


@pytest.mark.parametrize("status", [400, 404, 408, 410, 429])
def test_4xx_ends_it_at_once(account: Keeper, receiver: Receiver, status: int) -> None:
    url, path = receiver.place(answers(status, b"", "Retry-After: 1"))
    done = ended(account, webhook(account, url))
    assert (done["status"], done["attempts"]) == ("failed", 1)
    assert done["errorMessage"] == f"Request failed with status {status}"
    assert len(receiver.at(path)) == 1


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (stalls, "No answer within 2 s"),
        (talks_nonsense, "The receiver did not answer in HTTP"),
        (redirects("/elsewhere"), "302 - redirects are not followed"),
    ],
)
def test_what_may_pass_is_tried_again(
    account: Keeper, receiver: Receiver, does: Behaviour, words: str
) -> None:
    url, path = receiver.place(in_turn(does, answers(200)))
    done = ended(account, webhook(account, url))
    assert (done["status"], logs(done)) == ("completed", ["failed", "success"])
    assert done["deliveryLogs"][0]["errorMessage"] == words
    assert len(receiver.at(path)) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"a"},"message":"b"}', "500 - a"),
        (b'{"error":"a","message":"b"}', "500 - b"),
        (b'{"errors":[{"message":"a"}]}', "Request failed with status 500"),
        (b'"a text"', "500 - a text"),
        (b"plain text\n", "500 - plain text"),
        (b"[1]", "Request failed with status 500"),
        (b"", "Request failed with status 500"),
        (b'{"message":{"a":1}}', "Request failed with status 500"),
        (b'{"message":"cut', "Request failed with status 500"),
    ],
)
def test_what_an_answer_says(account: Keeper, receiver: Receiver, body: bytes, words: str) -> None:
    url, _ = receiver.place(in_turn(answers(500, body), answers(200)))
    done = ended(account, webhook(account, url))
    assert done["deliveryLogs"][0]["errorMessage"] == words


def test_between_attempts_it_is_pending(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(stalls, answers(200)))
    mine = webhook(account, url)
    receiver.wait(path, 1)
    during = reached(account, mine, "processing")
    assert (during["attempts"], during["errorMessage"]) == (1, None)
    assert during["payload"]["url"] == url
    between = reached(account, mine, "pending", "completed")
    assert (between["attempts"], between["errorMessage"], logs(between)[:1]) in [
        (1, None, ["failed"]),
        (2, None, ["failed"]),
    ]
    assert ended(account, mine)["attempts"] == 2


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_every_method_carries_the_body(account: Keeper, receiver: Receiver, method: str) -> None:
    url, path = receiver.place()
    webhook(account, url, method=method, payload={"a": [1, None]})
    got = receiver.one(path)
    assert (got.method, got.body) == (method, b'{"a":[1,null]}')


def test_priorities(account: Keeper, receiver: Receiver) -> None:
    """One of the highest class overtakes whatever waits for the same receiver."""
    shut = True

    async def does(exchange: Exchange) -> None:
        while shut:  # noqa: ASYNC110 # it is set by another thread
            await asyncio.sleep(0.01)
        await exchange.answer(200)

    url, path = receiver.place(does)
    busy = at_once(36, lambda _: webhook(account, url, payload={"n": -1}))
    receiver.wait(path, 8)
    low = at_once(20, lambda n: webhook(account, url, payload={"n": n}, priority=10))
    high = webhook(account, url, payload={"n": 100}, priority=1)
    shut = False
    for one in (*busy, *low, high):
        assert ended(account, one)["status"] == "completed"
    order = [json.loads(got.body)["n"] for got in receiver.at(path)]
    late = [one for one in order if one >= 0]
    assert late.index(100) < 8, late
    assert job(account, high)["priority"] == 1


def test_the_free_plan_has_the_last_priority(poor: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    assert job(poor, webhook(poor, url, priority=1))["priority"] == 10


# Signatures


def test_without_a_secret_there_is_no_signature_of_theirs(
    account: Keeper, receiver: Receiver
) -> None:
    url, path = receiver.place()
    webhook(account, url)
    got = receiver.one(path)
    assert not {"x-webhook-signature", "x-webhook-timestamp"} & got.by_name.keys()
    assert is_standard(got, account.native("/v1/messages/secret")["secret"])


def test_both_signatures_are_right(account: Keeper, receiver: Receiver) -> None:
    secret = choose(account)
    url, path = receiver.place(in_turn(answers(500), answers(200)))
    webhook(account, url, payload={"name": "Ünal \u2028 😀", "sum": "4 €"})
    attempts = receiver.wait(path, 2)
    for got in attempts:
        assert verifies(got, secret)
        assert is_standard(got, secret)
        assert not verifies(got, OTHER)
        assert not verifies(got, secret.removeprefix("whsec_"))
        assert not is_standard(got, OTHER)
        spoiled = Got(**{**vars(got), "body": got.body + b" "})
        assert not verifies(spoiled, secret)
        assert got.header("x-webhook-timestamp") == got.header("webhook-timestamp")


def test_each_attempt_is_signed_anew(account: Keeper, receiver: Receiver) -> None:
    """The first one stalls for 2 s: whatever a second is, the next one is in another."""
    secret = choose(account)
    url, path = receiver.place(in_turn(stalls, answers(200)))
    webhook(account, url)
    first, second = receiver.wait(path, 2)
    stamps = [got.header("x-webhook-timestamp") or "" for got in (first, second)]
    assert int(stamps[0]) < int(stamps[1])
    assert first.header("x-webhook-signature") != second.header("x-webhook-signature")
    assert verifies(second, secret)


def test_the_next_attempt_uses_a_secret_that_is_new(account: Keeper, receiver: Receiver) -> None:
    first = choose(account)
    url, path = receiver.place(in_turn(stalls, answers(200)))
    webhook(account, url)
    assert verifies(receiver.one(path), first)
    second = choose(account, "webhook-secret/rotate")
    assert second != first
    got = receiver.wait(path, 2)[1]
    assert verifies(got, second)
    assert not verifies(got, first)
    assert is_standard(got, second)


def test_headers_of_ones_own(account: Keeper, receiver: Receiver) -> None:
    secret = choose(account)
    url, path = receiver.place()
    own = {
        "X-Tenant": "acme",
        "User-Agent": "Mine/1",
        "content-type": "application/vnd.acme+json",
        "X-Webhook-Signature": "t=1,v1=00",
        "x-webhook-timestamp": "1",
        "Webhook-Id": "mine",
        "webhook-signature": "v1,AA==",
        "Host": "elsewhere.example.com",
        "Content-Length": "3",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
    }
    webhook(account, url, headers=own)
    got = receiver.one(path)
    assert (got.header("x-tenant"), got.header("user-agent")) == ("acme", "Mine/1")
    assert got.header("content-type") == "application/vnd.acme+json"
    assert got.header("host") == receiver.address.removeprefix("http://")
    assert verifies(got, secret)
    assert is_standard(got, secret)
    assert {"transfer-encoding", "connection"}.isdisjoint(got.by_name) or (
        got.header("connection") != "close"
    )


def test_a_login_in_the_url_becomes_a_header(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place(answers(404))
    mine = webhook(account, url.replace("://", "://jane:pa%40ss@"))
    assert receiver.one(path).header("authorization") == "Basic amFuZTpwYUBzcw=="
    done = ended(account, mine)
    assert done["payload"]["url"] == url
    reader = account.make_key(scope="read")
    answer = account.send("GET", f"/api/v1/notifications/jobs/{mine}", key=reader.secret)
    assert answer.json()["data"]["payload"]["headers"] == {"Authorization": "…"}
    assert "amFuZTpwYUBzcw" not in account.server.output()


# Addresses


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fd00::1]"])
def test_a_private_address_is_not_reached(account: Keeper, host: str) -> None:
    done = ended(account, webhook(account, f"https://{host}/"))
    assert (done["status"], done["attempts"]) == ("failed", 3)
    assert done["errorMessage"] == FORBIDDEN


def test_a_redirect_does_not_lead_there(account: Keeper, receiver: Receiver) -> None:
    inside, path = receiver.place()
    url, _ = receiver.place(redirects(inside))
    done = ended(account, webhook(account, url))
    assert (done["status"], done["attempts"]) == ("failed", 3)
    assert receiver.at(path) == []


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, zone: NameServer) -> Iterator[Server]:
    """127.0.0.2 stands for a public address here."""
    own = {
        "GATEPOST_DELIVERY_NETWORKS": "127.0.0.2/32",
        "GATEPOST_DNS_SERVERS": zone.setting,
        "GATEPOST_NOTIFYKIT_RETRY_S": str(BASE_S),
    }
    with Server(tmp_path_factory.mktemp("guarded") / "data", env=NEAR | own) as running:
        yield running


def test_a_name_that_turns_to_a_private_address(
    guarded: Server, http: httpx2.Client, receiver: Receiver, zone: NameServer
) -> None:
    """What was looked up and checked is what is connected to; nothing else ever is."""
    keeper = Keeper(guarded, http)
    inside, turning = f"{unique('host')}.test", f"{unique('host')}.test"
    before = receiver.connections
    zone.put(inside, "A", "127.0.0.1")
    zone.turn(turning, "A", ["127.0.0.2"], ["127.0.0.1"])
    for name, words in ((inside, FORBIDDEN), (turning, "No connection: Connection refused")):
        done = ended(keeper, webhook(keeper, f"http://{name}:{receiver.port}/"))
        assert (done["status"], done["errorMessage"]) == ("failed", words)
        assert logs(done) == ["failed"] * 3
    assert receiver.connections == before


def test_providers_are_for_mails(account: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    answer = try_webhook(account, url, provider="RESEND")
    refused(answer, 400, "property provider should not exist")
    done: dict[str, Any] = ended(account, webhook(account, url))
    assert providers(done) == [None]
