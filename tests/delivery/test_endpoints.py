"""Managed endpoints: made, changed, switched, tried, ended; what the API says of them."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.api.admin import Admin, make_admin, without_id
from tests.delivery.listeners import happen, listen
from tests.delivery.receiver import Receiver, answers, stalls, waits
from tests.delivery.sending import await_state
from tests.dialects.native.wire import data_of, problems_of
from tests.server import Server
from tests.waiting import wait_for

NOBODY = "endpoint_" + "0" * 32


def test_an_endpoint_is_told_of_an_event(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, types=["event.orders"])
    event = happen(admin, "orders", metadata={"b": 1, "a": [True, None, "ä"]})
    got = receiver.one(listener.path)
    told = Webhook(listener.secret).verify(got.body, got.by_name)
    assert told["type"] == "event.orders"
    assert told["data"].pop("projectId") == admin.project
    shown = admin.get(f"/v1/events/{event}")
    assert told["data"] == {name: shown[name] for name in told["data"]}
    assert told["data"]["id"] == event


def test_it_is_told_of_its_types_alone(admin: Admin, receiver: Receiver) -> None:
    one = listen(admin, receiver, types=["event.orders"])
    all_ = listen(admin, receiver)
    none = listen(admin, receiver, types=["quota.threshold"])
    for channel in ("payments", "orders"):
        happen(admin, channel)
    receiver.wait(all_.path, 2)
    receiver.wait(one.path)
    assert [told["type"] for told in one.told()] == ["event.orders"]
    assert none.told() == []


def test_it_is_told_of_events_that_match(admin: Admin, receiver: Receiver) -> None:
    match = {"metadata": [{"path": "amount", "op": "gte", "value": 100}]}
    listener = listen(admin, receiver, match=match)
    other = listen(admin, receiver)
    assert listener.shown()["match"] == match
    for amount in (99, 100, 101):
        happen(admin, metadata={"amount": amount})
    receiver.wait(other.path, 3)
    receiver.wait(listener.path, 2)
    amounts = sorted(told["data"]["metadata"]["amount"] for told in listener.told())
    assert amounts == [100, 101]
    assert listener.change(match={})["match"] == {}


def test_it_is_told_of_titles_it_names(admin: Admin, receiver: Receiver) -> None:
    match = {"title": {"anyOf": ["Paid", "Refunded"]}}
    listener = listen(admin, receiver, match=match)
    other = listen(admin, receiver)
    assert listener.shown()["match"] == match
    for title in ("Paid", "Paid twice", "Refunded"):
        happen(admin, title=title)
    receiver.wait(other.path, 3)
    receiver.wait(listener.path, 2)
    assert sorted(told["data"]["title"] for told in listener.told()) == ["Paid", "Refunded"]


def test_what_is_shown_of_it(admin: Admin, receiver: Receiver) -> None:
    listener = listen(
        admin,
        receiver,
        name="Orders",
        headers={"Authorization": "Bearer hush"},
        retry={"delaysSeconds": [1, 2.5]},
        signature="notifykit",
        payloadFormat="array",
        rate=2.5,
        cap=3,
    )
    shown = listener.shown()
    health = shown.pop("health")
    assert {**shown, "secret": listener.secret} == listener.made
    nothing = {"succeeded": 0, "failed": 0, "failuresInRow": 0}
    assert health == {**nothing, "openUntil": None, "oldestDueAt": None}
    wanted = {
        "name": "Orders",
        "types": ["event.*"],
        "retry": {"delaysSeconds": [1, 2.5]},
        "signature": "notifykit",
        "payloadFormat": "array",
        "rate": 2.5,
        "cap": 3,
        "status": "enabled",
        "failingSince": None,
        "disabledAt": None,
        "projectId": admin.project,
    }
    assert wanted.items() <= shown.items()
    assert listener.secret.startswith("whsec_")
    for path in ("/v1/endpoints", "/v1/audit"):
        text = admin.wire.get(path).text
        assert listener.id in text
        assert "hush" not in text
        assert listener.secret not in text


def test_the_database_holds_no_secret(admin: Admin, receiver: Receiver, delivering: Server) -> None:
    listener = listen(admin, receiver, headers={"Authorization": "Bearer hush-hush"})
    query = "SELECT headers, secrets FROM endpoints WHERE id = ?"
    ((headers, secrets),) = delivering.query(query, listener.raw)
    assert b"hush" not in bytes(headers)
    assert listener.secret.encode() not in bytes(secrets)
    assert listener.secret not in delivering.output()


def test_headers_that_nobody_is_shown_go_to_no_other_host(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, headers={"Authorization": "Bearer hush-hush"})
    path = f"/v1/endpoints/{listener.id}"
    refused = admin.send("PATCH", path, {"url": "https://elsewhere.example/hook"})
    assert problems_of(refused) == [["headers"]]
    same_host = listener.shown()["url"] + "/further"
    assert listener.change(url=same_host)["url"] == same_host
    listener.change(url="https://elsewhere.example/hook", headers={})
    listener.change(url="https://third.example/hook")


def test_what_is_changed_holds_for_what_is_still_to_be_sent(
    admin: Admin, receiver: Receiver
) -> None:
    listener = listen(admin, receiver, answers(500), retry={"delaysSeconds": [0.5]})
    happen(admin)
    receiver.one(listener.path)
    url, path = receiver.place()
    changed = listener.change(url=url, headers={"X-New": "yes"}, payloadFormat="array")
    assert (changed["url"], changed["payloadFormat"]) == (url, "array")
    got = receiver.one(path)
    assert got.header("x-new") == "yes"
    assert [one["type"] for one in json.loads(got.body)] == ["event.orders"]
    assert len(listener.got()) == 1


def test_members_left_out_stay(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, types=["event.a"], rate=3, retry="short", cap=2)
    before = listener.shown()
    before.pop("health")
    after = listener.change(name="Other")
    assert {**after, "name": 0, "updatedAt": 0} == {**before, "name": 0, "updatedAt": 0}
    assert listener.change(rate=None)["rate"] is None
    assert listener.change(retry="standard")["retry"] == "standard"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"url": "ftp://example.com"}, ["url"]),
        ({"url": "https://user:pass@example.com/"}, ["url"]),
        ({"url": "https://exämple.com/"}, ["url"]),
        ({"url": "https://"}, ["url"]),
        ({"types": ["Orders"]}, ["types", 0]),
        ({"types": ["event.*", "a..b"]}, ["types", 1]),
        ({"types": []}, ["types"]),
        ({"headers": {"webhook-signature": "v1,x"}}, ["headers", "webhook-signature"]),
        ({"headers": {"Host": "x"}}, ["headers", "Host"]),
        ({"headers": {"X A": "x"}}, ["headers", "X A"]),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, ["headers", "X-A"]),
        ({"headers": {"X-A": "a", "x-a": "b"}}, ["headers", "x-a"]),
        ({"rate": 0}, ["rate"]),
        ({"rate": 1001}, ["rate"]),
        ({"cap": 0}, ["cap"]),
        ({"cap": 101}, ["cap"]),
        ({"retry": "often"}, ["retry"]),
        ({"signature": "none"}, ["signature"]),
        ({"match": {"metadata": [{"path": "", "op": "eq", "value": 1}]}}, ["match"]),
        ({"match": {"colour": 1}}, ["match", "colour"]),
        ({"match": {"title": {"anyOf": [""]}}}, ["match", "title", "anyOf", 0]),
        ({"unknown": 1}, ["unknown"]),
    ],
)
def test_what_cannot_be_is_refused(
    admin: Admin, receiver: Receiver, more: dict[str, Any], path: list[Any]
) -> None:
    listener = listen(admin, receiver)
    before = listener.shown()
    url, _ = receiver.place()
    made = admin.send("POST", "/v1/endpoints", {"url": url, **more})
    changed = admin.send("PATCH", f"/v1/endpoints/{listener.id}", more)
    for answer in (made, changed):
        assert answer.status_code == 400, answer.text
        (named,) = problems_of(answer)
        assert named[: len(path)] == path
    assert listener.shown() == before


@pytest.mark.parametrize("secret", ["whsec_", "whsec_MTIz", "hush", "whsec_" + "!" * 64])
def test_a_weak_secret_is_refused(admin: Admin, receiver: Receiver, secret: str) -> None:
    listener = listen(admin, receiver)
    url, _ = receiver.place()
    for answer in (
        admin.send("POST", "/v1/endpoints", {"url": url, "secret": secret}),
        listener.post("rotate", secret=secret),
    ):
        assert answer.status_code == 400
        assert secret not in answer.text.replace("whsec_ and", "") or secret == "whsec_"


def test_an_example_is_sent_and_marked(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, answers(500))
    sent = listener.test("event.shop")
    assert await_state(admin, sent["deliveryId"])["attempts"] == 1
    got = receiver.one(listener.path)
    told = Webhook(listener.secret).verify(got.body, got.by_name)
    assert (told["type"], told["test"]) == ("event.shop", True)
    assert got.header("webhook-id") == sent["messageId"]
    assert listener.shown()["failingSince"] is None
    assert listener.post("test", type="Not one").status_code == 400


def test_a_disabled_one_is_told_nothing_but_examples(admin: Admin, receiver: Receiver) -> None:
    listener, other = listen(admin, receiver), listen(admin, receiver)
    assert listener.done("disable")["status"] == "disabled"
    assert listener.shown()["disabledAt"] is not None
    happen(admin, "missed")
    receiver.wait(other.path)
    listener.test()
    receiver.wait(listener.path)
    enabled = listener.done("enable")
    assert (enabled["status"], enabled["disabledAt"]) == ("enabled", None)
    happen(admin, "heard")
    receiver.wait(listener.path, 2)
    assert [one["type"] for one in listener.told()] == ["event.test", "event.heard"]
    assert admin.get(f"/v1/deliveries?endpoint={listener.id}&state=failed")["deliveries"] == []


def test_what_was_pending_fails_where_it_is_disabled(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, answers(500), retry={"delaysSeconds": [0.5]})
    happen(admin)
    receiver.one(listener.path)
    listener.done("disable")
    failed = _deliveries(listener.admin, listener.id, "failed")
    assert failed[0]["error"] == "The endpoint is disabled"
    assert len(listener.got()) == 1
    assert listener.shown()["status"] == "disabled"


def test_one_that_was_ended_is_nowhere(admin: Admin, receiver: Receiver) -> None:
    listener, other = listen(admin, receiver), listen(admin, receiver)
    assert data_of(admin.send("DELETE", f"/v1/endpoints/{listener.id}"), 200)["deleted"] is True
    assert admin.wire.get(f"/v1/endpoints/{listener.id}").status_code == 404
    happen(admin)
    receiver.wait(other.path)
    assert listener.got() == []
    assert [one["id"] for one in admin.get("/v1/endpoints")["endpoints"]] == [other.id]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/rotate", {}),
        ("POST", "/enable", None),
        ("POST", "/disable", None),
        ("POST", "/test", {}),
    ],
)
def test_those_of_others_do_not_exist(
    admin: Admin, receiver: Receiver, delivering: Server, method: str, path: str, body: Any
) -> None:
    listener = listen(admin, receiver)
    stranger = make_admin(delivering, admin.wire.client)
    elsewhere = admin.using(admin.make(projectId=admin.make_project()["id"])["key"])
    before = listener.shown()
    for other in (stranger, elsewhere):
        theirs = other.send(method, f"/v1/endpoints/{listener.id}{path}", body)
        nobodys = other.send(method, f"/v1/endpoints/{NOBODY}{path}", body)
        assert theirs.status_code == 404
        assert without_id(theirs) == without_id(nobodys)
    assert listener.shown() == before


def test_a_list_is_read_in_pages(admin: Admin, receiver: Receiver) -> None:
    made = [listen(admin, receiver).id for _ in range(5)]
    found = admin.all_of("/v1/endpoints", "endpoints", 2)
    assert [one["id"] for one in found] == made


def test_at_most_so_many_are_under_way(admin: Admin) -> None:
    with Receiver() as own:
        own.otherwise = waits(0.2, answers(200))
        listener = listen(admin, own, own.otherwise, cap=2)
        for number in range(6):
            happen(admin, title=f"Order {number}")
        own.wait(listener.path, 6)
        assert own.connections <= 2
        most = listener.change(cap=6)["cap"]
        for number in range(12):
            happen(admin, title=f"Order {number}")
        own.wait(listener.path, 18)
        assert 2 < own.connections <= most


def test_a_rate_is_kept(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, rate=5)
    for number in range(8):
        happen(admin, title=f"Order {number}")
    got = receiver.wait(listener.path, 8)
    assert got[7].at - got[0].at > 0.35
    for first, sixth in zip(got, got[6:], strict=False):
        assert sixth.at - first.at > 0.15


def test_a_hanging_endpoint_costs_itself_alone(admin: Admin, receiver: Receiver) -> None:
    hanging = listen(admin, receiver, stalls, cap=1, retry="once")
    healthy = listen(admin, receiver)
    for number in range(5):
        happen(admin, title=f"Order {number}")
    receiver.wait(healthy.path, 5)
    assert len(hanging.got()) < 5


def _deliveries(admin: Admin, endpoint_id: str, state: str) -> list[dict[str, Any]]:
    path = f"/v1/deliveries?endpoint={endpoint_id}&state={state}"
    return wait_for(lambda: admin.get(path)["deliveries"], f"a delivery that is {state}")
