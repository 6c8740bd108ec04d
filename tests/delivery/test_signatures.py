"""Signatures, verified by others' libraries on the bytes as they were received."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import pytest
from emailit import (  # type: ignore[import-untyped] # it has no types
    ApiErrorException,
    WebhookSignature,
)
from standardwebhooks import Webhook, WebhookVerificationError

from tests.api.admin import Admin
from tests.delivery.listeners import Listener, happen, listen
from tests.delivery.receiver import Got, Receiver
from tests.delivery.sending import send
from tests.server import Server

OTHER = "whsec_" + "0" * 64
NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


def notifykit(got: Got, secret: str) -> bool:
    """As NotifyKit's own verifier does it: the last v1 and t, which the other header repeats, no
    moment that is still to come, and the whole secret as the key.
    """
    parts = [one.split("=", 1) for one in (got.header("x-webhook-signature") or "").split(",")]
    found = dict(parts)
    stamp = got.header("x-webhook-timestamp") or ""
    age = int(time.time()) - int(stamp)
    signed = f"{stamp}.".encode() + got.body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return found["t"] == stamp and 0 <= age <= 300 and hmac.compare_digest(found["v1"], wanted)


def verifies(got: Got, secret: str) -> bool:
    try:
        Webhook(secret).verify(got.body, got.by_name)
    except WebhookVerificationError:
        return False
    return True


def told(admin: Admin, listener: Listener, number: int = 1) -> Got:
    """The request about one more event, with what is no ASCII in it."""
    happen(admin, title="Bestellung über 4 €", metadata={"name": "Ünal \u2028 😀"})
    return listener.receiver.wait(listener.path, number)[-1]


@pytest.mark.parametrize("shape", ["standard", "notifykit", "emailit"])
def test_standard_webhooks_verifies_all_of_them(
    admin: Admin, receiver: Receiver, shape: str
) -> None:
    listener = listen(admin, receiver, signature=shape)
    got = told(admin, listener)
    assert verifies(got, listener.secret)
    assert not verifies(got, OTHER)
    for name in NAMES:
        assert not verifies(_with(got, name, _spoiled(got, name)), listener.secret)
    changed = Got(**{**vars(got), "body": got.body + b" "})
    assert not verifies(changed, listener.secret)


def test_notifykits_verifier_takes_its_own(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, signature="notifykit")
    got = told(admin, listener)
    assert notifykit(got, listener.secret)
    assert not notifykit(got, listener.secret.removeprefix("whsec_"))
    assert got.header("user-agent") == "NotifyKit/1.0"
    assert got.header("x-webhook-timestamp") == got.header("webhook-timestamp")


def test_emailits_library_takes_its_own(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, signature="emailit")
    got = told(admin, listener)
    signature, stamp = got.header("x-emailit-signature"), got.header("x-emailit-timestamp")
    event = WebhookSignature.verify(got.body.decode(), signature, stamp, listener.secret)
    assert event.type == "event.orders"
    with pytest.raises(ApiErrorException):
        WebhookSignature.verify(got.body.decode(), signature, stamp, OTHER)
    assert got.header("user-agent") == "Emailit-Webhooks/2.0"


def test_an_array_is_signed_as_it_is_sent(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, signature="emailit", payloadFormat="array")
    got = told(admin, listener)
    assert isinstance(json.loads(got.body), list)
    assert verifies(got, listener.secret)
    stamp = got.header("x-emailit-timestamp") or ""
    wanted = WebhookSignature.compute_signature(got.body.decode(), stamp, listener.secret)
    assert got.header("x-emailit-signature") == wanted


def test_one_shape_shows_no_other(admin: Admin, receiver: Receiver) -> None:
    got = told(admin, listen(admin, receiver))
    foreign = {"x-webhook-signature", "x-webhook-timestamp", "x-emailit-signature"}
    assert not foreign & got.by_name.keys()
    assert got.header("user-agent") == "Gatepost/1.0"


def test_ones_own_secret_signs(admin: Admin, receiver: Receiver) -> None:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    listener = listen(admin, receiver, secret=secret, signature="notifykit")
    assert listener.secret == secret
    got = told(admin, listener)
    assert verifies(got, secret)
    assert notifykit(got, secret)


def test_both_secrets_sign_while_one_is_replaced(
    admin: Admin, receiver: Receiver, delivering: Server
) -> None:
    listener = listen(admin, receiver, signature="notifykit")
    first = listener.secret
    second = listener.done("rotate", graceSeconds=3600)["secret"]
    third = listener.done("rotate")["secret"]
    got = told(admin, listener)
    assert len({first, second, third}) == 3
    assert len((got.header("webhook-signature") or "").split(" ")) == 3
    assert all(verifies(got, secret) for secret in (first, second, third))
    assert [notifykit(got, one) for one in (first, second, third)] == [False, False, True]

    fourth = listener.done("rotate", graceSeconds=0)["secret"]
    got = told(admin, listener, 2)
    assert verifies(got, fourth)
    assert not any(verifies(got, secret) for secret in (first, second, third))


def test_a_former_secret_ends_with_its_grace(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver)
    new = listener.done("rotate", graceSeconds=1)["secret"]
    assert verifies(told(admin, listener), listener.secret)
    number = 1
    until = time.monotonic() + 10
    while verifies(got := told(admin, listener, number := number + 1), listener.secret):
        assert verifies(got, new)
        assert time.monotonic() < until
    assert verifies(got, new)


def test_a_secret_is_not_rotated_to_itself(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver)
    assert listener.post("rotate", secret=listener.secret).status_code == 400
    too_long = listener.post("rotate", graceSeconds=7 * 24 * 3600 + 1)
    assert too_long.status_code == 400
    assert listener.post("rotate", graceSeconds=7 * 24 * 3600).status_code == 200


def test_a_rotation_reaches_what_waits_already(admin: Admin, receiver: Receiver) -> None:
    """Deliveries that were taken out of the database before are signed as well as later ones."""
    listener = listen(admin, receiver, rate=1, cap=8)
    for _ in range(4):
        happen(admin)
    receiver.one(listener.path)
    new = listener.done("rotate", graceSeconds=0)["secret"]
    rest = receiver.wait(listener.path, 4)[2:]
    assert all(verifies(got, new) for got in rest)
    assert not any(verifies(got, listener.secret) for got in rest)


def _spoiled(got: Got, name: str) -> str:
    value: Any = got.header(name)
    return f"v1,{base64.b64encode(bytes(32)).decode()}" if "," in value else value + "1"


def _with(got: Got, name: str, value: str) -> Got:
    headers = [(it, value if it.lower() == name else kept) for it, kept in got.headers]
    return Got(**{**vars(got), "headers": headers})


def test_a_direct_webhook_is_signed_with_the_accounts_own_secret(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    send(admin, url, payload={"amount": 12})
    secret = admin.get("/v1/messages/secret")["secret"]
    assert verifies(receiver.one(path), secret)
    assert not verifies(receiver.one(path), "whsec_" + "5f" * 32)
