"""Rules by their form: made, tried, changed, muted; what rules have found."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant, unique
from tests.waiting import wait_for

HARM = "</textarea></title><script>alert(1)</script>\u202e"
EVENT = {
    "when.type": "event",
    "how": "once",
    "enabled": "yes",
    "to.0.kind": "email",
    "to.0.email.to": "ada@example.com, bob@example.com",
}


class Api:
    """The same account by its key."""

    def __init__(self, server: Server, tenant: Tenant) -> None:
        self._at = server.address
        self._key = {"authorization": f"Bearer {tenant.key.secret}"}

    def get(self, path: str) -> Any:
        return plain.get(self._at + path, headers=self._key).json()["data"]

    def send(self, path: str, body: Any) -> Any:
        answer = plain.post(self._at + path, headers=self._key, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    def event(self, title: str = "Paid", **more: Any) -> str:
        body = {"channelName": "payments", "title": title, **more}
        return str(self.send("/v1/events", body)["id"])


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def api(server: Server, tenant: Tenant) -> Api:
    return Api(server, tenant)


@pytest.fixture
def owner(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


def value(page: Page, name: str) -> str:
    """What stands in a field."""
    for tag in ("input", "textarea"):
        for one in page.root.all(tag, name=name):
            return one.attributes.get("value", one.text.removeprefix("\n"))
    raise AssertionError(f"no field {name}")


def test_a_rule_is_written_row_by_row_tried_and_made(owner: Visitor, api: Api) -> None:
    small, large = api.event(metadata={"amount": 40}), api.event(metadata={"amount": 4000})
    page = owner.open("rules/new?channel=payments")
    assert value(page, "match.channels") == "payments"
    page = owner.submit(page, "As JSON", do="add to email", name="Large")
    page = owner.submit(page, "As JSON", do="add to chat")
    page = owner.submit(page, "As JSON", do="remove to.1")
    page = owner.submit(page, "As JSON", do="add match.metadata")
    wanted = {
        "match.metadata.0.path": "amount",
        "match.metadata.0.op": "gte",
        "match.metadata.0.value": "many",
        "match.metadata.0.type": "number",
        "to.0.email.to": "ada@example.com",
    }
    page = owner.submit(page, "As JSON", do="try", **wanted)
    assert page.status == 400
    assert page.errors() == {"match.metadata.0.value": "Not a number"}
    number = {"match.metadata.0.value": "1000"}
    page = owner.submit(page, "As JSON", do="try", span="7", **number)
    assert "1 alert from 2 events, of which 1 met the condition" in page.text
    assert "amount is 40; it must be at least 1000" in page.text
    assert {one.rpartition("/")[2] for one in page.links if "/events/" in one} == {small, large}
    assert api.get("/v1/rules")["rules"] == []
    page = owner.submit(page, "Make the rule")
    assert page.title == "Large"
    (made,) = api.get("/v1/rules")["rules"]
    assert made["match"] == {
        "channels": ["payments"],
        "metadata": [{"path": "amount", "op": "gte", "value": 1000}],
    }
    assert made["to"] == [{"email": {"to": ["ada@example.com"], "template": ""}}]


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    owner: Visitor, api: Api
) -> None:
    page = owner.open("rules/new")
    fields = {
        "name": HARM,
        "to.0.kind": "webhook",
        "to.0.webhook.url": "ftp://nowhere",
        "to.0.webhook.headers": "X-Token: hush",
        "quiet.here": "yes",
        "quiet.from": "25:00",
        "quiet.to": "07:00",
        "quiet.timezone": "Mars/Olympus",
        "text.title": "{{ event.title",
    }
    page = owner.submit(page, "Make the rule", **fields)
    assert page.status == 400
    wrong = {"to.0.webhook.url", "quiet.from", "quiet.timezone", "text.title"}
    assert wrong <= set(page.errors())
    assert value(page, "name") == HARM
    assert value(page, "to.0.webhook.headers") == "X-Token: hush"
    assert not [one for one in page.root.all("script") if "src" not in one.attributes]
    mended = {
        "to.0.kind": "email",
        "to.0.email.to": "ada@example.com",
        "quiet.from": "22:00",
        "quiet.timezone": "Europe/Berlin",
        "text.title": "",
    }
    page = owner.submit(page, "Make the rule", **mended)
    assert page.status == 200
    (made,) = api.get("/v1/rules")["rules"]
    assert made["quiet"]["timezone"] == "Europe/Berlin"


FULL: tuple[dict[str, Any], ...] = (
    {
        "when": {"type": "threshold", "count": 10, "minutes": 2.5, "by": "metadata.code"},
        "match": {
            "tags": {"any": ["a"], "all": ["b", "c"], "none": ["d"]},
            "title": {"contains": "x", "equals": "y", "startsWith": "z"},
            "userIds": ["ada", "bob"],
            "metadata": [
                {"path": "a", "op": "eq", "value": None},
                {"path": "b", "op": "ne", "value": "text"},
                {"path": "c", "op": "lt", "value": -1.5},
                {"path": "d", "op": "eq", "value": True},
                {"path": "e", "op": "exists", "value": False},
                {"path": "f", "op": "contains", "value": 1},
            ],
        },
        "escalate": [
            {"afterMinutes": 5, "to": [{"push": {"to": {"channel": "x"}, "url": "/y"}}]},
            {"afterMinutes": 10, "to": [{"email": {"to": ["a@example.com"]}}, {"push": {}}]},
        ],
        "priority": "high",
    },
    {
        "when": {
            "type": "absence",
            "minutes": 30,
            "during": {"from": "09:00", "to": "17:00", "timezone": "UTC", "days": ["mon", "fri"]},
        },
        "quiet": {"from": "22:00", "to": "06:00", "timezone": "Asia/Tokyo", "then": "drop"},
    },
    {"when": {"type": "change", "percent": -50, "minutes": 60, "minimum": 10}},
    {"group": {"seconds": 300, "by": "userId"}, "text": {"title": "a", "body": "b\nc"}},
    {"digest": {"at": "09:00", "timezone": "Europe/Berlin", "days": ["sat"]}},
)


@pytest.mark.parametrize("more", FULL)
def test_a_rule_that_is_saved_as_it_stands_stays_as_it_is(
    owner: Visitor, api: Api, more: dict[str, Any]
) -> None:
    chat = {"chat": {"url": "tgram://123456789:abcdefg_hijklmnop/12315544"}}
    hook = {"webhook": {"url": "https://example.com/hook", "headers": {"X-Token": "hush"}}}
    made = api.send("/v1/rules", {"name": "Whole", "to": [chat, hook], **more})
    page = owner.open(f"rules/{made['id']}/edit")
    assert "as JSON" not in page.text
    page = owner.submit(page, "Save", name="Renamed")
    assert page.title == "Renamed"
    now = api.get(f"/v1/rules/{made['id']}")
    changing = {"name", "updatedAt"}
    assert {k: v for k, v in now.items() if k not in changing} == {
        k: v for k, v in made.items() if k not in changing
    }
    audited = api.get("/v1/audit?action=rule.update")["entries"][0]["after"]
    assert audited == {"name": "Renamed"}


def test_what_the_form_cannot_say_is_edited_as_json(owner: Visitor, api: Api) -> None:
    match = {"payload": {"rules": [{"field": "a", "operator": "is_set"}]}}
    push = {"push": {"to": "all", "topic": "t"}}
    made = api.send("/v1/rules", {"name": "Odd", "to": [push], "match": match})
    page = owner.open(f"rules/{made['id']}/edit")
    assert "more than the form can" in page.text
    rule = json.loads(value(page, "json"))
    assert (rule["match"], rule["to"]) == (made["match"], [push])
    page = owner.submit(page, "Save", do="form")
    assert "stays as JSON" in page.text
    page = owner.submit(page, "Save", json="{")
    assert page.status == 400
    assert set(page.errors()) == {"json"}
    page = owner.submit(page, "Save", json=json.dumps(rule | {"name": 5}))
    assert "name" in page.errors()["json"]
    page = owner.submit(page, "Save", json=json.dumps({"name": "Even", "match": {}, "to": [push]}))
    assert page.title == "Even"
    assert api.get(f"/v1/rules/{made['id']}")["match"] == {}
    page = owner.submit(owner.open("rules/new?channel=x"), "Make the rule", do="json", name="Both")
    assert json.loads(value(page, "json"))["name"] == "Both"
    page = owner.submit(page, "Make the rule", do="form")
    assert value(page, "match.channels") == "x"


def test_a_rule_is_muted_let_tell_again_switched_off_and_deleted(owner: Visitor, api: Api) -> None:
    made = api.send("/v1/rules", {"name": "Loud", "to": [{"push": {}}]})
    where = f"rules/{made['id']}"
    page = owner.submit(owner.open(where), "Mute", minutes="240")
    assert "Muted until" in page.text
    assert "Muted until" in owner.open("rules").text.replace("Muteduntil", "Muted until")
    page = owner.submit(page, "Let it tell again")
    assert "Muted until" not in page.text
    page = owner.submit(page, "Mute", until="2999-12-31T23:59")
    assert "31 Dec 2999" in page.text
    page = owner.submit(page, "Switch off")
    assert api.get(f"/v1/{where}")["enabled"] is False
    page = owner.submit(owner.submit(page, "Switch on"), "Delete")
    assert "Nobody is told of anything yet" in page.text
    owner.open(where, 404)


def test_an_alert_is_followed_and_acknowledged(owner: Visitor, api: Api) -> None:
    rule = {
        "name": "Many",
        "when": {"type": "threshold", "count": 1, "minutes": 5},
        "to": [{"email": {"to": ["ada@example.com"]}}],
        "escalate": [{"afterMinutes": 15, "to": [{"email": {"to": ["boss@example.com"]}}]}],
    }
    made = api.send("/v1/rules", rule)
    api.event()
    wait_for(lambda: api.get("/v1/alerts")["alerts"], "an alert")
    listed = owner.open("rules")
    assert "Open alerts (1)" in listed.text
    page = owner.open(owner.open("alerts?status=open").link("Many: 1 within 5 min"))
    assert "Next step" in page.text
    assert "boss@example.com" in page.text
    page = owner.submit(page, "Acknowledge")
    assert "not taken: after" in page.text
    (alert,) = api.get(f"/v1/alerts?ruleId={made['id']}")["alerts"]
    assert alert["status"] == "acknowledged"
    assert alert["acknowledgedBy"]
    assert "No alerts like that" in owner.open("alerts?status=open").text


def test_who_only_reads_is_offered_nothing_and_gets_nothing_done(
    owner: Visitor, api: Api, make_visitor: MakeVisitor
) -> None:
    made = api.send("/v1/rules", {"name": unique("rule"), "to": [{"push": {}}]})
    api.event()
    viewer = make_visitor(owner.account, role="viewer")
    assert "New rule" not in viewer.open("rules").text
    page = viewer.open(f"rules/{made['id']}?span=1")
    assert "1 alert from 1 event" in page.text
    words = {one.text.strip() for one in page.root.one("main").all("button")}
    assert not words & {"Mute", "Delete", "Switch off"}
    form = viewer.open("rules/new")
    page = viewer.submit(form, "Make the rule", name="Mine", **EVENT)
    assert page.status == 403
    assert len(api.get("/v1/rules")["rules"]) == 1
