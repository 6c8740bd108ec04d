"""`/v1/messages`: what is taken, what is refused, what is shown."""

import json
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, instant, make_admin
from tests.delivery.listeners import happen, listen
from tests.delivery.receiver import Receiver, answers
from tests.delivery.sending import await_state, send, sent, try_send
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique
from tests.waiting import wait_for

NOWHERE = "https://nowhere.example/hook"


def test_a_webhook_arrives_as_it_was_given(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    payload = {"b": 1, "a": [True, None, "äöü"]}
    headers = {"Authorization": "Bearer theirs", "X-Own": "yes"}
    message = send(admin, url, payload=payload, headers=headers, method="PUT")
    got = receiver.one(path)
    assert got.method == "PUT"
    assert json.loads(got.body) == payload
    assert list(json.loads(got.body)) == ["b", "a"]
    assert got.header("authorization") == "Bearer theirs"
    assert got.header("x-own") == "yes"
    assert got.header("webhook-id") == message["id"]
    assert got.header("content-type") == "application/json"


def test_a_message_is_read_with_what_it_says_and_every_attempt(
    admin: Admin, receiver: Receiver
) -> None:
    url, _ = receiver.place(answers(201, b"thanks"))
    message = send(admin, url, payload=[1], headers={"X-Secret": "hush"}, orderingKey="k")
    (made,) = message["deliveries"]
    await_state(admin, made["id"], "succeeded")
    found = admin.get(f"/v1/messages/{message['id']}")
    (delivery,) = found["deliveries"]
    (attempt,) = delivery["log"]
    assert (found["type"], found["payload"], found["erased"]) == ("message.webhook", [1], False)
    assert found["projectId"] == admin.project
    assert found["orderingKey"] == "k"
    assert (delivery["state"], delivery["status"], delivery["attempts"]) == ("succeeded", 201, 1)
    assert (attempt["ok"], attempt["status"], attempt["response"]) == (True, 201, "thanks")
    assert attempt["headers"]["webhook-id"] == message["id"]
    assert attempt["headers"]["X-Secret"] != "hush"
    assert attempt["nextAt"] is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("high", "high"),
        ("normal", "normal"),
        ("low", "low"),
        (1, "high"),
        (5, "normal"),
        (10, "low"),
    ],
)
def test_a_priority_has_a_name_and_a_number(admin: Admin, given: str | int, name: str) -> None:
    assert send(admin, NOWHERE, priority=given, sendAt=instant(hours=1))["priority"] == name


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"priority": 3}, ["priority"]),
        ({"sendAt": "soon"}, ["sendAt"]),
        ({"sendAt": instant(seconds=-1)}, ["sendAt"]),
        ({"sendAt": instant(days=367)}, ["sendAt"]),
        ({"sendAt": "2030-01-01T00:00:00"}, ["sendAt"]),
        ({"expiresAt": instant(seconds=-1)}, ["expiresAt"]),
        ({"sendAt": instant(hours=2), "expiresAt": instant(hours=1)}, ["expiresAt"]),
        ({"orderingKey": ""}, ["orderingKey"]),
        ({"retry": "often"}, ["retry"]),
        ({"retry": {"delaysSeconds": [-1]}}, ["retry"]),
        ({"retry": {"delaysSeconds": [1] * 31}}, ["retry"]),
        ({"headers": {"Host": "other"}}, ["webhook", "headers", "Host"]),
        ({"headers": {"webhook-id": "mine"}}, ["webhook", "headers", "webhook-id"]),
        ({"headers": {"X-A": "a\r\nb: c"}}, ["webhook", "headers", "X-A"]),
        ({"method": "TRACE"}, ["webhook", "method"]),
        ({"email": 1}, ["email"]),
    ],
)
def test_a_faulty_member_is_named(admin: Admin, more: dict[str, Any], path: list[str]) -> None:
    problems = problems_of(try_send(admin, NOWHERE, **more))
    assert [problem[: len(path)] for problem in problems] == [path]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://127.0.0.1:8443/",
        "https://user:secret@example.com/",
        "https:///hook",
        "https://example.com:99999/",
        "https://exam ple.com/",
        "ftp://example.com/",
        "example.com",
    ],
)
def test_a_url_that_may_not_be_reached_is_refused_at_once(
    server: Server, http: httpx2.Client, url: str
) -> None:
    """This server may deliver to public addresses alone."""
    response = try_send(make_admin(server, http), url)
    assert problems_of(response) == [["webhook", "url"]]
    assert "secret" not in response.text


def test_exactly_one_kind_is_given(admin: Admin) -> None:
    none = admin.send("POST", "/v1/messages", {"priority": "high"})
    assert ["webhook"] in problems_of(none)
    body = {
        "webhook": {"url": NOWHERE, "payload": 1},
        "chat": {"url": "json://nowhere.example", "body": "b"},
    }
    both = admin.send("POST", "/v1/messages", body)
    assert problems_of(both) == [["chat"]]
    assert "exactly one" in both.text


def test_the_same_request_again_sends_nothing_more(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    once = unique("once")
    first, again = (try_send(admin, url, once) for _ in range(2))
    assert first.content == again.content
    assert again.headers["X-Idempotent-Replay"] == "true"
    second = send(admin, url)
    sent_once = sorted([data_of(first, 202)["id"], second["id"]])
    assert sorted(got.header("webhook-id") or "" for got in receiver.wait(path, 2)) == sent_once


def test_a_quota_counts_what_is_accepted(
    delivering: Server, http: httpx2.Client, receiver: Receiver
) -> None:
    admin = make_admin(delivering, http, plan="notifykit-free")
    url, path = receiver.place()
    limit = 100
    mine = admin.using(delivering.make_key(admin.account, None).secret)
    assert try_send(mine, url, priority="highest").status_code == 400
    assert try_send(mine, url, sendAt=instant(days=-1)).status_code == 400
    for _ in range(limit):
        send(mine, url)
    refusal_of(try_send(mine, url), 429, "quota_exceeded", "Quota exceeded")
    assert len(receiver.wait(path, limit, 30)) == limit


def test_what_was_said_is_forgotten_after_success(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    message = send(admin, url, payload={"code": "1234"}, erase=True)
    await_state(admin, message["deliveries"][0]["id"], "succeeded")
    found = admin.get(f"/v1/messages/{message['id']}")
    assert (found["payload"], found["erased"]) == (None, True)


def test_what_failed_is_kept_for_a_replay(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place(answers(500))
    message = send(admin, url, payload={"code": "1234"}, erase=True, retry="once")
    await_state(admin, message["deliveries"][0]["id"], "failed")
    assert admin.get(f"/v1/messages/{message['id']}")["payload"] == {"code": "1234"}


def test_a_list_holds_what_is_asked_for(admin: Admin, receiver: Receiver) -> None:
    good, _ = receiver.place()
    bad, _ = receiver.place(answers(500))
    fine = [send(admin, good) for _ in range(3)]
    failed = send(admin, bad, retry="once")
    for one in (*fine, failed):
        await_state(admin, one["deliveries"][0]["id"])
    ids = [one["id"] for one in (*fine, failed)]
    listed = admin.all_of("/v1/messages", "messages", 2)
    assert [one["id"] for one in listed] == ids[::-1]
    assert _ids(admin, "state=failed") == [failed["id"]]
    assert _ids(admin, "state=succeeded") == ids[2::-1]
    assert _ids(admin, f"since={fine[1]['createdAt']}&before={failed['createdAt']}") in (
        ids[2:0:-1],
        ids[2::-1],  # where all of them were made within a millisecond
    )
    assert _ids(admin, "type=message.webhook") == ids[::-1]
    assert _ids(admin, "type=event.orders") == []
    assert _ids(admin, f"project={admin.project}") == ids[::-1]


def _ids(admin: Admin, query: str) -> list[str]:
    return [one["id"] for one in admin.get(f"/v1/messages?{query}")["messages"]]


def test_messages_of_events_are_found_by_event_and_endpoint(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    endpoint = data_of(admin.send("POST", "/v1/endpoints", {"url": url}), 201)
    first, _second = (
        data_of(admin.wire.create({"channelName": unique("c"), "title": "t"}), 201)
        for _ in range(2)
    )
    receiver.wait(path, 2)
    (message,) = admin.get(f"/v1/messages?event={first['id']}")["messages"]
    assert message["eventId"] == first["id"]
    assert len(_ids(admin, f"endpoint={endpoint['id']}")) == 2
    wait_for(lambda: len(_ids(admin, "state=succeeded")) == 2, "both to succeed")


def test_others_see_nothing(admin: Admin, delivering: Server, http: httpx2.Client) -> None:
    message = send(admin, NOWHERE, sendAt=instant(hours=1))
    delivery_id = message["deliveries"][0]["id"]
    stranger = make_admin(delivering, http)
    elsewhere = admin.make_project()["id"]
    bound = admin.using(delivering.make_key(admin.account, elsewhere).secret)
    for other in (stranger, bound):
        assert other.get("/v1/messages")["messages"] == []
        assert other.get("/v1/deliveries")["deliveries"] == []
        for path in (f"messages/{message['id']}", f"deliveries/{delivery_id}"):
            assert other.wire.get(f"/v1/{path}").status_code == 404
            assert other.send("POST", f"/v1/{path}/cancel").status_code == 404
    assert stranger.get(f"/v1/messages?project={admin.project}")["messages"] == []
    assert bound.wire.get(f"/v1/messages?project={admin.project}").status_code == 404
    own = admin.using(delivering.make_key(admin.account, admin.project).secret)
    assert [one["id"] for one in own.get("/v1/messages")["messages"]] == [message["id"]]


def test_a_message_that_waits_for_its_time_is_canceled(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    message = send(admin, url, sendAt=instant(hours=1))
    canceled = data_of(admin.send("POST", f"/v1/messages/{message['id']}/cancel"), 200)
    assert [one["state"] for one in canceled["deliveries"]] == ["canceled"]
    again = admin.send("POST", f"/v1/messages/{message['id']}/cancel")
    refusal_of(again, 409, "conflict", "Conflict")
    await_state(admin, sent(admin, url), "succeeded")
    assert len(receiver.at(path)) == 1


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (b'"webhook": {"url": "https://a.example/", "payload": %s}', ["webhook", "payload"]),
        (b'"push": {"to": "all", "title": "Hello", "data": %s}', ["push", "data"]),
    ],
)
def test_what_is_sent_as_it_came_is_text(admin: Admin, kind: bytes, path: list[str]) -> None:
    headers = {"Content-Type": "application/json"}
    body = b"{" + kind % b'"\xff\xfe"' + b"}"
    assert problems_of(admin.wire.send("POST", "/v1/messages", body, headers)) == [path]


def test_a_mail_has_no_header_twice(admin: Admin) -> None:
    mail = {"to": ["jane@example.com"], "subject": "Hello", "text": "Hello"}
    twice = {**mail, "headers": {"Orig-Date": "x", "orig-date": "y"}}
    answer = admin.send("POST", "/v1/messages", {"email": twice})
    assert problems_of(answer) == [["email", "headers", "orig-date"]]


def test_what_was_said_of_a_person_is_forgotten_with_it(admin: Admin, receiver: Receiver) -> None:
    listener, person = listen(admin, receiver), unique("person")
    admin.send("POST", "/v1/identify", {"user_id": person})
    event, other = happen(admin, userId=person), happen(admin, userId=unique("other"))
    receiver.wait(listener.path, 2)
    gone = admin.send("DELETE", f"/v1/identities/{person}")
    assert gone.status_code == 200
    for about, erased in ((event, True), (other, False)):
        (told,) = admin.get(f"/v1/messages?event={about}")["messages"]
        found = admin.get(f"/v1/messages/{told['id']}")
        assert (found["payload"] is None, found["erased"]) == (erased, erased)
