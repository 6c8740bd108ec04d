"""Rules: which events they tell of, to whom, and in which words."""

import json
from typing import Any

import pytest

from tests.api.admin import Admin, instant
from tests.delivery.receiver import Receiver
from tests.delivery.ruling import alert, event, fate, rule, told, try_rule
from tests.dialects.native.wire import data_of, problems_of
from tests.server import unique
from tests.waiting import wait_for

NOWHERE = "https://nowhere.example/hook"
PAID: dict[str, Any] = {
    "channelName": "payments",
    "title": "Payment received",
    "description": "Order 4711",
    "tags": ["card", "eu"],
    "userId": "ada",
    "metadata": {
        "amount": 99.5,
        "currency": "EUR",
        "fraud": False,
        "coupon": None,
        "user": {"plan": "pro"},
        "items": [{"sku": "a-1"}, {"sku": "b-2"}],
        "codes": [1, "two", True],
        "with.dots": 1,
    },
}
"""The event that conditions are tried on."""


def wanted(path: str, op: str, *value: Any) -> dict[str, Any]:
    test = {"path": path, "op": op}
    return {"metadata": [test | ({"value": value[0]} if value else {})]}


MET: list[dict[str, Any]] = [
    {},
    {"channels": ["payments"]},
    {"channels": ["orders", "Payments"]},
    {"tags": {"any": ["cash", "card"]}},
    {"tags": {"all": ["eu", "card"]}},
    {"tags": {"none": ["test"]}},
    {"title": {"contains": "ment rec"}},
    {"title": {"equals": "Payment received"}},
    {"title": {"startsWith": "Payment"}},
    {"title": {"anyOf": ["Refund", "Payment received"]}},
    {"title": {"anyOf": ["Refund*", "Pay*"]}},
    {"userIds": ["bob", "ada"]},
    wanted("amount", "eq", 99.5),
    wanted("amount", "ne", 99),
    wanted("amount", "gt", 99),
    wanted("amount", "gte", 99.5),
    wanted("amount", "lt", 100),
    wanted("amount", "lte", 99.5),
    wanted("currency", "eq", "EUR"),
    wanted("currency", "contains", "U"),
    wanted("currency", "gt", "EUQ"),
    wanted("fraud", "eq", False),
    wanted("coupon", "eq", None),
    wanted("coupon", "exists"),
    wanted("user", "eq", {"plan": "pro"}),
    wanted("$.user.plan", "eq", "pro"),
    wanted("items[1].sku", "eq", "b-2"),
    wanted("codes", "contains", "two"),
    wanted("codes", "contains", 1),
    wanted("['with.dots']", "eq", 1.0),
    wanted("missing", "exists", False),
    wanted("missing", "ne", "anything"),
]
UNMET: list[tuple[dict[str, Any], list[Any]]] = [
    ({"channels": ["orders"]}, ["channels"]),
    ({"tags": {"any": ["cash"]}}, ["tags", "any"]),
    ({"tags": {"all": ["eu", "cash"]}}, ["tags", "all"]),
    ({"tags": {"none": ["eu"]}}, ["tags", "none"]),
    ({"title": {"contains": "payment"}}, ["title", "contains"]),
    ({"title": {"equals": "Payment"}}, ["title", "equals"]),
    ({"title": {"startsWith": "received"}}, ["title", "startsWith"]),
    ({"title": {"anyOf": ["Refund*", "Payment", "pay*"]}}, ["title", "anyOf"]),
    ({"userIds": ["bob"]}, ["userIds"]),
    (wanted("amount", "eq", "99.5"), ["metadata", 0]),
    (wanted("amount", "ne", 99.5), ["metadata", 0]),
    (wanted("amount", "gt", 99.5), ["metadata", 0]),
    (wanted("amount", "gt", "1"), ["metadata", 0]),
    (wanted("amount", "gte", 100), ["metadata", 0]),
    (wanted("amount", "lt", 99.5), ["metadata", 0]),
    (wanted("amount", "lte", 99), ["metadata", 0]),
    (wanted("amount", "contains", "99"), ["metadata", 0]),
    (wanted("currency", "gt", 1), ["metadata", 0]),
    (wanted("fraud", "eq", 0), ["metadata", 0]),
    (wanted("fraud", "lt", 1), ["metadata", 0]),
    (wanted("coupon", "exists", False), ["metadata", 0]),
    (wanted("codes", "contains", "1"), ["metadata", 0]),
    (wanted("items[2].sku", "exists"), ["metadata", 0]),
    (wanted("missing", "eq", None), ["metadata", 0]),
    (wanted("missing", "lt", 1), ["metadata", 0]),
    (wanted("missing", "contains", "x"), ["metadata", 0]),
    ({**wanted("amount", "gt", 1), "channels": ["orders"]}, ["channels"]),
]


def trace(admin: Admin, event_id: str) -> dict[str, Any]:
    return admin.get(f"/v1/events/{event_id}/trace")


def test_each_condition_is_met_or_not(admin: Admin, receiver: Receiver) -> None:
    """All of them at once, on one event: who tells of it, and who says why not."""
    url, path = receiver.place()
    met = {rule(admin, url, match=one)["id"]: one for one in MET}
    unmet = {rule(admin, url, match=one)["id"]: (one, where) for one, where in UNMET}
    event_id = event(admin, **PAID)
    receiver.wait(path, len(MET))
    assert {one["ruleId"] for one in told(admin, event_id)} == set(met)
    for one in trace(admin, event_id)["rules"]:
        if one["id"] in met:
            assert one["fate"] == "told", met[one["id"]]
        else:
            match, where = unmet[one["id"]]
            assert (one["fate"], one["path"]) == ("unmet", ["match", *where]), match
            assert one["reason"]


def test_an_alert_says_what_the_rule_says(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    text = {
        "title": "{{ event.title }}: {{ event.metadata.amount }}",
        "body": "{% for one in event.metadata.items %}{{ one.sku }} {% endfor %}by {{ rule.name }}",
    }
    made = rule(admin, url, name="Money", text=text, priority="high")
    event_id = event(admin, **PAID)
    (got,) = receiver.wait(path)
    sent = json.loads(got.body)
    assert sent["type"] == "alert.event"
    assert sent["data"]["title"] == "Payment received: 99.5"
    assert sent["data"]["body"] == "a-1 b-2 by Money"
    assert sent["data"]["rule"] == {"id": made["id"], "name": "Money"}
    assert sent["data"]["event"]["id"] == event_id
    assert sent["data"]["event"]["metadata"]["user"] == {"plan": "pro"}
    (message,) = told(admin, event_id)
    assert got.header("webhook-id") == message["id"]
    assert (message["type"], message["priority"]) == ("alert.event", "high")


def test_without_templates_it_says_what_the_event_says(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    rule(admin, url)
    event(admin, **PAID)
    data = alert(receiver, path)["data"]
    assert (data["title"], data["body"]) == ("Payment received", "Order 4711")


def test_a_name_leads_to_a_user_under_any_other(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    name, alias = unique("user"), unique("alias")
    rule(admin, url, match={"userIds": [alias]})
    event(admin, title="before", userId=alias)
    assert alert(receiver, path)["data"]["title"] == "before"
    data_of(admin.send("POST", "/v1/identify", {"user_id": name, "aliases": [alias]}), 200)
    event(admin, title="after", userId=name)
    assert alert(receiver, path, 2)["data"]["title"] == "after"


def test_an_alert_goes_to_an_endpoint_with_its_signature(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    endpoint = data_of(
        admin.send("POST", "/v1/endpoints", {"url": url, "types": ["event.nothing"]}), 201
    )
    rule(admin, "", to=[{"endpoint": endpoint["id"]}])
    event_id = event(admin)
    (got,) = receiver.wait(path)
    assert got.header("webhook-signature")
    assert json.loads(got.body)["type"] == "alert.event"
    (message,) = told(admin, event_id)
    assert message["deliveries"][0]["endpointId"] == endpoint["id"]


def test_each_destination_gets_a_message_of_its_own(admin: Admin, receiver: Receiver) -> None:
    (one, first), (other, second) = receiver.place(), receiver.place()
    headers = {"Authorization": "Bearer theirs"}
    rule(admin, "", to=[{"webhook": {"url": one}}, {"webhook": {"url": other, "headers": headers}}])
    event_id = event(admin)
    assert receiver.one(first).header("authorization") is None
    assert receiver.one(second).header("authorization") == "Bearer theirs"
    assert len({one["id"] for one in told(admin, event_id)}) == 2


def test_what_is_silent_is_told_to_nobody(admin: Admin, receiver: Receiver) -> None:
    """Neither events that say so, nor those of the past."""
    url, _ = receiver.place()
    made = rule(admin, url)
    quiet, past = event(admin, notify=False), event(admin, timestamp=instant(days=-1))
    assert told(admin, past) == told(admin, quiet) == []
    for event_id in (quiet, past):
        assert fate(admin, event_id, made["id"])["fate"] == "silent"


def test_a_muted_rule_tells_nothing(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(admin, url)
    here = f"/v1/rules/{made['id']}"
    muted = data_of(admin.send("POST", f"{here}/mute", {"minutes": 60}), 200)
    assert instant(minutes=59) < muted["mutedUntil"] < instant(minutes=61)
    first = event(admin)
    assert told(admin, first) == []
    assert fate(admin, first, made["id"])["fate"] == "muted"
    assert data_of(admin.send("POST", f"{here}/unmute"), 200)["mutedUntil"] is None
    second = event(admin)
    assert alert(receiver, path)["data"]["event"]["id"] == second
    data_of(admin.send("POST", f"{here}/mute", {"until": instant(seconds=1)}), 200)

    def heard() -> bool:
        event(admin, title="again")
        return len(receiver.at(path)) > 1

    wait_for(heard, "the mute to end by itself")
    actions = [one["action"] for one in admin.get("/v1/audit")["entries"]]
    assert {"rule.create", "rule.mute", "rule.unmute"} <= set(actions)


@pytest.mark.parametrize("body", [{}, {"minutes": 1, "until": instant(hours=1)}, {"minutes": 0}])
def test_a_mute_says_for_how_long(admin: Admin, body: dict[str, Any]) -> None:
    made = rule(admin, NOWHERE)
    assert problems_of(admin.send("POST", f"/v1/rules/{made['id']}/mute", body))


def test_a_rule_that_is_off_or_ended_tells_nothing(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(admin, url, enabled=False)
    here = f"/v1/rules/{made['id']}"
    first = event(admin)
    assert told(admin, first) == []
    assert fate(admin, first, made["id"])["fate"] == "off"
    data_of(admin.send("PATCH", here, {"enabled": True}), 200)
    event(admin)
    receiver.one(path)
    data_of(admin.send("DELETE", here), 200)
    assert told(admin, event(admin)) == []
    assert admin.wire.get(here).status_code == 404
    assert made["id"] not in [one["id"] for one in admin.get("/v1/rules")["rules"]]


def test_a_rule_is_changed_in_part(admin: Admin) -> None:
    to = [{"webhook": {"url": NOWHERE, "headers": {"X-Key": "hush"}}}]
    match = {"channels": ["Payments & Co"], "tags": {"any": ["a"]}}
    made = rule(admin, "", to=to, match=match, text={"title": "{{ event.title }}!"})
    here = f"/v1/rules/{made['id']}"
    assert made["match"]["channels"] == ["payments-co"]
    assert made["to"][0]["webhook"]["headers"] == {"X-Key": "…"}
    changed = data_of(admin.send("PATCH", here, {"name": "new", "priority": "low"}), 200)
    assert changed == made | {
        "name": "new",
        "priority": "low",
        "updatedAt": changed["updatedAt"],
    }
    assert admin.get(here) == changed
    again = data_of(admin.send("PATCH", here, {"match": {}, "text": {}}), 200)
    assert (again["match"], again["text"]) == ({}, {"title": "", "body": ""})
    assert "hush" not in json.dumps(admin.get("/v1/audit"))


def test_rules_are_listed_oldest_first(admin: Admin) -> None:
    made = [rule(admin, NOWHERE)["id"] for _ in range(5)]
    assert [one["id"] for one in admin.all_of("/v1/rules", "rules", 2)] == made


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"to": []}, ["to"]),
        ({"to": [{}]}, ["to", 0]),
        ({"to": [{"endpoint": "x", "webhook": {"url": NOWHERE}}]}, ["to", 0]),
        ({"to": [{"endpoint": "endpoint_" + "0" * 32}]}, ["to", 0, "endpoint"]),
        ({"to": [{"endpoint": "nonsense"}]}, ["to", 0, "endpoint"]),
        ({"to": [{"webhook": {"url": "https://10.0.0.1/"}}]}, ["to", 0, "webhook", "url"]),
        (
            {"to": [{"webhook": {"url": NOWHERE, "headers": {"Host": "x"}}}]},
            ["to", 0, "webhook", "headers", "Host"],
        ),
        ({"to": [{"email": {"to": ["nobody"]}}]}, ["to", 0, "email", "to", 0]),
        ({"to": [{"chat": {"url": "carrierpigeon://x"}}]}, ["to", 0, "chat", "url"]),
        ({"text": {"title": "{{ event.title"}}, ["text", "title"]),
        ({"text": {"body": "{{ event.keys() }}"}}, ["text", "body"]),
        ({"match": {"channels": ["!!"]}}, ["match", "channels", 0]),
        ({"match": {"title": {"like": "x"}}}, ["match", "title", "like"]),
        ({"match": wanted("a..b", "eq", 1)}, ["match", "metadata", 0, "path"]),
        ({"match": wanted("a", "like", 1)}, ["match", "metadata", 0, "op"]),
        ({"match": wanted("a", "gt", True)}, ["match", "metadata", 0, "value"]),
        ({"match": wanted("a", "exists", 1)}, ["match", "metadata", 0, "value"]),
        ({"match": wanted("a", "contains", [1])}, ["match", "metadata", 0, "value"]),
        ({"match": wanted("a", "eq", "x" * 1001)}, ["match", "metadata", 0, "value"]),
        ({"when": {"type": "threshold", "count": 3}}, ["when", "minutes"]),
        ({"when": {"type": "event", "minutes": 3}}, ["when", "minutes"]),
        ({"when": {"type": "sometimes"}}, ["when", "type"]),
        ({"group": {"seconds": 5, "by": "colour"}}, ["group", "by"]),
        ({"digest": {"at": "25:00"}}, ["digest", "at"]),
        ({"digest": {"at": "09:00", "timezone": "Mars"}}, ["digest", "timezone"]),
        ({"quiet": {"from": "22:00", "to": "7"}}, ["quiet", "to"]),
        ({"quiet": {"from": "22:00", "to": "07:00", "days": ["sunday"]}}, ["quiet", "days"]),
        ({"escalate": [{"afterMinutes": 5, "to": [{"endpoint": "x"}]}]}, ["escalate", 0, "to", 0]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_a_faulty_member_is_named(admin: Admin, more: dict[str, Any], path: list[Any]) -> None:
    problems = problems_of(try_rule(admin, NOWHERE, **more))
    assert [problem[: len(path)] for problem in problems] == [path]


def test_all_of_a_rule_is_kept(admin: Admin) -> None:
    whole = {
        "enabled": False,
        "when": {
            "type": "absence",
            "minutes": 30.0,
            "during": {
                "from": "09:00",
                "to": "18:00",
                "timezone": "Europe/Berlin",
                "days": ["mon"],
            },
        },
        "match": {"channels": ["a"], **wanted("user.plan", "eq", "pro")},
        "quiet": {"from": "22:00", "to": "07:00", "timezone": "UTC", "days": [], "then": "drop"},
        "mutedUntil": "2030-01-01T00:00:00.000Z",
        "escalate": [{"afterMinutes": 5.0, "to": [{"webhook": {"url": NOWHERE, "headers": {}}}]}],
        "priority": "high",
        "text": {"title": "a", "body": "b"},
    }
    made = rule(admin, NOWHERE, **whole)
    assert {name: made[name] for name in whole} == whole
    summed = {"group": None, "digest": {"at": "09:00", "timezone": "UTC", "days": ["tue", "wed"]}}
    other = rule(admin, NOWHERE, digest=summed["digest"])
    assert {name: other[name] for name in summed} == summed
