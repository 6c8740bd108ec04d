"""Usage as it is told, against what was asked for."""

import csv
import io
from typing import Any

import httpx2
import pytest

from tests.dialects.emmi.wire import ECHO, Account, an_entity, data_of, faults, refused
from tests.waiting import wait_for

ROUTE = f"POST /latest/api/v1{ECHO}"


@pytest.fixture
def busy(account: Account) -> Account:
    """An account with a customer of three requests and one of one."""
    for name, sizes in (("desk-a", (1, 2, 3)), ("desk-b", (4,))):
        made = account.register(name, name=f"={name}")["customer_id"]
        for size in sizes:
            data_of(account.ask(made, [an_entity()] * size))
    return account


def ids_of(account: Account) -> dict[str, str]:
    return {one["identifier"]: one["id"] for one in account.get("/customers")["data"]}


def figures(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["requests"], row["units"], row["errors"]


def by(account: Account, name: str, path: str = "/usage") -> dict[Any, tuple[int, int, int]]:
    rows = account.get(f"{path}?group_by={name}")["data"]
    return {row["group"][name]: figures(row) for row in rows}


def test_the_whole(busy: Account) -> None:
    told = busy.get("/usage")
    assert list(told) == [
        *("from", "to", "timezone", "granularity", "group_by", "totals", "adjustments"),
        *("data", "next_cursor", "data_as_of"),
    ]  # fmt: skip
    assert figures(told["totals"]) == (4, 10, 0)
    assert told["adjustments"] == {"requests": 0, "units": 0}
    assert (told["timezone"], told["granularity"], told["group_by"]) == ("UTC", "total", [])
    (row,) = told["data"]
    assert (row["start"], row["end"], row["group"]) == (told["from"], told["to"], {})
    assert figures(row) == (4, 10, 0)


def test_groups(busy: Account) -> None:
    one, other = (ids_of(busy)[name] for name in ("desk-a", "desk-b"))
    assert by(busy, "customer") == {one: (3, 6, 0), other: (1, 4, 0)}
    assert by(busy, "endpoint") == {ROUTE: (4, 10, 0)}
    assert by(busy, "method") == {"POST": (4, 10, 0)}
    assert by(busy, "status") == {200: (4, 10, 0)}
    assert by(busy, "api_key") == {busy.key.id: (4, 10, 0)}
    told = busy.get("/usage?group_by=customer,status")
    assert told["group_by"] == ["customer", "status"]
    first = next(row for row in told["data"] if row["group"]["customer"] == one)
    assert first["group"] == {
        "customer": one,
        "identifier": "desk-a",
        "name": "=desk-a",
        "status": 200,
    }


def test_of_one_customer(busy: Account) -> None:
    one = ids_of(busy)["desk-a"]
    assert figures(busy.get(f"/customers/{one}/usage")["totals"]) == (3, 6, 0)
    assert by(busy, "endpoint", f"/customers/{one}/usage") == {ROUTE: (3, 6, 0)}
    assert figures(busy.get(f"/usage?customer_id={one}")["totals"]) == (3, 6, 0)
    none = busy.get(f"/usage?customer_id={one}&endpoint=GET%20/nowhere")
    assert figures(none["totals"]) == (0, 0, 0)


def test_the_ranking_comes_in_pages(busy: Account) -> None:
    found = []
    query = "?limit=1"
    for more in (True, False):
        page = busy.get(f"/usage/customers{query}")
        assert figures(page["totals"]) == (4, 10, 0)
        (row,) = page["data"]
        found.append((row["group"]["identifier"], figures(row)))
        assert (page["next_cursor"] is not None) is more
        query = f"?limit=1&cursor={page['next_cursor']}"
    assert found == [("desk-a", (3, 6, 0)), ("desk-b", (1, 4, 0))]


def test_what_it_used_is_told_after_its_end(busy: Account) -> None:
    one = ids_of(busy)["desk-a"]
    assert busy.send("DELETE", f"/customers/{one}").status_code == 204
    assert busy.used(one) == (3, 6, 0)
    assert by(busy, "customer")[one] == (3, 6, 0)
    assert len(busy.get(f"/customers/{one}/usage/requests")["data"]) == 3


def test_only_what_is_done_for_a_customer_is_usage(busy: Account) -> None:
    """Managing, reading, and what no customer could be found for."""
    refused(busy.ask(None), 400, "missing_customer_id")
    refused(busy.ask("desk-a"), 400, "invalid_customer_id")
    one = ids_of(busy)["desk-b"]
    refused(busy.ask(one, b"{"), 400, "invalid_json")
    wait_for(lambda: busy.used(one)[2], "the refusal that has a customer")
    assert by(busy, "endpoint") == {ROUTE: (4, 10, 1)}
    assert by(busy, "status") == {200: (4, 10, 0), 400: (0, 0, 1)}


def test_single_requests(busy: Account) -> None:
    one = ids_of(busy)["desk-a"]
    page = busy.get(f"/customers/{one}/usage/requests?limit=2")
    assert [row["units"] for row in page["data"]] == [3, 2]
    rest = busy.get(f"/customers/{one}/usage/requests?cursor={page['next_cursor']}")
    assert [row["units"] for row in rest["data"]] == [1]
    assert (page["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    row = page["data"][0]
    assert list(row) == [
        *("received_at", "method", "endpoint", "status", "units", "api_key"),
        *("response_bytes", "duration_ms", "request_id"),
    ]  # fmt: skip
    assert (row["method"], row["endpoint"], row["status"]) == ("POST", ROUTE, 200)
    assert row["api_key"] == busy.key.id
    assert row["response_bytes"] > 100
    assert row["duration_ms"] >= 0


def test_a_request_is_found_by_its_id(busy: Account) -> None:
    one = ids_of(busy)["desk-a"]
    answer = busy.ask(one)
    latest = busy.get(f"/customers/{one}/usage/requests?limit=1")["data"][0]
    assert latest["request_id"] == answer.headers["x-request-id"] == answer.json()["request_id"]


def test_periods(busy: Account) -> None:
    told = busy.get("/usage?granularity=day&timezone=Asia/Kolkata")
    rows = told["data"]
    assert [row["start"] for row in rows] == [told["from"], *(row["end"] for row in rows[:-1])]
    assert told["from"].endswith("T18:30:00.000Z")
    assert 28 <= len(rows) <= 31
    assert sum(row["units"] for row in rows) == 10
    grouped = busy.get("/usage?granularity=day&group_by=method")["data"]
    assert len(grouped) == 1
    before = busy.get("/usage?from=2020-01-01&to=2020-02-01")
    assert (before["from"], before["to"]) == (
        "2020-01-01T00:00:00.000Z",
        "2020-02-01T00:00:00.000Z",
    )
    assert figures(before["totals"]) == (0, 0, 0)


def test_csv(busy: Account) -> None:
    query = "/usage?group_by=customer,api_key"
    for answer in (
        busy.send("GET", f"{query}&format=csv"),
        busy.send("GET", query, Accept="text/csv"),
    ):
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert list(rows[0]) == [
            *("start", "end", "customer_id", "identifier", "name", "api_key"),
            *("requests", "units", "errors"),
        ]  # fmt: skip
        row = next(row for row in rows if row["identifier"] == "desk-a")
        assert row["customer_id"] == ids_of(busy)["desk-a"]
        assert row["name"] == "'=desk-a"
        assert (row["requests"], row["units"], row["errors"]) == ("3", "6", "0")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("from=2026-01-01&to=2026-01-01", "from"),
        ("from=yesterday", "from"),
        ("group_by=colour", "group_by"),
        ("group_by=customer,colour", "group_by"),
        ("granularity=week", "granularity"),
        ("timezone=Middle/Earth", "timezone"),
        ("format=xml", "format"),
        ("colour=red", "colour"),
    ],
)
def test_what_is_no_report(account: Account, query: str, field: str) -> None:
    made = account.register()["id"]
    for path in ("/usage", f"/customers/{made}/usage"):
        assert faults(account.send("GET", f"{path}?{query}")) == [field]


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-01-01&to=2026-03-01&granularity=hour",
        "from=2024-01-01&to=2026-01-01&granularity=day",
    ],
)
def test_a_range_that_is_too_large(account: Account, query: str) -> None:
    for path in ("/usage", "/usage/customers"):
        refused(account.send("GET", f"{path}?{query}"), 422, "range_too_large")


def test_a_cursor_of_nothing(account: Account) -> None:
    refused(account.send("GET", "/usage?cursor=eA"), 400, "invalid_cursor")
    refused(account.send("GET", "/usage/customers?cursor=!"), 400, "invalid_cursor")


def test_a_stranger_sees_none_of_it(busy: Account, stranger: Account) -> None:
    assert figures(stranger.get("/usage")["totals"]) == (0, 0, 0)
    assert stranger.get("/usage/customers")["data"] == []


def test_the_same_natively(busy: Account, http: httpx2.Client) -> None:
    """One account, one usage: only the words differ."""
    url = f"{busy.server.address}/v1/usage?groupBy=customer"
    bearer = {"Authorization": f"Bearer {busy.key.secret}"}
    rows = http.get(url, headers=bearer).json()["data"]["rows"]
    found = {row["group"]["customer"]: figures(row) for row in rows if row["group"]["customer"]}
    assert found == {
        f"customer_{one.replace('-', '')}": told for one, told in by(busy, "customer").items()
    }
