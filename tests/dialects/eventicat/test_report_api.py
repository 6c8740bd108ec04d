"""Reports, names and tags, as JSON and as CSV, and the same CSV on Gatepost's own wire."""

import csv
import io
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.dialects.eventicat.manager import Manager, data_of, sentence_of
from tests.dialects.eventicat.wire import Sender

DAY = "from=2023-03-26T00:00:00Z&to=2023-03-27T00:00:00Z"


@pytest.fixture
def manager(sender: Sender) -> Manager:
    """An aggregator with events of two days."""
    made = Manager(sender)
    made.count_at("2023-03-25T23:45:00Z", "before", "region:eu")
    made.count_at("2023-03-26T00:00:00Z", "signup", "region:eu", "beta")
    made.count_at("2023-03-26T12:15:00Z", "signup", "region:us")
    made.count_at("2023-03-26T23:45:00Z", "login")
    made.count_at("2023-03-27T00:00:00Z", "after", "region:eu")
    return made


def rows_of(report: Any, group: str) -> dict[str, int]:
    return {row[group]: row["count"] for row in report["rows"]}


def natively(manager: Manager, query: str, **headers: str) -> httpx2.Response:
    path = f"/v1/aggregators/{manager.sender.aggregator}/report?{query}"
    return manager.send("GET", path, **headers)


def test_a_range_begins_with_from_and_ends_before_to(manager: Manager) -> None:
    assert manager.report(DAY) == {
        "from": "2023-03-26T00:00:00.000Z",
        "to": "2023-03-27T00:00:00.000Z",
        "bucket": "none",
        "timezone": "UTC",
        "total": 3,
        "rows": [
            {
                "start": "2023-03-26T00:00:00.000Z",
                "end": "2023-03-27T00:00:00.000Z",
                "count": 3,
            }
        ],
    }


def test_periods_without_events_are_there_and_follow_the_zone(manager: Manager) -> None:
    in_hours = manager.report(f"{DAY}&bucket=hour")
    assert [row["count"] for row in in_hours["rows"]] == [1, *[0] * 11, 1, *[0] * 10, 1]
    days = manager.report(
        "from=2023-03-24T23:00:00Z&to=2023-03-27T22:00:00Z&bucket=day&timezone=Europe/Berlin"
    )
    assert days["timezone"] == "Europe/Berlin"
    # The clocks were put forward on the second of these days.
    assert [(row["start"], row["count"]) for row in days["rows"]] == [
        ("2023-03-24T23:00:00.000Z", 0),
        ("2023-03-25T23:00:00.000Z", 3),
        ("2023-03-26T22:00:00.000Z", 2),
    ]


def test_an_aggregators_own_zone_is_meant_unless_another_is_named(manager: Manager) -> None:
    data_of(manager.send("PATCH", manager.place, {"timezone": "Asia/Kolkata"}))
    assert manager.report(DAY)["timezone"] == "Asia/Kolkata"
    assert manager.report(f"{DAY}&timezone=UTC")["timezone"] == "UTC"


def test_groups(manager: Manager) -> None:
    by_event = manager.report(f"{DAY}&group_by=event")
    assert rows_of(by_event, "event") == {"signup": 2, "login": 1}
    by_tag = manager.report(f"{DAY}&group_by=tag")
    assert rows_of(by_tag, "tag") == {"region:eu": 1, "region:us": 1, "beta": 1}
    by_prefix = manager.report(f"{DAY}&group_by=prefix")
    assert rows_of(by_prefix, "tag") == {"region": 2, "beta": 1}
    assert {by_event["total"], by_tag["total"], by_prefix["total"]} == {3}


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("event=signup", 2),
        ("event=signup&event=login", 3),
        ("tag_all=region:eu&tag_all=beta", 1),
        ("tag_all=region:us&tag_all=beta", 0),
        ("tag_any=region:us&tag_any=beta", 2),
        ("tag_none=beta", 2),
        ("event=signup&tag_none=beta", 1),
    ],
)
def test_filters(manager: Manager, query: str, total: int) -> None:
    assert manager.report(f"{DAY}&{query}")["total"] == total


def test_the_time_before_is_as_long_and_filtered_alike(manager: Manager) -> None:
    shown = manager.report(f"{DAY}&bucket=hour&group_by=event&compare=previous")
    assert (shown["total"], shown["previous_total"]) == (3, 1)
    shown = manager.report(f"{DAY}&compare=previous&event=signup")
    assert (shown["total"], shown["previous_total"]) == (2, 0)
    # As much time before begins with a quarter of an hour that has an event, or just after.
    for end, before in (("00:15:00Z", 4), ("00:14:59.999Z", 3)):
        shown = manager.report(f"from=2023-03-27T00:00:00Z&to=2023-03-28T{end}&compare=previous")
        assert (shown["total"], shown["previous_total"]) == (1, before)
    assert "previous_total" not in manager.report(DAY)


def test_gateposts_own_report_compares_too(manager: Manager) -> None:
    data = natively(manager, f"{DAY}&compare=previous").json()["data"]
    assert (data["total"], data["previousTotal"]) == (3, 1)
    assert "previousTotal" not in natively(manager, DAY).json()["data"]


# CSV


def test_csv_is_the_rows(manager: Manager) -> None:
    answer = manager.send("GET", f"{manager.place}/report?{DAY}&group_by=event&format=csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    file = f'attachment; filename="{manager.sender.aggregator}.csv"'
    assert answer.headers["content-disposition"] == file
    assert answer.content == (
        b"start,end,event,count\r\n"
        b"2023-03-26T00:00:00.000Z,2023-03-27T00:00:00.000Z,login,1\r\n"
        b"2023-03-26T00:00:00.000Z,2023-03-27T00:00:00.000Z,signup,2\r\n"
    )


@pytest.mark.parametrize(
    ("group_by", "columns"),
    [
        ("none", ["start", "end", "count"]),
        ("event", ["start", "end", "event", "count"]),
        ("tag", ["start", "end", "tag", "count"]),
        ("prefix", ["start", "end", "tag", "count"]),
    ],
)
def test_csv_says_what_json_says_on_both_wires(
    manager: Manager, group_by: str, columns: list[str]
) -> None:
    query = f"{DAY}&bucket=hour&group_by={group_by}"
    answer = manager.send("GET", f"{manager.place}/report?{query}&format=csv")
    read = csv.DictReader(io.StringIO(answer.text, newline=""))
    rows = [row | {"count": int(row["count"])} for row in read]
    assert read.fieldnames == columns
    assert rows == manager.report(query)["rows"]
    native = natively(manager, f"{query.replace('group_by', 'groupBy')}&format=csv")
    assert native.headers["content-type"] == "text/csv; charset=utf-8"
    assert native.content == answer.content


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("text/csv", "", "text/csv; charset=utf-8"),
        ("application/json;q=0.5, TEXT/CSV;q=0.9", "", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, application/json", "", "application/json"),
        ("text/csv;q=0", "", "application/json"),
        ("text/csv;q=nonsense", "", "application/json"),
        ("*/*", "", "application/json"),
        ("text/csv", "&format=json", "application/json"),
        ("application/json", "&format=csv", "text/csv; charset=utf-8"),
    ],
)
def test_csv_may_be_asked_for_by_a_header(
    manager: Manager, accept: str, query: str, kind: str
) -> None:
    here = manager.send("GET", f"{manager.place}/report?{DAY}{query}", Accept=accept)
    assert here.headers["content-type"] == kind
    assert natively(manager, DAY + query, Accept=accept).headers["content-type"] == kind


def test_no_text_is_a_formula_and_none_breaks_a_row(sender: Sender) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'say "hi", then\r\nleave', "plain", "ü🦄", "'"]
    manager = Manager(sender)
    for name in names:
        assert sender.get(f"&name={quote(name)}").status_code == 200
    answer = manager.send("GET", f"{manager.place}/report?group_by=event&format=csv")
    read = csv.DictReader(io.StringIO(answer.content.decode(), newline=""))
    guarded = {f"'{name}" if name[0] in "=+-@\t" else name for name in names}
    assert {row["event"] for row in read} == guarded
    assert set(rows_of(manager.report("group_by=event"), "event")) == set(names)


def test_csv_has_no_room_for_a_comparison(manager: Manager) -> None:
    refused = manager.send("GET", f"{manager.place}/report?format=csv&compare=previous")
    assert sentence_of(refused, 400).startswith("compare: ")
    assert natively(manager, "format=csv&compare=previous").status_code == 400


# What there is


def test_names_with_their_counts_and_times(manager: Manager) -> None:
    found = manager.get(f"{manager.place}/events")
    assert list(found) == ["events", "next_cursor"]
    assert found["next_cursor"] is None
    assert [one["event"] for one in found["events"]] == ["after", "before", "login", "signup"]
    assert found["events"][-1] == {
        "event": "signup",
        "count": 2,
        "first_seen": "2023-03-26T00:00:00.000Z",
        "last_seen": "2023-03-26T12:15:00.000Z",
    }


def test_tags_with_their_counts_and_times(manager: Manager) -> None:
    found = manager.get(f"{manager.place}/tags")
    assert list(found) == ["tags", "next_cursor"]
    assert [one["tag"] for one in found["tags"]] == ["beta", "region:eu", "region:us"]
    assert found["tags"][1] == {
        "tag": "region:eu",
        "count": 3,
        "first_seen": "2023-03-25T23:45:00.000Z",
        "last_seen": "2023-03-27T00:00:00.000Z",
    }


@pytest.mark.parametrize(("list_", "member"), [("events", "event"), ("tags", "tag")])
def test_names_and_tags_come_in_pages(sender: Sender, list_: str, member: str) -> None:
    manager = Manager(sender)
    texts = [f"text{number:02}" for number in range(5)] + ["x" * 2000]
    for text in reversed(texts):
        assert sender.get(f"&name={text}&{text}").status_code == 200
    found: list[dict[str, Any]] = []
    rest: str | None = ""
    while rest is not None:
        page = manager.get(f"{manager.place}/{list_}?limit=2{rest}")
        assert len(page[list_]) <= 2
        found += page[list_]
        rest = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert [one[member] for one in found] == texts
    assert {one["count"] for one in found} == {1}


def test_an_empty_aggregator(sender: Sender) -> None:
    manager = Manager(sender)
    assert manager.get(f"{manager.place}/events") == {"events": [], "next_cursor": None}
    assert manager.get(f"{manager.place}/tags") == {"tags": [], "next_cursor": None}
    assert manager.report(DAY)["total"] == 0


# What is refused


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("from=yesterday", "from"),
        ("to=2023-13-01", "to"),
        ("from=2023-03-27T00:00:00Z&to=2023-03-27T00:00:00Z", "from"),
        ("bucket=fortnight", "bucket"),
        ("group_by=colour", "group_by"),
        ("timezone=Middle/Earth", "timezone"),
        ("format=xml", "format"),
        ("compare=next", "compare"),
        ("groupBy=event", "groupBy"),
        ("bucket=day&bucket=hour", "bucket"),
        ("event=a%00b", "event"),
        ("from=2000-01-01T00:00:00Z&bucket=hour", "from"),
    ],
)
def test_a_query_that_asks_for_nothing_there_is(manager: Manager, query: str, member: str) -> None:
    refused = manager.send("GET", f"{manager.place}/report?{query}")
    assert sentence_of(refused, 400).startswith(f"{member}: ")
