"""Filters of webhooks: kept, changed, and applied to what is told, at real receivers."""

from typing import Any

import pytest

from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import Hook, happen, hook
from tests.dialects.emailit.mails import send, somebody
from tests.dialects.emailit.wire import Account

BILLING = {"field": "meta.app", "operator": "equals", "value": "billing"}
PRO = {"field": "properties.plan", "operator": "equals", "value": "pro"}
LAST = "c:last"


def narrowed(account: Account, receiver: Receiver, *rules: Any, **more: Any) -> Hook:
    """A webhook of everything that meets some rules."""
    return hook(account, receiver, filter={"rules": list(rules)} | more)


def test_a_filter_is_kept_shown_and_changed(account: Account, sdk: Any) -> None:
    many = [{"field": f"meta.{number}", "operator": "is_set"} for number in range(25)]
    given = {"match": "or", "rules": [BILLING, *many[1:]]}
    made = sdk.webhooks.create(
        {"name": "My Webhook", "url": "https://example.com", "all_events": True, "filter": given}
    )
    kept = {"match": "any", "rules": [BILLING, *many[1:]]}
    place = f"/webhooks/{made.id}"
    (listed,) = account.get("/webhooks")["data"]
    assert listed["filter"] == account.get(place)["filter"] == kept
    assert (listed["all_events"], listed["events"]) == (True, [])
    renamed = account.post(place, {"name": "Other", "events": ["email.bounced"]})
    assert (renamed["filter"], renamed["events"]) == (kept, ["email.bounced"])
    changed = account.post(place, {"filter": {"rules": [BILLING]}})
    assert changed["filter"] == {"match": "all", "rules": [BILLING]}
    assert (changed["all_events"], changed["events"]) == (False, ["email.bounced"])
    nothing: list[Any] = [None, {"rules": []}]
    for none in nothing:
        account.post(place, {"filter": {"rules": [BILLING]}})
        assert account.post(place, {"filter": none})["filter"] is None
    assert account.post(f"{place}/reset-secret")["filter"] is None


def test_only_mails_that_meet_it_are_told(poster: Account, receiver: Receiver) -> None:
    delivered = {"field": "status", "operator": "in", "value": ["delivered", "bounced"]}
    it = narrowed(poster, receiver, BILLING, delivered)
    everything = hook(poster, receiver)
    send(poster, somebody(), meta={"app": "shop"})
    mine = send(poster, somebody(), meta={"app": "billing"})
    everything.await_types(*["email.accepted", "email.delivered"] * 2)
    (told,) = it.await_types("email.delivered")
    assert told["data"]["object"]["id"] == mine["id"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"field": "properties.plan", "operator": "equals", "value": "pro"}, "a"),
        ({"field": "properties.plan", "operator": "not_equals", "value": "pro"}, "bc"),
        ({"field": "properties.plan", "operator": "contains", "value": "r"}, "ab"),
        ({"field": "properties.plan", "operator": "not_contains", "value": "r"}, "c"),
        ({"field": "properties.plan", "operator": "starts_with", "value": "p"}, "a"),
        ({"field": "properties.plan", "operator": "ends_with", "value": "e"}, "b"),
        ({"field": "properties.seats", "operator": "greater_than", "value": 9}, "b"),
        ({"field": "properties.seats", "operator": "less_than", "value": "10"}, "a"),
        ({"field": "properties.seats", "operator": "equals", "value": 10.0}, "b"),
        ({"field": "properties.plan", "operator": "is_set"}, "ab"),
        ({"field": "properties.plan", "operator": "is_not_set"}, "c"),
        ({"field": "properties.plan", "operator": "in", "value": ["pro", "team"]}, "a"),
        ({"field": "properties.plan", "operator": "not_in", "value": ["pro", "team"]}, "bc"),
        ({"field": "properties.tags", "operator": "contains", "value": "new"}, "c"),
        ({"field": "properties.tags.1", "operator": "equals", "value": "eu"}, "c"),
    ],
)
def test_each_operator(
    reached: Account, receiver: Receiver, rule: dict[str, Any], told: str
) -> None:
    last = {"field": "properties.last", "operator": "is_set"}
    it = narrowed(reached, receiver, rule, last, match="any")
    happen(reached, "c:a", properties={"plan": "pro", "seats": 8})
    happen(reached, "c:b", properties={"plan": "free", "seats": "10"})
    happen(reached, "c:c", properties={"plan": None, "tags": ["new", "eu"]})
    happen(reached, LAST, properties={"last": True, "plan": None})
    # The last one is told in any case, and those before it come first.
    types = [f"c:{one}" for one in told]
    it.await_types(*types, LAST)


def test_what_is_changed_counts_from_then_on(reached: Account, receiver: Receiver) -> None:
    it = narrowed(reached, receiver, PRO)
    happen(reached, "c:one", properties={"plan": "free"})
    happen(reached, "c:two", properties={"plan": "pro"})
    it.await_types("c:two")
    reached.post(it.place, {"filter": None})
    happen(reached, "c:three")
    it.await_types("c:two", "c:three")


def test_gateposts_own_api_shows_it_and_has_it_too(reached: Account, receiver: Receiver) -> None:
    narrowed(reached, receiver, PRO)
    (shown,) = reached.native("GET", "/v1/endpoints").json()["data"]["endpoints"]
    assert shown["match"]["payload"] == {"rules": [PRO]}
    place = f"/v1/endpoints/{shown['id']}"
    again = reached.native("PATCH", place, {"match": shown["match"]})
    assert again.json()["data"]["match"] == shown["match"]
    wrong = {"payload": {"rules": [{"field": ".", "operator": "is_set", "value": 1}]}}
    refusal = reached.native("PATCH", place, {"match": wrong})
    assert refusal.status_code == 400
    paths = [one["path"][1:] for one in refusal.json()["details"]]
    assert paths == [["payload", "rules", 0, "field"], ["payload", "rules", 0, "value"]]
