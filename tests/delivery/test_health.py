"""Endpoints that fail: warned of, disabled after days, healed by one success; what they miss."""

import time
from typing import Any

import pytest

from tests.api.admin import Admin, instant
from tests.delivery.listeners import Listener, happen, listen
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.sending import await_state, changed
from tests.server import Server
from tests.waiting import wait_for

DAY_MS = 24 * 3600 * 1000
OK, BAD = answers(200), answers(500)


def age(server: Server, listener: Listener, column: str, days: float) -> None:
    """Let something have happened to an endpoint days ago."""
    at = int(time.time() * 1000 - days * DAY_MS)
    server.query(f"UPDATE endpoints SET {column} = ? WHERE id = ?", at, listener.raw)


def fail(listener: Listener) -> None:
    """One more failed attempt, until it has been noted."""
    query = "/v1/deliveries?state=failed&limit=100&endpoint=" + listener.id
    before = len(listener.admin.get(query)["deliveries"])
    happen(listener.admin)
    wait_for(lambda: len(listener.admin.get(query)["deliveries"]) > before, "a failure")


@pytest.fixture
def failing(admin: Admin, receiver: Receiver) -> Listener:
    """An endpoint that has failed once."""
    listener = listen(admin, receiver, BAD, retry="once")
    fail(listener)
    return listener


def test_one_success_heals(failing: Listener) -> None:
    since = failing.shown()["failingSince"]
    assert since is not None
    fail(failing)
    assert failing.shown()["failingSince"] == since
    failing.receiver.does[failing.path] = OK
    happen(failing.admin)
    wait_for(lambda: failing.shown()["failingSince"] is None, "the endpoint to be healthy")


def test_how_it_fares_is_told(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, in_turn(OK, BAD), retry={"delaysSeconds": [0, *[3600] * 9]})
    for _ in range(10):
        happen(admin)

    def left_alone() -> dict[str, Any] | None:
        (shown,) = admin.get("/v1/endpoints")["endpoints"]
        assert set(shown) == {*listener.shown(), "health"}
        health: dict[str, Any] = shown["health"]
        if health["openUntil"] and not health["oldestDueAt"]:
            happen(admin)  # those before it may all have been tried, and wait for their next time
        return health if health["openUntil"] and health["oldestDueAt"] else None

    health = wait_for(left_alone, "the endpoint to be left alone")
    assert (health["succeeded"], health["failed"]) == (1, 0)
    assert health["failuresInRow"] >= 8
    assert health["openUntil"] > health["oldestDueAt"]


def test_days_of_failure_end_it_after_a_warning(
    failing: Listener, receiver: Receiver, delivering: Server
) -> None:
    watcher = listen(failing.admin, receiver, types=["endpoint.*"])
    age(delivering, failing, "failing_since", 1.9)
    fail(failing)
    assert failing.shown()["warnedAt"] is None
    age(delivering, failing, "failing_since", 2.1)
    fail(failing)
    assert failing.shown()["warnedAt"] is not None
    assert failing.shown()["status"] == "enabled"
    warning = watcher.await_type("endpoint.warning")
    assert (warning["endpointId"], warning["status"]) == (failing.id, "enabled")
    assert warning["failingSince"] < warning["disabledFrom"]

    age(delivering, failing, "failing_since", 4.9)
    age(delivering, failing, "warned_at", 2.8)
    fail(failing)
    assert failing.shown()["status"] == "enabled"
    age(delivering, failing, "failing_since", 5.1)
    fail(failing)
    shown = failing.shown()
    assert shown["status"] == "failed"
    assert shown["disabledAt"] is not None
    ended = watcher.await_type("endpoint.disabled")
    assert (ended["endpointId"], ended["status"]) == (failing.id, "failed")
    assert [one["type"] for one in watcher.told()] == ["endpoint.warning", "endpoint.disabled"]


def test_a_warning_comes_a_day_before_the_end(failing: Listener, delivering: Server) -> None:
    age(delivering, failing, "failing_since", 30)
    fail(failing)
    fail(failing)
    assert failing.shown()["status"] == "enabled"
    assert failing.shown()["warnedAt"] is not None
    age(delivering, failing, "warned_at", 1.1)
    fail(failing)
    assert failing.shown()["status"] == "failed"


def test_failures_with_success_between_them_end_nothing(
    admin: Admin, receiver: Receiver, delivering: Server
) -> None:
    listener = listen(admin, receiver, in_turn(BAD, OK, BAD), retry="once")
    fail(listener)
    age(delivering, listener, "failing_since", 30)
    age(delivering, listener, "warned_at", 20)
    happen(admin)
    wait_for(lambda: listener.shown()["failingSince"] is None, "the endpoint to be healthy")
    assert listener.shown()["warnedAt"] is None
    fail(listener)
    assert listener.shown()["status"] == "enabled"


@pytest.mark.parametrize(
    "gone", [answers(410), answers(400, b"", "webhook-delivery: disable")], ids=["410", "header"]
)
def test_who_is_gone_is_disabled_at_once(admin: Admin, receiver: Receiver, gone: object) -> None:
    watcher = listen(admin, receiver, types=["endpoint.disabled"])
    listener = listen(admin, receiver, gone)  # type: ignore[arg-type] # of a parameter
    happen(admin)
    assert listener.await_status("gone")["disabledAt"] is not None
    assert watcher.await_type("endpoint.disabled")["status"] == "gone"
    actions = [one["action"] for one in admin.get("/v1/audit")["entries"]]
    assert "endpoint.disable" in actions


def test_what_it_misses_is_sent_once_it_is_enabled_again(admin: Admin, receiver: Receiver) -> None:
    began = instant(seconds=-5)
    listener = listen(admin, receiver, answers(410), types=["event.*"])
    happen(admin, "first")
    listener.await_status("gone")
    happen(admin, "second")
    query = f"/v1/deliveries?state=failed&endpoint={listener.id}"
    wait_for(lambda: len(admin.get(query)["deliveries"]) == 2, "what it misses to be kept")
    missed = admin.get(query)["deliveries"][0]
    assert (missed["attempts"], missed["error"]) == (0, "The endpoint is disabled")
    assert len(listener.got()) == 1

    receiver.does[listener.path] = OK
    shown = listener.done("enable")
    assert (shown["status"], shown["failingSince"], shown["disabledAt"]) == ("enabled", None, None)
    assert listener.done("recover", since=began)["replayed"] == 2
    receiver.wait(listener.path, 3)
    told = [one["type"] for one in listener.told()]
    assert sorted(told[1:]) == ["event.first", "event.second"]
    ids = [one.header("webhook-id") for one in listener.got()]
    assert len(set(ids)) == 2


def test_what_is_sent_by_hand_says_nothing(failing: Listener, delivering: Server) -> None:
    age(delivering, failing, "failing_since", 30)
    age(delivering, failing, "warned_at", 20)
    (delivery,) = failing.admin.get(f"/v1/deliveries?endpoint={failing.id}")["deliveries"]
    changed(failing.admin, delivery["id"], "replay")
    failing.receiver.wait(failing.path, 2)
    assert await_state(failing.admin, delivery["id"], "failed")["log"][-1]["manual"] is True
    await_state(failing.admin, failing.test()["deliveryId"])
    assert failing.shown()["status"] == "enabled"


def test_one_is_replayed_before_it_is_enabled(admin: Admin, receiver: Receiver) -> None:
    listener = listen(admin, receiver, answers(410))
    happen(admin)
    listener.await_status("gone")
    receiver.does[listener.path] = OK
    (delivery,) = admin.get(f"/v1/deliveries?endpoint={listener.id}")["deliveries"]
    changed(admin, delivery["id"], "replay")
    assert await_state(admin, delivery["id"], "succeeded")["status"] == 200
    assert listener.shown()["status"] == "gone"


def test_another_url_begins_anew(failing: Listener, delivering: Server) -> None:
    age(delivering, failing, "failing_since", 30)
    age(delivering, failing, "warned_at", 20)
    url, _ = failing.receiver.place(BAD)
    shown = failing.change(url=url)
    assert (shown["failingSince"], shown["warnedAt"]) == (None, None)
    fail(failing)
    assert failing.shown()["status"] == "enabled"
