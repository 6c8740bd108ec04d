"""Browsers are told what is meant for them, by their push services, and nobody else can read it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery import receiver as does
from tests.delivery.chats import ended
from tests.delivery.pushservice import Browser, check_origin
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.ruling import event, rule, try_rule
from tests.dialects.native.wire import data_of
from tests.server import Server, unique
from tests.waiting import wait_for

SOON = {"delaysSeconds": [0.1]}


def browser(admin: Admin, receiver: Receiver, **more: Any) -> Browser:
    return Browser(receiver, admin.get("/v1/push/key")["publicKey"], **more)


def register(admin: Admin, one: Browser, **more: Any) -> dict[str, Any]:
    return data_of(admin.send("POST", "/v1/push/devices", {**one.subscription(), **more}), 201)


def ask(admin: Admin, to: Any = "all", **more: Any) -> httpx2.Response:
    around = {name: more.pop(name) for name in ("priority", "expiresAt", "retry") if name in more}
    said = {"to": to, "title": "Hello", **more}
    return admin.send("POST", "/v1/messages", {"push": said, **around})


def tell(admin: Admin, to: Any = "all", **more: Any) -> list[dict[str, Any]]:
    """Send a message; returns its deliveries once they have ended."""
    made = data_of(ask(admin, to, **more), 202)["deliveries"]
    return [ended(admin, one["id"]) for one in made]


def ahead(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def is_known(admin: Admin, device: dict[str, Any]) -> bool:
    return admin.wire.get(f"/v1/push/devices/{device['id']}").status_code == 200


def test_a_browser_reads_what_was_sent(admin: Admin, receiver: Receiver) -> None:
    one = browser(admin, receiver)
    register(admin, one)
    data = {"order": 4711, "big": 1.50}
    sent = data_of(
        ask(admin, body="Zahlung über 5 €", url="/orders/4711", icon="/i.png", data=data), 202
    )
    (delivery,) = sent["deliveries"]
    assert (delivery["transport"], ended(admin, delivery["id"])["state"]) == ("push", "succeeded")
    ((said, got),) = one.read()
    assert said == {
        "id": sent["id"],
        "title": "Hello",
        "body": "Zahlung über 5 €",
        "url": "/orders/4711",
        "icon": "/i.png",
        "data": data,
    }
    assert (got.header("TTL"), got.header("Urgency")) == ("259200", "normal")
    assert got.header("Topic") is None
    assert len(got.body) <= 4096


@pytest.mark.parametrize(("priority", "urgency"), [("high", "high"), ("low", "low")])
def test_priority_is_urgency(admin: Admin, receiver: Receiver, priority: str, urgency: str) -> None:
    one = browser(admin, receiver)
    register(admin, one)
    tell(admin, priority=priority, topic="news", ttlSeconds=60)
    ((_, got),) = one.read()
    headers = [got.header(name) for name in ("Urgency", "Topic", "TTL")]
    assert headers == [urgency, "news", "60"]


def test_what_is_of_no_use_any_more_is_not_kept_by_the_push_service(
    admin: Admin, receiver: Receiver
) -> None:
    one = browser(admin, receiver)
    register(admin, one)
    tell(admin, expiresAt=ahead(120))
    ((_, got),) = one.read()
    assert 0 < int(str(got.header("TTL"))) <= 120


def test_a_key_of_one_project_lets_nobody_hear_of_others(admin: Admin, receiver: Receiver) -> None:
    mine = admin.using(admin.make(projectId=admin.make_project()["id"])["key"])
    one = browser(mine, receiver)
    register(mine, one)
    headers = {"Content-Type": "application/json", "X-Project-ID": admin.project}
    body = json.dumps({"push": {"to": "all", "title": "Theirs alone"}}).encode()
    told = data_of(admin.wire.send("POST", "/v1/messages", body, headers), 202)
    assert told["deliveries"] == []
    assert len(tell(mine, "all")) == 1


def test_everyone_hears_what_they_want_to(admin: Admin, receiver: Receiver) -> None:
    other = admin.make_project()["id"]
    key = admin.make(projectId=admin.project)
    mine = admin.using(key["key"])
    scopes: dict[str, Any] = {
        "all": "all",
        "project": {"project": admin.project},
        "channel": {"channel": "orders"},
    }
    devices = {
        name: register(mine, browser(mine, receiver), scope=scope, userId=f"of {name}")
        for name, scope in scopes.items()
    }
    foreign = data_of(
        admin.wire.send(
            "POST",
            "/v1/push/devices",
            json.dumps(
                {**browser(mine, receiver).subscription(), "scope": {"project": other}}
            ).encode(),
            {"Content-Type": "application/json", "X-Project-ID": other},
        ),
        201,
    )
    assert foreign["projectId"] == other

    def heard(to: Any) -> int:
        return len(tell(mine, to))

    assert heard("all") == 2
    assert heard({"channel": "orders"}) == 3
    assert heard({"channel": "refunds"}) == 2
    assert heard({"userId": "of channel"}) == 1
    assert heard({"userId": "nobody"}) == 0
    assert heard({"device": devices["channel"]["id"]}) == 1
    assert ask(mine, {"device": foreign["id"]}).status_code == 404


def test_a_device_registers_once(admin: Admin, receiver: Receiver) -> None:
    one = browser(admin, receiver)
    first = register(admin, one, userId="anna")
    again = register(admin, one, userId="berta", scope={"channel": "orders"})
    assert again["id"] == first["id"]
    assert (again["userId"], again["scope"], again["channel"]) == ("berta", "channel", "orders")
    assert len(admin.get("/v1/push/devices")["devices"]) == 1


def test_devices_are_listed_read_and_forgotten(admin: Admin, receiver: Receiver) -> None:
    user = unique("user")
    made = [register(admin, browser(admin, receiver), userId=user) for _ in range(3)]
    register(admin, browser(admin, receiver))
    assert admin.all_of(f"/v1/push/devices?userId={user}", "devices", 2) == made
    assert admin.get(f"/v1/push/devices/{made[0]['id']}") == made[0]
    assert made[0]["host"] == f"{receiver.host}:{receiver.port}"
    data_of(admin.send("DELETE", f"/v1/push/devices/{made[0]['id']}"), 200)
    assert not is_known(admin, made[0])
    assert len(tell(admin, {"userId": user})) == 2


def test_what_waits_for_a_device_that_is_removed_fails(admin: Admin, receiver: Receiver) -> None:
    one = browser(admin, receiver, does=answers(503))
    device = register(admin, one)
    (delivery,) = data_of(ask(admin, retry={"delaysSeconds": [1]}), 202)["deliveries"]
    receiver.one(one.path)
    data_of(admin.send("DELETE", f"/v1/push/devices/{device['id']}"), 200)
    failed = ended(admin, delivery["id"])
    assert (failed["state"], failed["error"]) == ("failed", "The device has been removed")
    assert len(receiver.at(one.path)) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_who_has_left_is_forgotten(admin: Admin, receiver: Receiver, status: int) -> None:
    gone = register(admin, browser(admin, receiver, does=answers(status)))
    here = register(admin, browser(admin, receiver))
    states = {one["state"] for one in tell(admin, retry=SOON)}
    assert states == {"failed", "succeeded"}
    wait_for(lambda: not is_known(admin, gone), "a device to be forgotten")
    assert is_known(admin, here)


@pytest.mark.parametrize(
    "behaviour",
    [answers(429), answers(500), answers(503), does.stalls],
    ids=["429", "500", "503", "stalls"],
)
def test_what_may_pass_is_tried_again(
    admin: Admin, receiver: Receiver, behaviour: does.Behaviour
) -> None:
    one = browser(admin, receiver, does=in_turn(behaviour, answers(201)))
    device = register(admin, one)
    (delivery,) = tell(admin, retry=SOON)
    assert (delivery["state"], len(delivery["log"])) == ("succeeded", 2)
    first, second = one.read(2)
    assert first[0] == second[0]
    assert is_known(admin, device)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_what_will_not_pass_is_not_tried_again(
    admin: Admin, receiver: Receiver, status: int
) -> None:
    device = register(admin, browser(admin, receiver, does=answers(status)))
    (delivery,) = tell(admin, retry=SOON)
    assert (delivery["state"], delivery["status"], len(delivery["log"])) == ("failed", status, 1)
    assert is_known(admin, device)


def test_nothing_secret_is_shown(admin: Admin, receiver: Receiver, delivering: Server) -> None:
    one = browser(admin, receiver)
    device = register(admin, one)
    (delivery,) = tell(admin)
    keys = one.subscription()["keys"]
    shown = json.dumps([device, delivery, admin.get("/v1/push/devices")]) + delivering.output()
    for secret in (one.path, keys["auth"], keys["p256dh"], "vapid t="):
        assert secret not in shown
    ((_, got),) = one.read()
    assert str(got.header("Authorization")) not in shown


def test_the_key_stays_the_same_and_is_the_accounts_own(
    admin: Admin, delivering: Server, http: httpx2.Client
) -> None:
    first = admin.get("/v1/push/key")
    assert admin.get("/v1/push/key") == first
    assert make_admin(delivering, http).get("/v1/push/key") != first


def test_a_key_can_be_brought_along(admin: Admin, receiver: Receiver) -> None:
    admin.get("/v1/push/key")
    # RFC 8291, appendix A: the sender's key pair.
    private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
    public = (
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )
    brought = data_of(admin.send("PUT", "/v1/push/key", {"privateKey": private}), 200)
    assert brought["publicKey"] == admin.get("/v1/push/key")["publicKey"] == public
    one = browser(admin, receiver)
    register(admin, one)
    tell(admin)
    one.read()
    log = json.dumps(admin.get("/v1/audit"))
    assert "push.key" in log
    assert private not in log


@pytest.mark.parametrize("key", ["A" * 43, "_" * 43, "!" * 43, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct"])
def test_what_is_no_key_is_refused(admin: Admin, key: str) -> None:
    assert admin.send("PUT", "/v1/push/key", {"privateKey": key}).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://203.0.113.9/push"},
        {"endpoint": "https://10.0.0.1/push"},
        {"endpoint": "https://[::ffff:169.254.169.254]/push"},
        {"endpoint": "nonsense"},
        {"keys": {"p256dh": "BA", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {"keys": {"p256dh": "B" + "A" * 86, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {"keys": {"auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {"scope": {}},
        {"scope": {"project": "x", "channel": "y"}},
        {"scope": "some"},
        {"userId": ""},
    ],
)
def test_what_is_no_device_is_refused(
    admin: Admin, receiver: Receiver, changes: dict[str, Any]
) -> None:
    given = {**Browser(receiver, "").subscription(), **changes}
    assert admin.send("POST", "/v1/push/devices", given).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "some"},
        {"to": {}},
        {"to": {"channel": "a", "userId": "b"}},
        {"title": ""},
        {"topic": "not a topic"},
        {"ttlSeconds": -1},
        {"data": {"much": "x" * 4000}},
        {"body": "ü" * 2000},
    ],
)
def test_a_message_that_cannot_be_is_refused(admin: Admin, changes: dict[str, Any]) -> None:
    push = {"to": "all", "title": "Hello", **changes}
    assert admin.send("POST", "/v1/messages", {"push": push}).status_code == 400


def test_others_devices_are_not_there(
    admin: Admin, receiver: Receiver, delivering: Server, http: httpx2.Client
) -> None:
    device = register(admin, browser(admin, receiver), userId="anna")
    other = make_admin(delivering, http)
    assert other.wire.get(f"/v1/push/devices/{device['id']}").status_code == 404
    assert other.send("DELETE", f"/v1/push/devices/{device['id']}").status_code == 404
    assert ask(other, {"device": device["id"]}).status_code == 404
    assert tell(other, {"userId": "anna"}) == []
    assert is_known(admin, device)


def test_a_push_service_can_tell_a_false_origin(admin: Admin, receiver: Receiver) -> None:
    """What is asserted above can fail."""
    one = browser(admin, receiver)
    register(admin, one)
    tell(admin)
    ((_, got),) = one.read()
    with pytest.raises(AssertionError):
        check_origin(got, one.public_key, "https://elsewhere.example")


def test_a_rule_tells_browsers(admin: Admin, receiver: Receiver) -> None:
    one = browser(admin, receiver)
    register(admin, one, scope={"channel": "orders"})
    rule(admin, "", to=[{"push": {"to": {"channel": "orders"}, "url": "/orders"}}])
    event(admin, "orders", title="Order 4711", description="Paid")
    ((said, _),) = one.read()
    assert (said["title"], said["url"]) == ("Order 4711", "/orders")


def test_a_rule_that_tells_nobody_that_can_be_is_refused(admin: Admin) -> None:
    assert try_rule(admin, "", to=[{"push": {"to": {}}}]).status_code == 400


def test_who_is_erased_has_no_devices(admin: Admin, receiver: Receiver) -> None:
    user = unique("user")
    admin.send("POST", "/v1/identify", {"user_id": user})
    one = browser(admin, receiver)
    device = register(admin, one, userId=user)
    assert admin.send("DELETE", f"/v1/identities/{user}").status_code == 200
    assert not is_known(admin, device)
