"""What was counted lately, which names and tags, and groups that are not told apart."""

from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin
from tests.dialects.native.wire import an_event, data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/aggregators"
EVENTS = (
    ("signup", "plan:pro", "region:eu"),
    ("signup", "region:eu"),
    ("signup",),
    ("order", "plan:pro"),
    ("order",),
    ("login",),
)


@pytest.fixture
def counted(owner: Admin) -> str:
    """An aggregator with three sign-ups, two orders and a log-in."""
    made: str = data_of(owner.send("POST", PATH, {"name": unique("aggregator")}), 201)["id"]
    for name, *tags in EVENTS:
        query = "".join(f"&{tag}" for tag in tags)
        assert owner.wire.get(f"/api/event?_id={made}&name={name}{query}").status_code == 200
    return f"{PATH}/{made}"


def test_days_and_the_last_event(owner: Admin, counted: str) -> None:
    assert "daily" not in owner.get(counted)
    found = owner.get(f"{counted}?days=3")
    assert (found["daily"], sum(found["daily"])) == ([0, 0, 6], 6)
    assert found["lastSeen"] > "2025"
    data_of(owner.send("POST", PATH, {"name": unique("nothing")}), 201)
    listed = owner.get(f"{PATH}?days=2&limit=100")["aggregators"]
    mine = next(one for one in listed if one["id"] == counted.removeprefix(PATH + "/"))
    assert mine == found | {"daily": [0, 6]}
    assert (listed[-1]["daily"], listed[-1]["lastSeen"]) == ([0, 0], None)
    for days in ("0", "32", "x"):
        assert problems_of(owner.send("GET", f"{counted}?days={days}")) == [["days"]]


def test_names_and_tags(owner: Admin, counted: str) -> None:
    events = owner.get(f"{counted}/events")["events"]
    assert [(one["event"], one["count"]) for one in events] == [
        ("login", 1),
        ("order", 2),
        ("signup", 3),
    ]
    assert events[0]["firstSeen"] <= events[0]["lastSeen"]
    some = owner.get(f"{counted}/events?event=signup&event=nothing&event=order")
    assert (some["events"], some["nextCursor"]) == (events[1:], None)
    tags = owner.get(f"{counted}/tags")["tags"]
    assert [(one["tag"], one["count"]) for one in tags] == [("plan:pro", 2), ("region:eu", 2)]
    assert owner.get(f"{counted}/tags?tag=region:eu&tag=x")["tags"] == tags[1:]
    first = owner.get(f"{counted}/tags?limit=1")
    assert first["tags"] == tags[:1]
    following = owner.get(f"{counted}/tags?limit=1&cursor={first['nextCursor']}")
    assert (following["tags"], following["nextCursor"]) == (tags[1:], None)


def test_those_of_a_project(fresh: Admin) -> None:
    data_of(fresh.send("PATCH", f"/v1/projects/{fresh.project}", {"counting": True}), 200)
    fresh.wire.created(an_event(channelName="signups", tags=["eu"]))
    for what, text in (("events", "signups"), ("tags", "eu")):
        (one,) = data_of(fresh.wire.get(f"/v1/stats/{what}"), 200)[what]
        assert (one[what[:-1]], one["count"]) == (text, 1)


def test_the_most_frequent_and_the_others(owner: Admin, counted: str) -> None:
    query = f"{counted}/report?groupBy=event&bucket=day&top=1"
    rows: list[dict[str, Any]] = owner.get(query)["rows"]
    assert [(one.get("event"), one.get("other"), one["count"]) for one in rows] == [
        ("signup", None, 3),
        (None, True, 3),
    ]
    csv = owner.wire.get(query + "&format=csv").text.splitlines()
    assert [line.split(",")[2:] for line in csv] == [["event", "count"], ["signup", "3"], ["", "3"]]
    assert problems_of(owner.send("GET", f"{counted}/report?top=0")) == [["top"]]
    enough = owner.get(f"{counted}/report?groupBy=event&top=3")["rows"]
    assert [one["event"] for one in enough] == ["login", "order", "signup"]


def test_tags_of_names(owner: Admin, counted: str) -> None:
    found = owner.get(f"{counted}/report?groupBy=event_tag&event=signup&event=login")
    pairs = [(one["event"], one["tag"], one["count"]) for one in found["rows"]]
    assert pairs == [("signup", "plan:pro", 1), ("signup", "region:eu", 2)]
    assert found["total"] == 4
    csv = owner.wire.get(f"{counted}/report?groupBy=event_tag&format=csv").text.splitlines()
    assert csv[0] == "start,end,event,tag,count"
    assert csv[1].split(",")[2:] == ["order", "plan:pro", "1"]


def test_those_of_others_are_not_there(owner: Admin, fresh: Admin, counted: str) -> None:
    for what in ("/events", "/tags", "?days=1"):
        refusal_of(fresh.send("GET", counted + what), 404, "not_found", "Not found")
        nobody = f"{PATH}/aggregator_{NOBODY}{what}"
        refusal_of(owner.send("GET", nobody), 404, "not_found", "Not found")
