"""`/v1/deliveries`: every attempt told, and what can be done by hand."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, instant, make_admin
from tests.delivery.receiver import Receiver, answers, in_turn, stalls
from tests.delivery.sending import (
    await_attempts,
    await_state,
    change,
    changed,
    delivery,
    send,
    sent,
)
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique
from tests.waiting import wait_for

AT_ONCE = {"delaysSeconds": [0, 0]}


def an_endpoint(admin: Admin, url: str, **more: Any) -> str:
    body = {"url": url, "types": ["event.*"], **more}
    return str(data_of(admin.send("POST", "/v1/endpoints", body), 201)["id"])


def an_event(admin: Admin, channel: str) -> str:
    return str(data_of(admin.wire.create({"channelName": channel, "title": "t"}), 201)["id"])


def test_every_attempt_is_told(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place(in_turn(answers(500, b"broken"), answers(200, b"ok")))
    found = await_state(admin, sent(admin, url, retry=AT_ONCE), "succeeded")
    first, second = found["log"]
    assert (first["number"], first["ok"], first["status"]) == (1, False, 500)
    assert (first["fault"], first["response"], first["manual"]) == ("status", "broken", False)
    assert "500" in first["error"]
    assert first["nextAt"] <= second["at"]
    assert first["durationMs"] >= 0
    assert (second["number"], second["ok"], second["nextAt"]) == (2, True, None)
    assert (found["attempts"], found["error"], found["retry"]) == (2, None, "custom")


def test_a_delivery_whose_attempts_are_used_up_is_a_dead_letter(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place(answers(503))
    dead = sent(admin, url, retry=AT_ONCE)
    alive = sent(admin, receiver.place()[0])
    found = await_state(admin, dead, "failed")
    assert (found["attempts"], found["status"], found["dueAt"]) == (3, 503, None)
    await_state(admin, alive, "succeeded")
    listed = admin.get("/v1/deliveries?state=failed")["deliveries"]
    assert [one["id"] for one in listed] == [dead]
    assert "log" not in listed[0]
    assert len(receiver.at(path)) == 3


def test_a_list_holds_what_is_asked_for(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    messages = [send(admin, url) for _ in range(3)]
    ids = [one["deliveries"][0]["id"] for one in messages]
    for one in ids:
        await_state(admin, one, "succeeded")
    later = sent(admin, url, sendAt=instant(hours=1))
    listed = admin.all_of("/v1/deliveries", "deliveries", 2)
    assert [one["id"] for one in listed] == [later, *ids[::-1]]

    def asked(query: str) -> list[str]:
        return [one["id"] for one in admin.get(f"/v1/deliveries?{query}")["deliveries"]]

    assert asked("state=pending") == [later]
    assert asked("state=pending&state=succeeded") == [later, *ids[::-1]]
    assert asked(f"message={messages[1]['id']}") == [ids[1]]
    assert asked("transport=webhook&limit=1") == [later]
    assert asked("transport=email") == []
    assert asked(f"since={instant(minutes=1).replace('+00:00', 'Z')}") == []
    assert len(asked(f"before={instant(minutes=1).replace('+00:00', 'Z')}")) == 4
    assert asked("type=message.webhook") == [later, *ids[::-1]]
    assert asked("type=event.orders") == []


def test_they_are_counted_by_the_same_filter(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place(answers(500))
    for _ in range(2):
        await_state(admin, sent(admin, url, retry="once"), "failed")
    later = sent(admin, url, sendAt=instant(hours=1))
    (one,) = admin.get("/v1/deliveries?state=pending")["deliveries"]
    assert (one["id"], one["type"], one["endpointId"]) == (later, "message.webhook", None)
    assert url.startswith(f"http://{one['destination']}/")
    for query, count in {"": 3, "state=failed": 2, "transport=email": 0, "type=other": 0}.items():
        found = admin.get(f"/v1/deliveries/count?{query}")
        assert found == {"count": count, "more": False}
    assert [one["fault"] for one in admin.get("/v1/deliveries")["deliveries"]] == [
        None,
        "status",
        "status",
    ]


def test_a_replay_sends_the_same_once_more(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(200)))
    mine = sent(admin, url, payload={"a": 1}, retry="once")
    await_state(admin, mine, "failed")
    again = changed(admin, mine, "replay")
    assert (again["state"], again["attempts"], again["error"]) == ("pending", 0, None)
    found = await_state(admin, mine, "succeeded")
    first, second = receiver.wait(path, 2)
    assert (first.body, first.header("webhook-id")) == (second.body, second.header("webhook-id"))
    assert [one["manual"] for one in found["log"]] == [False, True]
    changed(admin, mine, "replay")
    receiver.wait(path, 3)


def test_one_that_is_to_be_tried_again_is_tried_now(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place(in_turn(answers(500), answers(200)))
    mine = sent(admin, url, retry={"delaysSeconds": [3600]})
    found = await_attempts(admin, mine, 1)
    assert found["state"] == "pending"
    changed(admin, mine, "replay")
    await_state(admin, mine, "succeeded")


def test_what_cannot_be_replayed_is_refused(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    erased = sent(admin, url, erase=True)
    await_state(admin, erased, "succeeded")
    later = sent(admin, url, sendAt=instant(hours=1))
    stalling, path = receiver.place(stalls)
    busy = sent(admin, stalling, retry="once")
    receiver.one(path)
    for one, why in ((erased, "erased"), (later, "not been tried"), (busy, "being sent")):
        refused = refusal_of(change(admin, one, "replay"), 409, "conflict", "Conflict")
        assert why in refused["message"]
    refusal_of(change(admin, busy, "cancel"), 409, "conflict", "Conflict")
    assert delivery(admin, erased)["state"] == "succeeded"
    await_state(admin, busy, "failed")


def test_a_disabled_endpoint_gets_a_replay_and_nothing_else(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place(in_turn(answers(410), answers(200)))
    endpoint = an_endpoint(admin, url)
    an_event(admin, unique("c"))
    (mine,) = wait_for(
        lambda: admin.get(f"/v1/deliveries?endpoint={endpoint}&state=failed")["deliveries"],
        "the failure",
    )
    assert admin.get(f"/v1/endpoints/{endpoint}")["status"] != "enabled"
    changed(admin, mine["id"], "replay")
    await_state(admin, mine["id"], "succeeded")
    assert len(receiver.at(path)) == 2
    assert admin.get(f"/v1/endpoints/{endpoint}")["status"] != "enabled"


def test_many_are_replayed_by_filter(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(*6 * [answers(500)], answers(200)))
    ids = [sent(admin, url, retry="once") for _ in range(6)]
    for one in ids:
        await_state(admin, one, "failed")
    once = unique("once")
    body = {"transport": "webhook", "since": instant(minutes=-5)}
    first, again = (admin.send("POST", "/v1/deliveries/replay", body, once) for _ in range(2))
    assert data_of(first, 200) == {"replayed": 6, "more": False}
    assert again.content == first.content
    for one in ids:
        await_state(admin, one, "succeeded")
    assert len(receiver.at(path)) == 12
    left = data_of(admin.send("POST", "/v1/deliveries/replay", body), 200)
    assert left == {"replayed": 0, "more": False}
    others = {"states": ["succeeded"], "type": "event.orders"}
    assert data_of(admin.send("POST", "/v1/deliveries/replay", others), 200)["replayed"] == 0
    elsewhere = {"states": ["succeeded"], "projectId": admin.make_project()["id"]}
    assert data_of(admin.send("POST", "/v1/deliveries/replay", elsewhere), 200)["replayed"] == 0
    some = {"states": ["succeeded"], "messageId": delivery(admin, ids[0])["messageId"]}
    some |= {"type": "message.webhook", "projectId": admin.project}
    assert data_of(admin.send("POST", "/v1/deliveries/replay", some), 200)["replayed"] == 1
    receiver.wait(path, 13)


def test_what_has_been_erased_is_left_out(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    erased, kept = sent(admin, url, erase=True), sent(admin, url)
    for one in (erased, kept):
        await_state(admin, one, "succeeded")
    body = {"states": ["succeeded"], "transport": "webhook"}
    assert data_of(admin.send("POST", "/v1/deliveries/replay", body), 200)["replayed"] == 1
    assert len(await_attempts(admin, kept, 2)["log"]) == 2
    assert len(delivery(admin, erased)["log"]) == 1


@pytest.mark.parametrize(
    "body", [{}, {"states": ["failed"]}, {"states": []}, {"states": ["pending"]}, {"since": "x"}]
)
def test_a_replay_of_everything_is_not_meant(admin: Admin, body: dict[str, Any]) -> None:
    assert problems_of(admin.send("POST", "/v1/deliveries/replay", body))


def test_an_endpoint_recovers_what_it_missed(admin: Admin, receiver: Receiver) -> None:
    broken = True

    async def does(exchange: Any) -> None:
        await exchange.answer(500 if broken else 200)

    url, path = receiver.place(does)
    endpoint = an_endpoint(admin, url, retry="once")
    other = sent(admin, receiver.place(answers(500))[0], retry="once")
    channel = unique("c")
    for _ in range(3):
        an_event(admin, channel)
    asked = f"/v1/deliveries?endpoint={endpoint}&state=failed"
    wait_for(lambda: len(admin.get(asked)["deliveries"]) == 3, "three failures")
    broken = False
    recover = f"/v1/endpoints/{endpoint}/recover"
    early = {"since": instant(hours=-1), "until": instant(minutes=-1)}
    assert data_of(admin.send("POST", recover, early), 200)["replayed"] == 0
    long_ago = admin.send("POST", recover, {"since": instant(days=-15)})
    assert problems_of(long_ago) == [["since"]]
    done = data_of(admin.send("POST", recover, {"since": instant(days=-14)}), 200)
    assert done == {"replayed": 3, "more": False}
    receiver.wait(path, 6)
    wait_for(lambda: not admin.get(asked)["deliveries"], "no failure to be left")
    assert await_state(admin, other, "failed")["attempts"] == 1


def test_a_canceled_one_is_never_sent_until_it_is_replayed(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    mine = sent(admin, url, sendAt=instant(hours=1))
    canceled = changed(admin, mine, "cancel")
    assert canceled["state"] == "canceled"
    assert canceled["doneAt"] is not None
    refusal_of(change(admin, mine, "cancel"), 409, "conflict", "Conflict")
    refusal_of(change(admin, mine, "skip"), 409, "conflict", "Conflict")
    changed(admin, mine, "replay")
    await_state(admin, mine, "succeeded")
    assert len(receiver.at(path)) == 1


def test_a_cancel_and_an_attempt_never_both_happen(admin: Admin, receiver: Receiver) -> None:
    """Whoever is told that it was canceled can rely on it."""
    url, path = receiver.place()
    ids = [sent(admin, url, sendAt=instant(seconds=0.3)) for _ in range(40)]
    end = time.monotonic() + 0.25
    wait_for(lambda: time.monotonic() > end, "the moment")
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda one: change(admin, one, "cancel").status_code, ids))
    ended = [await_state(admin, one) for one in ids]
    sent_ids = {got.header("webhook-id") for got in receiver.at(path)}
    for status, one in zip(told, ended, strict=True):
        assert one["state"] == ("canceled" if status == 200 else "succeeded")
        assert (one["messageId"] in sent_ids) is (status != 200)


def test_what_is_done_by_hand_is_audited(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    mine = sent(admin, url, sendAt=instant(hours=1))
    changed(admin, mine, "cancel")
    changed(admin, mine, "replay")
    await_state(admin, mine, "succeeded")
    admin.send("POST", "/v1/deliveries/replay", {"states": ["succeeded"], "transport": "webhook"})
    entries = admin.get("/v1/audit?limit=3")["entries"]
    assert [(one["action"], one["object"]) for one in entries] == [
        ("delivery.replay_many", admin.account),
        ("delivery.replay", mine),
        ("delivery.cancel", mine),
    ]
    assert entries[0]["after"]["count"] == 1
    assert (entries[2]["before"]["state"], entries[2]["after"]["state"]) == ("pending", "canceled")


def test_nobody_else_can_do_anything(
    admin: Admin, receiver: Receiver, delivering: Server, http: httpx2.Client
) -> None:
    url, path = receiver.place(answers(500))
    endpoint = an_endpoint(admin, url, retry="once")
    an_event(admin, unique("c"))
    (failed,) = wait_for(
        lambda: admin.get("/v1/deliveries?state=failed")["deliveries"], "the failure"
    )
    stranger = make_admin(delivering, http)
    elsewhere = admin.make_project()["id"]
    bound = admin.using(delivering.make_key(admin.account, elsewhere).secret)
    reader = admin.using(delivering.make_key(admin.account, None, scope="read").secret)
    everything = {"transport": "webhook"}
    for other in (stranger, bound):
        for verb in ("replay", "cancel", "skip"):
            assert change(other, failed["id"], verb).status_code == 404
        recover = other.send(
            "POST", f"/v1/endpoints/{endpoint}/recover", {"since": instant(hours=-1)}
        )
        assert recover.status_code == 404
        done = other.send("POST", "/v1/deliveries/replay", everything)
        assert data_of(done, 200)["replayed"] == 0
    assert change(reader, failed["id"], "replay").status_code == 403
    assert reader.send("POST", "/v1/deliveries/replay", everything).status_code == 403
    assert len(receiver.at(path)) == 1
