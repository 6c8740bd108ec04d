"""Quotas of a plan: what they count, what they do not, and who shares them."""

from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import an_event, at_once, data_of, refusal_of
from tests.server import Server, unique

LIMIT = 3


@pytest.fixture(scope="module")
def plan(roomy: Server) -> str:
    """A plan that allows three events a month."""
    name = unique("plan")
    roomy.cli("plan", "set", name, "--quota", f"events={LIMIT}:event:month")
    return name


@pytest.fixture
def spender(roomy: Server, http: httpx2.Client, plan: str) -> Admin:
    """An account on that plan."""
    return make_admin(roomy, http, plan=plan)


def quota_of(admin: Admin) -> dict[str, Any]:
    (quota,) = admin.get("/v1/keys/current")["quotas"]
    return dict(quota)


def spent(answer: httpx2.Response) -> dict[str, Any]:
    body = refusal_of(answer, 429, "quota_exceeded", "Quota exceeded")
    assert int(answer.headers["Retry-After"]) >= 1
    return dict(body["data"])


def test_a_quota_counts_events_and_then_refuses(spender: Admin) -> None:
    assert quota_of(spender)["used"] == 0
    for used in range(1, LIMIT + 1):
        spender.wire.created(an_event())
        standing = quota_of(spender)
        assert (standing["used"], standing["remaining"]) == (used, LIMIT - used)
    numbers = spent(spender.wire.create(an_event()))
    assert (numbers["quota"], numbers["limit"], numbers["used"]) == ("events", LIMIT, LIMIT)
    assert quota_of(spender)["used"] == LIMIT
    assert spender.wire.identify({"user_id": unique("user")}).status_code == 200


def test_a_batch_that_does_not_fit_is_told_what_is_left(spender: Admin) -> None:
    spender.wire.created(an_event())
    answer = spender.send("POST", "/v1/events/batch", [an_event()] * LIMIT)
    assert spent(answer)["requested"] == LIMIT
    left = f"has {LIMIT - 1} left, not {LIMIT} (1/{LIMIT})"
    assert answer.json()["message"] == f"The quota 'events' {left}"


def test_replays_and_duplicates_are_not_charged(spender: Admin) -> None:
    event, once = an_event(eventId=unique("event")), unique("once")
    first = spender.wire.create(event, once=once)
    for _ in range(3):
        assert spender.wire.create(event, once=once).content == first.content
        assert data_of(spender.wire.create(event), 200)["id"] == first.json()["data"]["id"]
    assert quota_of(spender)["used"] == 1


def test_refused_events_are_not_charged_and_free_their_key(spender: Admin) -> None:
    once = unique("once")
    assert spender.wire.create({"title": "no channel"}, once=once).status_code == 400
    assert quota_of(spender)["used"] == 0
    for _ in range(LIMIT):
        spender.wire.created(an_event())
    event = an_event()
    spent(spender.wire.create(event, once=once))
    spent(spender.wire.create(event, once=once))


def test_a_remembered_reply_comes_back_over_a_spent_quota(spender: Admin) -> None:
    event, once = an_event(), unique("once")
    first = spender.wire.create(event, once=once)
    for _ in range(LIMIT - 1):
        spender.wire.created(an_event())
    spent(spender.wire.create(an_event()))
    assert spender.wire.create(event, once=once).content == first.content


def test_a_race_cannot_overspend(spender: Admin) -> None:
    wires = [spender.wire.using(spender.make()["key"]) for _ in range(4)]
    statuses = at_once(32, lambda turn: wires[turn % 4].create(an_event()).status_code)
    assert sorted(statuses) == [201] * LIMIT + [429] * (32 - LIMIT)
    assert quota_of(spender)["used"] == LIMIT


def test_a_changed_plan_holds_at_once(roomy: Server, http: httpx2.Client) -> None:
    plan = unique("plan")
    roomy.cli("plan", "set", plan, "--quota", f"events={LIMIT}:event:month")
    spender = make_admin(roomy, http, plan=plan)
    for _ in range(LIMIT):
        spender.wire.created(an_event())
    spent(spender.wire.create(an_event()))
    roomy.cli("plan", "set", plan, "--quota", f"events={LIMIT + 1}:event:month")
    spender.wire.created(an_event())
    spent(spender.wire.create(an_event()))


def test_accounts_on_one_plan_do_not_share_it(
    roomy: Server, http: httpx2.Client, plan: str, spender: Admin
) -> None:
    other = make_admin(roomy, http, plan=plan)
    for _ in range(LIMIT):
        spender.wire.created(an_event())
    spent(spender.wire.create(an_event()))
    other.wire.created(an_event())
    assert quota_of(other)["used"] == 1
