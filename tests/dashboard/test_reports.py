"""Counts: aggregators, how to send to them, and reports."""

from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlencode

import pytest

from tests import plain
from tests.dashboard import seed_counts
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Node, Page, Visitor
from tests.server import Server, Tenant, unique

Count = Callable[..., None]


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def visitor(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


@pytest.fixture
def mine(server: Server, tenant: Tenant) -> str:
    """An aggregator with three sign-ups, two orders and a page view."""
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with closing(plain.Client(base_url=server.address, headers=headers)) as client:
        made = seed_counts.make(client, "Web shop")
        seed_counts.count(client, made, seed_counts.EVENTS)
    return made


def rows(page: Page, at: int = 0) -> list[list[str]]:
    """The cells of a table's rows, as text."""
    found = page.root.one("main").all("table")[at].one("tbody").all("tr")
    return [[" ".join(cell.text.split()) for cell in cells(row)] for row in found]


def cells(row: Node) -> list[Node]:
    return [one for one in row.inside if one.tag in {"th", "td"}]


def legend(page: Page) -> list[str]:
    found = next(one for one in page.root.all("ul") if one.attributes.get("class") == "legend")
    return [" ".join(one.text.split()) for one in found.all("li")]


def test_from_nothing_to_the_first_event(server: Server, visitor: Visitor) -> None:
    assert "No aggregator yet" in visitor.open("counts").text
    name = unique("</title>\u202e shop")
    page = visitor.open(visitor.open("counts").link("New aggregator"))
    page = visitor.submit(page, "Make aggregator", name=name, timezone="Europe/Berlin")
    assert "Waiting for first event" in page.text
    page = visitor.submit(page, "Make a key for it")
    snippet = next(one.text for one in page.root.all("pre"))
    address, secret = snippet.split("'")[1], snippet.split("Bearer ")[1].split("'")[0]
    headers = {"authorization": f"Bearer {secret}"}
    answer = plain.post(address, headers=headers, json={"name": "user_signup"})
    assert answer.json() == {"status": "ok"}
    page = visitor.open(page.address)
    assert "It works" in page.text
    assert secret not in page.answer.text
    listed = visitor.open("counts")
    (row,) = rows(listed)
    assert row[0].startswith("</title>\u2039U+202E\u203a shop")
    assert (row[1], row[2], row[4]) == ("1", "1", "Counting")
    assert "<title>Counts" in listed.answer.text


def test_every_language_has_its_snippet(visitor: Visitor, mine: str) -> None:
    page = visitor.open(f"counts/{mine}/setup")
    tabs = next(one for one in page.root.all("nav") if one.attributes["aria-label"] == "Languages")
    words = [one.text for one in tabs.all("a")]
    assert words == ["curl", "JavaScript", "Python", "PHP", "Ruby", "Go", "Rust"]
    for one in words:
        text = visitor.open(page.link(one)).root.all("pre")[0].text
        assert f"/api/event?_id={mine}" in text
        assert "YOUR_KEY" in text
        assert "{{" not in text


def test_over_time(visitor: Visitor, mine: str) -> None:
    page = visitor.open(f"counts/{mine}")
    assert "Events 6" in page.text
    assert legend(page) == ["Hide user_signup 3", "Hide order_paid 2", "Hide page_view 1"]
    assert len(rows(page)) == 30
    assert rows(page)[-1][1:] == ["3", "2", "1", "6"]
    page = visitor.open(page.link("Hide user_signup"))
    assert legend(page) == ["Hide order_paid 2", "Hide page_view 1", "Show user_signup"]
    page = visitor.open(f"counts/{mine}?period=today&by=tag&against=before")
    assert "The time before 0" in page.text
    assert "An event with several tags" in page.text
    assert len(rows(visitor.open(f"counts/{mine}?period=12m&by=none"))) == 12
    by_prefix = visitor.open(f"counts/{mine}?by=prefix")
    assert [one.split()[1] for one in legend(by_prefix)] == ["plan", "region", "beta", "web"]


@pytest.mark.parametrize("period", ["30d", "90d", "12m"])
@pytest.mark.parametrize("rest", ["view=events", "view=tags", "against=before"])
def test_any_period_has_a_time_before(visitor: Visitor, mine: str, period: str, rest: str) -> None:
    page = visitor.open(f"counts/{mine}?{rest}&period={period}&timezone=Europe/Berlin")
    assert "kept" not in page.text
    assert "Before" in page.text or "The time before" in page.text


def test_filters_stay_in_the_address(visitor: Visitor, mine: str) -> None:
    page = visitor.submit(
        visitor.open(f"counts/{mine}?period=7d"), "Add filter", add="tagAny", text="plan:pro"
    )
    assert "Events 2" in page.text
    page = visitor.submit(page, "Add filter", add="tagAny", text="beta")
    assert page.address.endswith(
        "?" + urlencode([("period", "7d"), ("tagAny", "plan:pro"), ("tagAny", "beta")])
    )
    assert "Events 3" in page.text
    page = visitor.submit(page, "Add filter", add="event", text="order_paid")
    assert "Events 2" in page.text
    page = visitor.open(page.link("Tags: has any of: betaremove"))
    assert "Events 1" in page.text
    page = visitor.submit(page, "Show", bucket="hour")
    assert "Events 1" in page.text
    assert len(rows(page)) > 100


def test_tables_of_events_and_tags(visitor: Visitor, mine: str) -> None:
    found = rows(visitor.open(f"counts/{mine}?view=events"))
    assert [row[:3] + row[4:6] for row in found] == [
        ["user_signup", "3", "50.0 %", "0", "new"],
        ["order_paid", "2", "33.3 %", "0", "new"],
        ["page_view", "1", "16.7 %", "0", "new"],
    ]
    found = rows(visitor.open(f"counts/{mine}?view=tags"))
    assert [row[:2] for row in found][:2] == [["plan:pro", "2"], ["region:eu", "2"]]
    page = visitor.open(f"counts/{mine}?view=grid")
    assert rows(page)[0] == ["user_signup", "1", "1", "0", "1", "1", "0"]
    assert {one.attributes["class"] for one in page.root.all("td")} == {"h0", "h5"}


def test_what_is_shown_is_to_be_had_as_a_file(visitor: Visitor, mine: str) -> None:
    page = visitor.open(f"counts/{mine}?view=grid&event=order_paid")
    csv = visitor.ask(page.link("CSV")).text.splitlines()
    assert [line.split(",")[2:] for line in csv] == [
        ["event", "tag", "count"],
        ["order_paid", "beta", "1"],
        ["order_paid", "plan:pro", "1"],
        ["order_paid", "region:eu", "1"],
    ]
    page = visitor.open(f"counts/{mine}")
    found = visitor.ask(page.link("JSON")).json()["data"]
    assert (found["bucket"], found["total"], len(found["rows"])) == ("day", 6, 3)


def test_what_is_no_time(visitor: Visitor, mine: str) -> None:
    for query, field in (
        ("from=yesterday", "from"),
        ("from=2025-02-01&until=2025-01-01", "from"),
        ("from=9999-01-01", "from"),
        ("until=0001-01-01&from=0001-01-01&view=events", "from"),
        ("timezone=Mars", "timezone"),
    ):
        page = Page(visitor.client.get(visitor.at(f"counts/{mine}?{query}")))
        assert (page.status, [*page.errors()]) == (400, [field]), query
    page = visitor.open(f"counts/{mine}?from=2024-01-01&until=2025-12-31&bucket=hour")
    assert "too many bars" in page.text
    strange = "?view=x&period=x&bucket=x&by=x&against=&hide=x&add=x&text="
    assert "Events 6" in visitor.open(f"counts/{mine}{strange}").text
    visitor.open(f"counts/{mine}?against=nobody", 404)


def test_rename_archive_delete(visitor: Visitor, mine: str) -> None:
    page = visitor.open(f"counts/{mine}/settings")
    bad = visitor.submit(page, "Save", name="x" * 256, timezone="Mars")
    assert (bad.status, set(bad.errors())) == (400, {"name"})
    assert bad.root.one("input", name="timezone").attributes["value"] == "Mars"
    page = visitor.submit(page, "Save", name="Shop <b>")
    assert page.title == "Shop <b>"
    page = visitor.submit(visitor.open(f"counts/{mine}/settings"), "Archive")
    assert "archived" in page.text
    page = visitor.submit(page, "Take events again")
    page = visitor.submit(page, "Delete aggregator", confirm="Shop")
    assert page.errors() == {"confirm": "Must be the aggregator's name"}
    page = visitor.submit(page, "Delete aggregator", confirm="Shop <b>")
    assert "No aggregator yet" in page.text
    visitor.open(f"counts/{mine}", 404)


def test_events_of_a_project(server: Server, tenant: Tenant, visitor: Visitor) -> None:
    page = visitor.open("counts/events")
    page = visitor.submit(page, "Count events from now on")
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    event = {"channelName": "orders", "title": "x", "tags": ["eu"]}
    assert plain.post(f"{server.address}/v1/events", headers=key, json=event).status_code == 201
    page = visitor.open("counts/events")
    assert "Events 1" in page.text
    assert legend(visitor.open("counts/events?against=before")) == [
        "Hide orders 1",
        "The time before 0",
    ]
    assert rows(visitor.open("counts/events?view=tags"))[0][:2] == ["eu", "1"]


def test_a_viewer_reads_and_changes_nothing(
    tenant: Tenant, make_visitor: MakeVisitor, mine: str
) -> None:
    viewer = make_visitor(tenant.account, role="viewer")
    assert "New aggregator" not in viewer.open("counts").text
    assert "Events 6" in viewer.open(f"counts/{mine}").text
    page = viewer.open(f"counts/{mine}/settings")
    assert "Delete" not in page.text
    assert "Make a key" not in viewer.open(f"counts/{mine}/setup").text
    csrf = page.root.one("meta", name="csrf").attributes["content"]
    for where in ("archive", "delete", "settings", "setup"):
        sent = {"csrf": csrf, "confirm": "Web shop", "name": "x", "archived": "yes"}
        answer = viewer.ask(f"counts/{mine}/{where}", "POST", data=sent)
        assert answer.status_code == 403, where
