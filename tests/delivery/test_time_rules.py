"""Rules that have to do with time, on the real program: seconds stand for hours."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Got, Receiver
from tests.delivery.ruling import event, rule, told
from tests.dialects.native.wire import data_of
from tests.server import Server, unique
from tests.waiting import wait_for


def bodies(receiver: Receiver, path: str, number: int) -> list[dict[str, Any]]:
    """What came for a path once there is so much of it, in the order in which it was told: on the
    way, one may overtake another.
    """
    found = sorted(receiver.wait(path, number, timeout_s=20), key=message_of)
    return [dict(json.loads(one.body)) for one in found]


def message_of(got: Got) -> str:
    """Ids of messages sort by the moment when they were told."""
    return got.header("webhook-id") or ""


def types(found: Sequence[dict[str, Any]]) -> list[str]:
    return [str(one["type"]) for one in found]


def alerts(admin: Admin, rule_id: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get(f"/v1/alerts?ruleId={rule_id}{query}")["alerts"]
    return found


def hours_around(now: datetime) -> dict[str, Any]:
    """Hours that have begun and do not end soon."""
    start, end = now - timedelta(hours=1), now + timedelta(hours=2)
    return {"from": f"{start:%H:%M}", "to": f"{end:%H:%M}", "timezone": "UTC"}


def test_a_threshold_is_told_once_per_value(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(
        admin,
        url,
        when={"type": "threshold", "count": 3, "minutes": 5, "by": "metadata.shop"},
        text={"title": "{{ alert.value }} failed {{ alert.count }} times"},
    )
    shops = ["a", "b", "a", "b", "a", "a", "a", "c", "b"]
    sent = [event(admin, title=shop, metadata={"shop": shop}) for shop in shops]
    event(admin, title="no shop")
    first, second = bodies(receiver, path, 2)
    assert types([first, second]) == ["alert.threshold"] * 2
    assert [first["data"]["title"], second["data"]["title"]] == [
        "a failed 3 times",
        "b failed 3 times",
    ]
    assert first["data"]["event"]["id"] == sent[4]
    assert told(admin, sent[5]) == []
    assert len(receiver.at(path)) == 2
    kept = alerts(admin, made["id"])
    assert [one["key"] for one in kept] == ["b", "a"]
    assert {one["status"] for one in kept} == {"open"}
    assert kept[1]["facts"] == {"count": 3, "minutes": 5, "by": "metadata.shop", "value": "a"}


def test_silence_is_told_once_and_so_is_its_end(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(
        admin, url, when={"type": "absence", "minutes": 0.02}, match={"channels": ["payments"]}
    )
    bodies(receiver, path, 1)
    event(admin, "others")
    late = rule(admin, url, when={"type": "absence", "minutes": 0.02}, name="later")
    found = bodies(receiver, path, 2)
    assert found[1]["data"]["rule"]["id"] == late["id"]
    back = event(admin, "payments", title="Paid again")
    third = next(
        one
        for one in bodies(receiver, path, 4)
        if one["type"] == "alert.recovery" and one["data"]["rule"]["id"] == made["id"]
    )
    assert third["data"]["event"]["id"] == back
    wait_for(lambda: len(alerts(admin, made["id"])) == 2, "the next silence")
    newer, older = alerts(admin, made["id"])
    assert older["status"] == "closed"
    assert older["kind"] == "absence"
    assert newer["status"] == "open"
    admin.send("DELETE", f"/v1/rules/{made['id']}")
    admin.send("DELETE", f"/v1/rules/{late['id']}")


def test_a_fall_against_the_period_before_is_told(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    when = {"type": "change", "percent": -100, "minutes": 0.03, "minimum": 3}
    made = rule(admin, url, when=when)
    ends_at = time.monotonic() + 4
    wait_for(lambda: event(admin) and time.monotonic() > ends_at, "two periods full of events")
    wait_for(lambda: alerts(admin, made["id"]), "a period without events")
    (only,) = bodies(receiver, path, 1)
    assert only["type"] == "alert.change"
    assert only["data"]["alert"]["count"] == 0
    assert only["data"]["alert"]["previous"] >= 3
    assert only["data"]["alert"]["percent"] == -100


def test_the_first_is_told_at_once_and_the_others_joined(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    made = rule(admin, url, group={"seconds": 2, "by": "userId"})
    sent = [event(admin, title=f"Try {number}", userId="ada") for number in range(4)]
    event(admin, title="Another", userId="bob")
    found = bodies(receiver, path, 3)
    assert types(found) == ["alert.event", "alert.event", "alert.summary"]
    assert found[0]["data"]["event"]["id"] == sent[0]
    assert found[1]["data"]["title"] == "Another"
    joined = found[2]["data"]["alert"]
    assert joined["count"] == 3
    assert [one["eventId"] for one in joined["items"]] == sent[1:]
    assert found[2]["data"]["body"].count("Try") == 3
    assert found[2]["data"]["title"] == f"{made['name']}: 3"


def test_quiet_hours_hold_but_not_what_is_urgent(admin: Admin, receiver: Receiver) -> None:
    quiet = hours_around(datetime.now(UTC))
    urls, paths = zip(*(receiver.place() for _ in range(3)), strict=True)
    held = rule(admin, urls[0], quiet={**quiet, "then": "hold"})
    rule(admin, urls[1], quiet={**quiet, "then": "drop"})
    rule(admin, urls[2], quiet={**quiet, "then": "hold"}, priority="high")
    first, last = event(admin, title="In the night"), event(admin, title="Again")
    assert [one["data"]["event"]["id"] for one in bodies(receiver, paths[2], 2)] == [first, last]
    admin.send("PATCH", f"/v1/rules/{held['id']}", {"quiet": None})
    (awake,) = bodies(receiver, paths[0], 1)
    assert [one["eventId"] for one in awake["data"]["alert"]["items"]] == [first, last]
    assert not receiver.at(paths[1])


def test_others_are_told_of_what_nobody_takes_notice_of(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    other, further = receiver.place()
    steps = [
        {"afterMinutes": 0.03, "to": [{"webhook": {"url": other}}]},
        {"afterMinutes": 0.05, "to": [{"webhook": {"url": other}}]},
    ]
    made = rule(admin, url, escalate=steps, match={"channels": ["left"]})
    seen = rule(admin, url, escalate=steps, match={"channels": ["seen"]})
    event(admin, "seen", title="Seen")
    wait_for(lambda: alerts(admin, seen["id"]), "the alert")
    (noticed,) = alerts(admin, seen["id"])
    done = data_of(admin.send("POST", f"/v1/alerts/{noticed['id']}/acknowledge"), 200)
    assert done["status"] == "acknowledged"
    assert done["nextStepAt"] is None
    event(admin, "left", title="Left")
    found = bodies(receiver, further, 2)
    assert [one["data"]["title"] for one in found] == ["Left", "Left"]
    assert [one["data"]["alert"]["step"] for one in found] == [1, 2]
    wait_for(lambda: alerts(admin, made["id"])[0]["step"] == 2, "the last step")
    assert alerts(admin, made["id"])[0]["nextStepAt"] is None
    assert alerts(admin, seen["id"]) == [done]
    again = data_of(admin.send("POST", f"/v1/alerts/{noticed['id']}/acknowledge"), 200)
    assert again == done
    assert done["acknowledgedBy"]


def test_alerts_are_listed_and_read_by_those_who_may(
    admin: Admin, receiver: Receiver, delivering: Server, http: httpx2.Client
) -> None:
    url, _ = receiver.place()
    when = {"type": "threshold", "count": 1, "minutes": 60, "by": "userId"}
    made = rule(admin, url, when=when)
    stranger = make_admin(delivering, http)
    for name in ("ada", "bob", "eve"):
        event(admin, userId=name)
    wait_for(lambda: len(alerts(admin, made["id"])) == 3, "three alerts")
    every = admin.all_of(f"/v1/alerts?ruleId={made['id']}", "alerts", 2)
    assert every == alerts(admin, made["id"])
    one = every[0]
    assert admin.get(f"/v1/alerts/{one['id']}") == one
    assert stranger.get("/v1/alerts")["alerts"] == []
    for method, path in (("GET", ""), ("POST", "/acknowledge")):
        assert stranger.send(method, f"/v1/alerts/{one['id']}{path}").status_code == 404
    admin.send("POST", f"/v1/alerts/{one['id']}/acknowledge")
    assert [it["id"] for it in alerts(admin, made["id"], "&status=acknowledged")] == [one["id"]]
    assert one["id"] not in {it["id"] for it in alerts(admin, made["id"], "&status=open")}
    audit = admin.get("/v1/audit?limit=5")["entries"]
    assert any(it["action"] == "alert.acknowledge" for it in audit)


def test_a_mute_tells_nothing_of_what_comes_meanwhile(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    when = {"type": "threshold", "count": 1, "minutes": 60, "by": "userId"}
    made = rule(admin, url, when=when)
    data_of(admin.send("POST", f"/v1/rules/{made['id']}/mute", {"minutes": 60}), 200)
    sent = [event(admin, userId=name) for name in ("ada", "bob")]
    assert told(admin, sent[-1]) == []
    assert alerts(admin, made["id"]) == []
    data_of(admin.send("POST", f"/v1/rules/{made['id']}/unmute"), 200)
    last = [event(admin, userId=name) for name in ("ada", "eve")]
    (only,) = bodies(receiver, path, 1)
    assert only["data"]["event"]["id"] == last[1]


@pytest.mark.timeout(120)
def test_what_is_held_outlives_the_program(
    tmp_path: Path, http: httpx2.Client, receiver: Receiver
) -> None:
    url, path = receiver.place()
    name = unique("grouped")
    with Server(tmp_path / "data", env=NEAR) as server:
        admin = make_admin(server, http)
        rule(admin, url, name=name, group={"seconds": 3})
        silent = rule(
            admin, url, when={"type": "absence", "minutes": 0.05}, match={"channels": ["never"]}
        )
        sent = [event(admin, title=f"Before {number}") for number in range(4)]
        bodies(receiver, path, 1)
        wait_for(lambda: told(admin, sent[-1]) == [], "all to be held")
        server.kill()
        server.start()
        admin = replace(admin, wire=replace(admin.wire, address=server.address))
        wait_for(lambda: len(receiver.at(path)) >= 3, "what was held, and the silence", 30)
        found = [dict(json.loads(one.body)) for one in receiver.at(path)]
        (summary,) = [one for one in found if one["type"] == "alert.summary"]
        assert [one["eventId"] for one in summary["data"]["alert"]["items"]][:3] == sent[1:]
        assert len(alerts(admin, silent["id"])) == 1


def test_a_backtest_counts_and_waits_as_the_rule_would(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(hours=10)
    for minutes in (60, 70, 80, 90, 300, 310, 320):
        at = began + timedelta(minutes=minutes)
        event(admin, "past", timestamp=at.isoformat(), title=f"After {minutes}")
    asked = {"since": began.isoformat(), "until": now.isoformat(), "silent": True}

    def tried(**more: Any) -> list[tuple[str, str]]:
        new = {"name": "Tried", "to": [{"webhook": {"url": url}}], **more}
        body = {"rule": new | {"match": {"channels": ["past"]}}, **asked}
        found = data_of(admin.send("POST", "/v1/rules/backtest", body), 200)
        assert (found["met"], found["told"]) == (7, len(found["alerts"]))
        return [(str(one["title"]), str(one["at"])[:19]) for one in found["alerts"]]

    def after(minutes: float) -> str:
        return f"{began + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}"

    assert tried(when={"type": "threshold", "count": 3, "minutes": 35}) == [
        ("Tried: 3 within 35 min", after(80)),
        ("Tried: 3 within 35 min", after(320)),
    ]
    assert tried(when={"type": "absence", "minutes": 120}) == [
        ("Tried: nothing for 120 min", after(300)),
        ("Tried: back after 210 min", after(300)),
        ("Tried: nothing for 120 min", after(440)),
    ]
    assert tried(group={"seconds": 1800}) == [
        ("After 60", after(60)),
        ("Tried: 2", after(90)),
        ("After 90", after(120)),
        ("After 300", after(300)),
        ("Tried: 2", after(330)),
    ]


def test_alerts_are_acknowledged_on_the_command_line(
    admin: Admin, receiver: Receiver, delivering: Server
) -> None:
    url, _ = receiver.place()
    made = rule(admin, url, when={"type": "threshold", "count": 1, "minutes": 60})
    event(admin)
    wait_for(lambda: alerts(admin, made["id"]), "the alert")
    (one,) = delivering.cli("alert", "list", "--account", admin.account)["alerts"]
    assert one == alerts(admin, made["id"])[0]
    noticed = delivering.cli("alert", "acknowledge", one["id"], "--account", admin.account)
    assert noticed["status"] == "acknowledged"
    left = delivering.cli("alert", "list", "--status", "open", "--account", admin.account)
    assert left == {"alerts": []}
    assert delivering.command("alert", "list", "--status", "new").returncode == 2
    assert delivering.command("alert", "acknowledge", made["id"]).returncode == 1
