"""Aggregators and their reports over HTTP."""

from typing import Any

import httpx2
import pytest

from tests.api.admin import NOBODY, Admin, without_id
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/aggregators"


def make(owner: Admin, **body: Any) -> dict[str, Any]:
    return data_of(owner.send("POST", PATH, {"name": unique("aggregator"), **body}), 201)


def count(owner: Admin, aggregator: dict[str, Any], name: str, *tags: str) -> httpx2.Response:
    query = "".join(f"&{tag}" for tag in tags)
    return owner.wire.get(f"/api/event?_id={aggregator['id']}&name={name}{query}")


def test_a_whole_life(owner: Admin) -> None:
    made = make(owner, description="what shoppers do", timezone="Europe/Berlin")
    assert made["archived"] is False
    assert owner.get(f"{PATH}/{made['id']}") == made
    changes = {"name": unique("other"), "timezone": "Asia/Kolkata", "archived": True}
    changed = data_of(owner.send("PATCH", f"{PATH}/{made['id']}", changes), 200)
    assert changed == made | changes | {"updatedAt": changed["updatedAt"]}
    gone = data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    assert gone == {"id": made["id"], "name": changed["name"], "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        answer = owner.send(method, f"{PATH}/{made['id']}", {} if method == "PATCH" else None)
        refusal_of(answer, 404, "not_found", "Not found")
    make(owner, name=changed["name"])


def test_an_archived_one_takes_nothing_and_is_still_read(owner: Admin) -> None:
    made = make(owner)
    assert count(owner, made, "n").status_code == 200
    data_of(owner.send("PATCH", f"{PATH}/{made['id']}", {"archived": True}), 200)
    assert count(owner, made, "n").status_code == 404
    assert owner.get(f"{PATH}/{made['id']}/report")["total"] == 1
    data_of(owner.send("PATCH", f"{PATH}/{made['id']}", {"archived": False}), 200)
    assert count(owner, made, "n").status_code == 200
    assert owner.get(f"{PATH}/{made['id']}/report")["total"] == 2


def test_names_are_unique_in_an_account(owner: Admin, fresh: Admin) -> None:
    first, other = make(owner), make(owner)
    make(fresh, name=first["name"])
    existing = {"existing": {"id": first["id"], "name": first["name"]}}
    body = {"name": first["name"]}
    for answer in (
        owner.send("POST", PATH, body),
        owner.send("PATCH", f"{PATH}/{other['id']}", body),
    ):
        assert refusal_of(answer, 409, "conflict", "Conflict")["data"] == existing


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": "n", "timezone": "Mars/Olympus"}, ["timezone"]),
        ({"name": "n", "timezone": "../../etc/passwd"}, ["timezone"]),
        ({"name": "n", "zone": "UTC"}, ["zone"]),
    ],
)
def test_what_is_no_aggregator(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    assert problems_of(owner.send("POST", PATH, body)) == [path]


def test_those_of_others_are_not_there(owner: Admin, fresh: Admin) -> None:
    foreign, nowhere = make(fresh)["id"], f"aggregator_{NOBODY}"
    for method, rest in (("GET", ""), ("GET", "/report"), ("PATCH", ""), ("DELETE", "")):
        body: Any = {} if method == "PATCH" else None
        theirs = owner.send(method, f"{PATH}/{foreign}{rest}", body)
        nobodys = owner.send(method, f"{PATH}/{nowhere}{rest}", body)
        assert theirs.status_code == 404
        assert without_id(theirs) == without_id(nobodys)


def test_lists_come_in_pages_oldest_first(fresh: Admin) -> None:
    made = [make(fresh)["id"] for _ in range(5)]
    assert [one["id"] for one in fresh.all_of(PATH, "aggregators", 2)] == made


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", "aggregators:write"),
        ("GET", "", "aggregators:read"),
        ("GET", "/{id}/report", "aggregators:read"),
    ],
)
def test_each_needs_its_scope(owner: Admin, method: str, rest: str, scope: str) -> None:
    others = [name for name in ("aggregators:write", "aggregators:read") if name != scope]
    weak = owner.using(owner.make(scopes=[*others, "counts:write"])["key"])
    path = PATH + rest.format(id=make(owner)["id"])
    body = {"name": unique("a")} if method == "POST" else None
    assert weak.send(method, path, body).status_code == 403
    strong = owner.using(owner.make(scopes=[scope])["key"])
    assert strong.send(method, path, body).status_code in {200, 201}


def test_every_change_is_in_the_audit_log(owner: Admin) -> None:
    made = make(owner)
    data_of(owner.send("PATCH", f"{PATH}/{made['id']}", {"archived": True}), 200)
    data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    entries = [one for one in owner.get("/v1/audit")["entries"] if one["object"] == made["id"]]
    actions = [one["action"] for one in entries]
    assert actions == ["aggregator.delete", "aggregator.update", "aggregator.create"]


# Reports


@pytest.fixture
def counted(owner: Admin) -> dict[str, Any]:
    """Two sign-ups and an order."""
    made = make(owner)
    for name, *tags in (("signup", "region:us", "plan"), ("signup", "region:eu"), ("order",)):
        assert count(owner, made, name, *tags).status_code == 200
    return made


def rows(owner: Admin, aggregator: dict[str, Any], query: str) -> list[tuple[Any, int]]:
    found = owner.get(f"{PATH}/{aggregator['id']}/report?{query}")["rows"]
    return [(row.get("event", row.get("tag")), row["count"]) for row in found]


def test_groups(owner: Admin, counted: dict[str, Any]) -> None:
    assert rows(owner, counted, "") == [(None, 3)]
    assert rows(owner, counted, "groupBy=event") == [("order", 1), ("signup", 2)]
    by_tag = [("plan", 1), ("region:eu", 1), ("region:us", 1)]
    assert rows(owner, counted, "groupBy=tag") == by_tag
    assert rows(owner, counted, "groupBy=prefix") == [("plan", 1), ("region", 2)]


def test_filters(owner: Admin, counted: dict[str, Any]) -> None:
    assert rows(owner, counted, "event=order") == [(None, 1)]
    assert rows(owner, counted, "event=order&event=signup") == [(None, 3)]
    assert rows(owner, counted, "event=nothing") == [(None, 0)]
    assert rows(owner, counted, "tagAll=plan&tagAll=region:us") == [(None, 1)]
    assert rows(owner, counted, "tagAny=region:eu&tagAny=plan") == [(None, 2)]
    assert rows(owner, counted, "tagNone=plan") == [(None, 2)]
    assert rows(owner, counted, "groupBy=event&tagNone=plan") == [("order", 1), ("signup", 1)]


def test_periods_are_those_of_the_zone(owner: Admin, counted: dict[str, Any]) -> None:
    query = "from=2026-10-24T22:00:00Z&to=2026-10-26T23:00:00Z&bucket=day&timezone=Europe/Berlin"
    found = owner.get(f"{PATH}/{counted['id']}/report?{query}")
    assert found["timezone"] == "Europe/Berlin"
    assert [row["start"] for row in found["rows"]] == [
        "2026-10-24T22:00:00.000Z",
        "2026-10-25T23:00:00.000Z",
    ]
    assert found["rows"][-1]["end"] == "2026-10-26T23:00:00.000Z"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("bucket=fortnight", "bucket"),
        ("groupBy=colour", "groupBy"),
        ("timezone=Mars/Olympus", "timezone"),
        ("colour=red", "colour"),
        ("bucket=hour&from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
    ],
)
def test_what_is_no_report(owner: Admin, query: str, name: str) -> None:
    answer = owner.wire.get(f"{PATH}/{make(owner)['id']}/report?{query}")
    assert problems_of(answer)[0] == [name]


# Projects that count their events


def test_a_project_may_count_its_events(fresh: Admin) -> None:
    project = fresh.make_project(counting=True)
    assert project["counting"] is True
    wire = fresh.wire.using(fresh.make(projectId=project["id"])["key"])
    for tags in (["a", "b"], ["a"], []):
        data_of(wire.create({"channelName": "Orders", "title": "t", "tags": tags}), 201)
    other = {"channelName": "Other", "title": "t", "timestamp": "2020-02-01T12:00:00Z"}
    data_of(wire.create(other), 201)

    def rows(query: str) -> list[tuple[Any, int]]:
        found = data_of(wire.get(f"/v1/stats?{query}"), 200)["rows"]
        return [(row.get("event", row.get("tag")), row["count"]) for row in found]

    assert rows("groupBy=event") == [("orders", 3)]
    assert rows("groupBy=tag") == [("a", 2), ("b", 1)]
    long_ago = "from=2020-01-01T00:00:00Z&to=2020-04-01T00:00:00Z&bucket=month"
    assert rows(long_ago) == [(None, 0), (None, 1), (None, 0)]
    batch = {"events": [{"channelName": "Orders", "title": "t", "eventId": "one"}] * 2}
    assert wire.post("/v1/events/batch", batch).status_code == 200
    assert rows("groupBy=event") == [("orders", 4)]


def test_a_project_counts_only_if_it_is_told_to(fresh: Admin) -> None:
    wire = fresh.wire
    data_of(wire.create({"channelName": "c", "title": "t"}), 201)
    assert data_of(wire.get("/v1/stats"), 200)["total"] == 0
    data_of(fresh.send("PATCH", f"/v1/projects/{fresh.project}", {"counting": True}), 200)
    data_of(wire.create({"channelName": "c", "title": "t"}), 201)
    assert data_of(wire.get("/v1/stats"), 200)["total"] == 1


def test_stats_tell_of_aggregators_too(fresh: Admin) -> None:
    made = make(fresh)
    assert count(fresh, made, "signup").status_code == 200
    found = fresh.get(f"/v1/stats?aggregator={made['id']}&groupBy=event")
    assert [(row["event"], row["count"]) for row in found["rows"]] == [("signup", 1)]
    foreign = fresh.wire.get(f"/v1/stats?aggregator=aggregator_{NOBODY}")
    refusal_of(foreign, 404, "not_found", "Not found")
