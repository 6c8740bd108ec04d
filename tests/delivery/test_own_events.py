"""What Gatepost itself tells endpoints: of deliveries, endpoints, quotas and keys."""

import time
from functools import partial
from typing import Any

from tests.api.admin import Admin, instant
from tests.delivery.listeners import Listener, happen, listen
from tests.delivery.receiver import Receiver, answers
from tests.delivery.sending import await_state, send, sent
from tests.server import Server
from tests.waiting import wait_for

DAY_MS = 24 * 3600 * 1000


def test_a_delivery_is_told(admin: Admin, receiver: Receiver) -> None:
    watcher = listen(admin, receiver, types=["message.delivered"])
    message = send(admin, receiver.place(answers(201))[0])
    data = watcher.await_type("message.delivered")
    (delivery,) = message["deliveries"]
    assert data["messageId"] == message["id"]
    assert data["deliveryId"] == delivery["id"]
    assert (data["transport"], data["type"]) == ("webhook", "message.webhook")
    assert (data["attempts"], data["status"], data["error"]) == (1, 201, None)


def test_a_failure_is_told_once_it_is_final(admin: Admin, receiver: Receiver) -> None:
    watcher = listen(admin, receiver, types=["message.*"])
    url, path = receiver.place(answers(500))
    delivery = sent(admin, url, retry={"delaysSeconds": [0.1]})
    data = watcher.await_type("message.failed")
    assert (data["deliveryId"], data["attempts"], data["status"]) == (delivery, 2, 500)
    assert data["error"] == "500 Internal Server Error"
    assert len(receiver.at(path)) == 2
    assert len(watcher.told()) == 1


def test_deliveries_of_what_is_told_are_told_to_nobody(admin: Admin, receiver: Receiver) -> None:
    one = listen(admin, receiver, types=["message.*"])
    other = listen(admin, receiver, types=["*"])
    first = sent(admin, receiver.place()[0])
    assert one.await_type("message.delivered")["deliveryId"] == first
    assert other.await_type("message.delivered")["deliveryId"] == first
    second = sent(admin, receiver.place()[0])
    wait_for(lambda: len(one.told()) == 2 and len(other.told()) == 2, "both to be told twice")
    for watcher in (one, other):
        assert {told["data"]["deliveryId"] for told in watcher.told()} == {first, second}


def test_an_endpoint_is_not_told_of_what_it_was_sent(admin: Admin, receiver: Receiver) -> None:
    all_ = listen(admin, receiver, types=["*"])
    event = happen(admin)
    all_.await_type("event.orders")
    delivery = sent(admin, receiver.place()[0])
    assert all_.await_type("message.delivered")["deliveryId"] == delivery
    assert [one["type"] for one in all_.told()] == ["event.orders", "message.delivered"]
    assert event == all_.told()[0]["data"]["id"]


def test_another_project_is_not_told(admin: Admin, receiver: Receiver) -> None:
    other = admin.make_project()["id"]
    key = admin.using(admin.make(projectId=other)["key"])
    theirs = listen(key, receiver, types=["message.*"])
    mine_key = admin.using(admin.make(projectId=admin.project)["key"])
    mine = listen(mine_key, receiver, types=["message.*"])
    delivery = sent(mine_key, receiver.place()[0])
    mine.await_type("message.delivered")
    assert await_state(mine_key, delivery)["state"] == "succeeded"
    assert theirs.told() == []


def test_a_quota_that_is_nearly_used_is_told(admin: Admin, receiver: Receiver) -> None:
    watcher = listen(admin, receiver, types=["quota.threshold"])
    customer = admin.send("POST", "/v1/customers", {"identifier": "ada"}).json()["data"]["id"]
    quota = {
        "metric": "requests",
        "limit": 2,
        "period": "month",
        "mode": "soft",
        "thresholds": [50],
    }
    assert admin.send("PUT", f"/v1/customers/{customer}/quota", quota).status_code == 200
    use: dict[str, Any] = {"X-Customer-ID": customer}
    for _ in range(2):
        admin.wire.send("POST", "/v1/events", b'{"channelName":"a","title":"b"}', _json(use))
    data = watcher.await_type("quota.threshold")
    assert (data["customerId"], data["threshold"], data["limit"]) == (customer, 50, 2)


def test_the_end_of_a_key_is_told_a_week_and_a_day_before(
    admin: Admin, receiver: Receiver, delivering: Server
) -> None:
    watcher = listen(admin, receiver, types=["key.expiring"])
    admin.make(expiresAt=instant(days=5))
    key, other = (admin.make(expiresAt=instant(days=30)) for _ in range(2))
    for made, days in ((key, 7), (key, 1), (other, 7)):
        _let_end(delivering, made["id"], days)
        wait_for(partial(_is_told, watcher, made["id"], days), f"{days} days to be told")
    assert _told(watcher) == [(key["id"], 7), (key["id"], 1), (other["id"], 7)]
    assert key["key"] not in str(watcher.told())
    assert watcher.told()[0]["data"]["name"] == key["name"]


def _is_told(watcher: Listener, key_id: str, days: int) -> bool:
    return (key_id, days) in _told(watcher)


def _told(watcher: Listener) -> list[tuple[str, int]]:
    told = [one["data"] for one in watcher.told()]
    return [(one["keyId"], one["days"]) for one in told]


def _let_end(server: Server, key_id: str, days: int) -> None:
    """Move a key's end: so many days from a moment that is just about to come."""
    raw = bytes.fromhex(key_id.rpartition("_")[2])
    soon = int(time.time() * 1000) + 300
    server.query("UPDATE keys SET expires_at = ? WHERE id = ?", soon + days * DAY_MS, raw)


def _json(headers: dict[str, Any]) -> dict[str, Any]:
    return {"Content-Type": "application/json", **headers}
