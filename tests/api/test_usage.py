"""`/v1/usage`: what was used, as the clients' own count has it."""

import csv
import io
from typing import Any

import pytest

from tests.api.admin import Admin
from tests.dialects.native.wire import an_event, data_of, refusal_of
from tests.waiting import wait_for

TODAY = "/v1/usage?granularity=day"


def usage(admin: Admin, query: str = "") -> dict[str, Any]:
    return admin.get(f"/v1/usage?{query}")


def by(admin: Admin, *dimensions: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    query = "&".join(f"groupBy={name}" for name in dimensions)
    return {
        tuple(row["group"][name] for name in dimensions): row
        for row in usage(admin, f"{query}&limit=1000")["rows"]
    }


def send(admin: Admin, times: int, **headers: str) -> None:
    for _ in range(times):
        assert admin.send("POST", "/v1/events", an_event()).status_code == 201


def test_writes_are_there_at_once(fresh: Admin) -> None:
    send(fresh, 3)
    batch = {"events": [an_event(), an_event()]}
    data_of(fresh.send("POST", "/v1/events/batch", batch), 200)
    found = by(fresh, "endpoint", "status")
    assert found["POST /v1/events", 201]["requests"] == 3
    assert found["POST /v1/events", 201]["units"] == 3
    assert found["POST /v1/events/batch", 200]["requests"] == 1
    assert found["POST /v1/events/batch", 200]["units"] == 2


def test_reads_and_refusals_follow(fresh: Admin) -> None:
    assert fresh.wire.get("/v1/channels").status_code == 200
    assert fresh.send("POST", "/v1/events", {}).status_code == 400

    def figures() -> Any:
        found = by(fresh, "endpoint", "status")
        read, refused = ("GET /v1/channels", 200), ("POST /v1/events", 400)
        if read not in found or refused not in found:
            return None
        return found[read]["requests"], found[refused]["errors"], found[refused]["requests"]

    assert wait_for(figures, "what was read and refused") == (1, 1, 0)


def test_a_repeat_is_counted_once(fresh: Admin) -> None:
    for _ in range(3):
        fresh.send("POST", "/v1/events", an_event(title="once"), once="the same")
    totals = usage(fresh, "endpoint=POST%20/v1/events")["totals"]
    assert totals == {"requests": 1, "units": 1, "errors": 0}


def test_every_dimension(fresh: Admin) -> None:
    send(fresh, 2)
    key, project = fresh.get("/v1/keys/current")["id"], fresh.project
    assert (
        by(fresh, "method", "key", "project", "customer")["POST", key, project, None]["requests"]
        == 2
    )


def test_periods_without_usage_are_zero(fresh: Admin) -> None:
    send(fresh, 2)
    told = usage(fresh, "granularity=day&timezone=Asia/Kolkata&endpoint=POST%20/v1/events")
    rows = told["rows"]
    assert [row["start"] for row in rows] == [told["from"], *(row["end"] for row in rows[:-1])]
    assert 28 <= len(rows) <= 31
    assert sum(row["requests"] for row in rows) == told["totals"]["requests"] == 2
    assert told["from"].endswith("T18:30:00.000Z")
    assert told["adjustments"] == {"requests": 0, "units": 0}


def test_pages_make_up_the_whole(fresh: Admin) -> None:
    send(fresh, 1)
    data_of(fresh.send("POST", "/v1/projects", {"name": "another"}), 201)
    query = "groupBy=endpoint&groupBy=status&granularity=day"
    whole = usage(fresh, f"{query}&limit=1000")["rows"]
    pages, cursor = [], ""
    while True:
        page = usage(fresh, f"{query}&limit=1{cursor}")
        pages += page["rows"]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert [row["group"] for row in pages] == [row["group"] for row in whole]


def test_csv(fresh: Admin) -> None:
    send(fresh, 2)
    answer = fresh.wire.get("/v1/usage?groupBy=customer&groupBy=endpoint&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == [
        *("start", "end", "customer", "identifier", "name", "endpoint"),
        *("requests", "units", "errors"),
    ]  # fmt: skip
    (row,) = [row for row in rows if row["endpoint"] == "POST /v1/events"]
    assert (row["customer"], row["requests"], row["units"], row["errors"]) == ("", "2", "2", "0")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=2026-02-01&to=2026-01-01", 400, "validation_error"),
        ("from=2026-01-01&to=2026-03-01&granularity=hour", 422, "range_too_large"),
        ("from=2024-01-01&to=2026-01-01&granularity=day", 422, "range_too_large"),
        ("from=2001-01-01T10:15:00Z&to=2001-01-02", 400, "validation_error"),
        ("groupBy=colour", 400, "validation_error"),
        ("granularity=week", 400, "validation_error"),
        ("timezone=Mars/Olympus", 400, "validation_error"),
        ("customer=customer_" + "0" * 32, 404, "not_found"),
        ("cursor=WyJ4Il0", 400, "validation_error"),
    ],
)
def test_what_cannot_be_told_is_refused(fresh: Admin, query: str, status: int, code: str) -> None:
    title = {400: "Validation error", 404: "Not found", 422: "Range too large"}[status]
    refusal_of(fresh.wire.get(f"/v1/usage?{query}"), status, code, title)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/usage", "to=9999-12-31"),
        ("/v1/usage", "from=9999-12-01&to=9999-12-31T23:59:59Z&granularity=month"),
        ("/v1/usage/customers", "to=9999-12-31T23:59:59Z&timezone=Pacific/Kiritimati"),
        ("/v1/stats", "from=9998-12-01&to=9999-12-31&bucket=month"),
        ("/v1/stats", "from=9998-12-01&to=9999-12-31T23:59:59Z&bucket=month&timezone=Asia/Tokyo"),
    ],
)
def test_the_end_of_the_calendar_may_be_named(fresh: Admin, path: str, query: str) -> None:
    assert fresh.wire.get(f"{path}?{query}").status_code in {200, 400}


def test_another_account_sees_nothing(fresh: Admin, stranger: Admin) -> None:
    send(fresh, 2)
    assert by(stranger, "project").get((fresh.project,)) is None


def test_a_key_of_one_project_sees_that_ones_usage_alone(fresh: Admin) -> None:
    other = fresh.make_project()["id"]
    mine = fresh.using(fresh.make(projectId=fresh.project)["key"])
    theirs = fresh.using(fresh.make(projectId=other)["key"])
    send(mine, 2)
    send(theirs, 3)
    endpoint = "endpoint=POST%20/v1/events"
    assert usage(mine, endpoint)["totals"]["requests"] == 2
    assert usage(theirs, endpoint)["totals"]["requests"] == 3
    assert usage(fresh, endpoint)["totals"]["requests"] == 5
    assert [
        row["group"]["project"] for row in usage(theirs, f"{endpoint}&groupBy=project")["rows"]
    ] == [other]
