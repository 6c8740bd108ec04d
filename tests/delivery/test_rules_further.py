"""Rules: whose they are, what is wrong with them, how many there may be, what they would have
told, and that each tells once.
"""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.api.admin import Admin, instant, make_admin, without_id
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver
from tests.delivery.ruling import alert, event, rule, told, try_rule
from tests.dialects.native.wire import Wire, data_of, problems_of
from tests.server import Server, unique
from tests.waiting import wait_for

NOWHERE = "https://nowhere.example/hook"
MANY = 1000


@pytest.fixture
def other(delivering: Server, http: httpx2.Client) -> Admin:
    """Somebody else."""
    return make_admin(delivering, http)


def test_two_accounts_see_nothing_of_each_other(
    admin: Admin, other: Admin, receiver: Receiver
) -> None:
    (mine, here), (theirs, there) = receiver.place(), receiver.place()
    match = {"channels": ["orders"]}
    made = rule(admin, mine, match=match)
    rule(other, theirs, match=match)
    listens = {"url": mine, "types": ["event.orders"]}
    endpoint = data_of(admin.send("POST", "/v1/endpoints", listens), 201)
    first, second = event(admin), event(other)
    receiver.one(there)
    assert [one["ruleId"] for one in told(admin, first) if one["ruleId"]] == [made["id"]]
    got = [json.loads(one.body) for one in receiver.wait(here, 2)]
    assert {one["data"].get("event", one["data"])["id"] for one in got} == {first}
    assert len(told(other, second)) == 1
    nobodys, path = "rule_" + "0" * 32, f"/v1/rules/{made['id']}"
    for method, more, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("POST", "/mute", {"minutes": 1}),
        ("POST", "/unmute", None),
        ("POST", "/backtest", {}),
    ):
        answer = other.send(method, path + more, body)
        assert answer.status_code == 404
        unknown = other.send(method, f"/v1/rules/{nobodys}{more}", body)
        assert without_id(answer) == without_id(unknown)
    assert other.wire.get(f"/v1/events/{first}/trace").status_code == 404
    stolen = try_rule(other, "", to=[{"endpoint": endpoint["id"]}])
    assert problems_of(stolen) == [["to", 0, "endpoint"]]
    assert [one["name"] for one in admin.get("/v1/rules")["rules"]] == [made["name"]]


def test_a_key_of_one_project_sees_no_rules_of_another(admin: Admin) -> None:
    made = rule(admin, NOWHERE)
    elsewhere = admin.make_project()
    key = admin.make(projectId=elsewhere["id"], scopes=["full"])
    bound = admin.using(key["key"])
    assert bound.wire.get(f"/v1/rules/{made['id']}").status_code == 404
    assert bound.get("/v1/rules")["rules"] == []
    assert bound.send("DELETE", f"/v1/rules/{made['id']}").status_code == 404


def test_what_is_wrong_with_one_rule_stops_no_other(admin: Admin, receiver: Receiver) -> None:
    """Neither a text that cannot be filled in, which is told plainly, nor an endpoint that is
    no more.
    """
    (url, path), (spare, _) = receiver.place(), receiver.place()
    endpoint = data_of(admin.send("POST", "/v1/endpoints", {"url": spare}), 201)
    broken = rule(admin, url, text={"title": "{{ event.metadata.amount * 2 }}"})
    lost = rule(admin, "", to=[{"endpoint": endpoint["id"]}])
    data_of(admin.send("DELETE", f"/v1/endpoints/{endpoint['id']}"), 200)
    fine, there = receiver.place()
    rule(admin, fine)
    event_id = event(admin, title="Nothing to double")
    receiver.one(there)
    assert alert(receiver, path)["data"]["title"] == "Nothing to double"
    assert len(told(admin, event_id)) == 2
    error = admin.get(f"/v1/rules/{broken['id']}")["lastError"]
    assert error["message"].startswith("text: ")
    assert admin.get(f"/v1/rules/{lost['id']}")["lastError"]["message"] == "endpoint: It is no more"
    mended = {"text": {"title": "{{ event.title }}"}}
    assert (
        data_of(admin.send("PATCH", f"/v1/rules/{broken['id']}", mended), 200)["lastError"] is None
    )


def test_an_endpoint_filters_with_the_same_conditions(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    match = {"channels": ["orders"], "metadata": [{"path": "amount", "op": "gt", "value": 10}]}
    data_of(admin.send("POST", "/v1/endpoints", {"url": url, "match": match}), 201)
    small, large = event(admin, metadata={"amount": 5}), event(admin, metadata={"amount": 50})
    assert [json.loads(one.body)["data"]["id"] for one in receiver.wait(path)] == [large]
    assert told(admin, small) == []


def test_a_trace_tells_the_whole_story(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    tells, other = rule(admin, url, name="tells"), rule(admin, url, match={"channels": ["x"]})
    event_id = event(admin, metadata={"amount": 1})
    here = f"/v1/events/{event_id}/trace"

    def delivered() -> dict[str, Any] | None:
        found = admin.get(here)
        states = [one["state"] for message in found["messages"] for one in message["deliveries"]]
        return found if states == ["succeeded"] else None

    found = wait_for(delivered, "the delivery to be logged")
    assert found["event"]["id"] == event_id
    assert found["toldOf"] is True
    assert {one["id"]: one["fate"] for one in found["rules"]} == {
        tells["id"]: "told",
        other["id"]: "unmet",
    }
    unmet = next(one for one in found["rules"] if one["id"] == other["id"])
    assert (unmet["path"], unmet["changed"]) == (["match", "channels"], False)
    assert "orders" in unmet["reason"]
    (message,) = found["messages"]
    assert message["ruleId"] == tells["id"]
    assert message["payload"]["data"]["event"]["metadata"] == {"amount": 1}
    (attempt,) = message["deliveries"][0]["log"]
    assert (attempt["ok"], attempt["status"]) == (True, 200)
    assert found["usage"]["meter"] == "event"


def test_a_trace_shows_what_the_key_may_read(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    rule(admin, url)
    event_id = event(admin)
    receiver.one(path)
    for scopes, rules, messages in (
        (["events:read"], 0, 0),
        (["events:read", "rules:read"], 1, 0),
        (["events:read", "messages:read"], 0, 1),
    ):
        key = admin.make(scopes=scopes)
        found = admin.using(key["key"]).get(f"/v1/events/{event_id}/trace")
        assert (len(found["rules"]), len(found["messages"])) == (rules, messages)


def test_a_backtest_tells_what_would_have_been_told(admin: Admin) -> None:
    large = [event(admin, metadata={"amount": amount}) for amount in (10, 500, 900)][1:]
    event(admin, notify=False, metadata={"amount": 700})
    new = {
        "name": "large",
        "to": [{"webhook": {"url": NOWHERE}}],
        "match": {"metadata": [{"path": "amount", "op": "gte", "value": 500}]},
        "text": {"title": "{{ event.metadata.amount }}!"},
    }
    found = data_of(admin.send("POST", "/v1/rules/backtest", {"rule": new}), 200)
    assert (found["events"], found["met"], found["told"], found["complete"]) == (4, 2, 2, True)
    assert [one["eventId"] for one in found["alerts"]] == large
    assert [one["title"] for one in found["alerts"]] == ["500!", "900!"]
    made = rule(admin, NOWHERE, **{k: v for k, v in new.items() if k != "name"}, enabled=False)
    here = f"/v1/rules/{made['id']}/backtest"
    again = data_of(admin.send("POST", here, {}), 200)
    assert again["alerts"] == found["alerts"]
    assert data_of(admin.send("POST", here, {"silent": True}), 200)["told"] == 3
    before = {"until": instant(hours=-1)}
    assert data_of(admin.send("POST", here, before), 200)["events"] == 0
    assert told(admin, large[0]) == []
    assert len(admin.get("/v1/rules")["rules"]) == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"rule": {"name": "x", "to": []}}, ["rule", "to"]),
        (
            {"rule": {"name": "x", "to": [{"endpoint": "endpoint_x"}]}},
            ["rule", "to", 0, "endpoint"],
        ),
        ({}, ["rule"]),
    ],
)
def test_a_faulty_backtest_says_where(admin: Admin, body: Any, path: list[Any]) -> None:
    problems = problems_of(admin.send("POST", "/v1/rules/backtest", body))
    assert [problem[: len(path)] for problem in problems] == [path]


@pytest.mark.parametrize(
    "body",
    [
        {"since": instant(hours=1)},
        {"since": instant(days=-2), "until": instant(days=-3)},
        {"since": instant(days=-100)},
    ],
)
def test_a_backtest_has_a_range(admin: Admin, body: Any) -> None:
    made = rule(admin, NOWHERE)
    answer = admin.send("POST", f"/v1/rules/{made['id']}/backtest", body)
    assert problems_of(answer) == [["since"]]


@pytest.mark.timeout(120)
def test_a_thousand_rules_do_not_hold_others_up(
    admin: Admin, other: Admin, receiver: Receiver
) -> None:
    """The last one of them tells soon, and writes go on meanwhile."""
    url, path = receiver.place()
    match = {"metadata": [{"path": "amount", "op": "gt", "value": 10}]}
    with ThreadPoolExecutor(16) as pool:
        runs = [pool.submit(rule, admin, NOWHERE, match=match) for _ in range(MANY - 1)]
        assert len({run.result()["id"] for run in runs}) == MANY - 1
    assert try_rule(admin, NOWHERE).status_code == 201
    assert try_rule(admin, NOWHERE).status_code == 409
    last = admin.get("/v1/rules?limit=1")["rules"][0]
    changed = {"to": [{"webhook": {"url": url}}], "match": {"channels": ["orders"]}}
    data_of(admin.send("PATCH", f"/v1/rules/{last['id']}", changed), 200)
    batch = [{"channelName": "orders", "title": "x", "metadata": {"amount": 5}}] * 500
    data_of(admin.send("POST", "/v1/events/batch", {"events": batch}), 200)
    slowest = 0.0
    while len(receiver.at(path)) < len(batch):
        began = monotonic()
        event(other, unique("beside"))
        slowest = max(slowest, monotonic() - began)
    assert slowest < 5.0


class Crash:
    """A server that is killed while it tells."""

    def __init__(self, server: Server, receiver: Receiver) -> None:
        self.server = server
        self.url, self.path = receiver.place()
        self.tenant = server.make_tenant(limit="off")

    def admin(self, http: httpx2.Client) -> Admin:
        wire = Wire(http, self.server.address, self.tenant.key.secret)
        return Admin(wire, self.tenant.account, "")


@pytest.fixture
def crash(tmp_path: Path, receiver: Receiver) -> Iterator[Crash]:
    with Server(tmp_path / "data", env=NEAR) as running:
        yield Crash(running, receiver)


@pytest.mark.timeout(120)
def test_each_event_is_told_once_whatever_dies(crash: Crash, receiver: Receiver) -> None:
    """One message for each event and rule, over kills in the middle; what is sent again has the
    same id.
    """
    with plain.Client(timeout=30) as http:
        admin = crash.admin(http)
        made = rule(admin, crash.url, match={"channels": ["orders"]})
        ids: list[str] = []
        for round_ in range(3):
            batch = [{"channelName": "orders", "title": "x"} for _ in range(300)]
            found = data_of(admin.send("POST", "/v1/events/batch", {"events": batch}), 200)
            ids += [one["id"] for one in found["results"]]
            receiver.wait(crash.path, 100 * (2 * round_ + 1), 30)
            crash.server.kill()
            crash.server.start()
            admin = crash.admin(http)
        expected = Counter(ids)

        def all_came() -> bool:
            bodies = (json.loads(one.body) for one in receiver.at(crash.path))
            return {one["data"]["event"]["id"] for one in bodies} == set(expected)

        wait_for(all_came, "every event to be told", 60)
    by_message: dict[str, set[str]] = {}
    for one in receiver.at(crash.path):
        name = json.loads(one.body)["data"]["event"]["id"]
        by_message.setdefault(name, set()).add(one.header("webhook-id") or "")
    assert all(len(messages) == 1 for messages in by_message.values())
    rows = crash.server.query("SELECT count(*), count(DISTINCT event_id) FROM messages")
    assert tuple(map(int, rows[0])) == (len(ids), len(ids))
    assert made["enabled"]


def test_an_alert_goes_into_a_chat_whose_url_is_not_shown_again(
    admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    chat = url.replace("http://", "json://") + "?secret=hush"
    made = rule(admin, "", to=[{"chat": {"url": chat}}], text={"body": "{{ event.title }}!"})
    event_id = event(admin, title="Paid")
    said = json.loads(receiver.one(path).body)
    assert (said["title"], said["message"]) == ("Paid", "Paid!")
    assert made["to"][0]["chat"]["url"].endswith("/…")
    back = [made["to"][0], *made["to"]]
    answer = admin.send("PATCH", f"/v1/rules/{made['id']}", {"to": back})
    assert problems_of(answer) == [["to", number, "chat", "url"] for number in (0, 1)]
    seen = [admin.wire.get(one).text for one in ("/v1/rules", f"/v1/events/{event_id}/trace")]
    assert not [one for one in seen if "hush" in one or path in one]


def test_what_is_shown_of_where_a_rule_leads_leaves_it_as_it_was(
    admin: Admin, receiver: Receiver
) -> None:
    """Chats that look alike keep their order; a secret header goes to its own URL alone."""
    (first, one), (second, two), (hook, three), (other, four) = (receiver.place() for _ in range(4))
    chats = [{"chat": {"url": url.replace("http://", "json://")}} for url in (first, second)]
    headers = {"X-Token": "hush", "X-Plain": "a"}
    webhook = {"webhook": {"url": hook, "headers": headers}}
    escalate = [{"afterMinutes": 60, "to": [webhook]}]
    made = rule(admin, "", to=[*chats, webhook], escalate=escalate)
    path = f"/v1/rules/{made['id']}"
    shown = [*made["to"], {"webhook": {"url": other, "headers": {"X-New": "b"}}}]
    changed = {"to": shown, "escalate": made["escalate"]}
    data_of(admin.send("PATCH", path, changed), 200)
    event(admin)
    for place in (one, two, four):
        receiver.one(place)
    got = receiver.one(three)
    assert (got.header("X-Token"), got.header("X-Plain")) == ("hush", "a")
    fewer = admin.send("PATCH", path, {"to": made["to"][1:]})
    assert problems_of(fewer) == [["to", 0, "chat", "url"]]
    stolen = {"webhook": {"url": other, "headers": {"X-Token": "…"}}}
    answer = admin.send("PATCH", path, {"to": [stolen]})
    assert problems_of(answer) == [["to", 0, "webhook", "headers", "X-Token"]]


def test_a_rule_says_how_often_it_told_and_when(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(admin, url)
    assert (made["lastToldAt"], made["toldLately"]) == (None, 0)
    event(admin)
    event(admin)
    receiver.wait(path, 2)
    (listed,) = admin.get("/v1/rules")["rules"]
    assert listed["toldLately"] == 2
    assert listed["lastToldAt"] >= made["createdAt"]
    off = data_of(admin.send("PATCH", f"/v1/rules/{made['id']}", {"enabled": False}), 200)
    assert off["toldLately"] == 2


def test_a_backtest_says_why_events_do_not_meet_the_condition(admin: Admin) -> None:
    wanted = [{"path": "amount", "op": "gte", "value": 100}]
    body = {"name": "Large", "to": [{"push": {}}], "match": {"metadata": wanted}}
    small = event(admin, title="Small", metadata={"amount": 40})
    silent = event(admin, title="Silent", metadata={"amount": 400}, notify=False)
    tested = data_of(admin.send("POST", "/v1/rules/backtest", {"rule": body}), 200)
    by_id = {one["eventId"]: one for one in tested["unmet"]}
    assert (tested["met"], set(by_id)) == (0, {small, silent})
    assert by_id[small]["path"] == ["match", "metadata", 0]
    assert by_id[small]["reason"] == "amount is 40; it must be at least 100"
    assert "never notifies" in by_id[silent]["reason"]
