"""The feed: events as people look for them, one event, one person, the first event of all."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from gatepost.base import ids
from gatepost.domains.operators import sessions, store
from tests import plain
from tests.dashboard import seed
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant, unique
from tests.waiting import wait_for

Send = Callable[..., str]


@pytest.fixture
def owner(tenant_of: tuple[Tenant, Visitor]) -> Visitor:
    return tenant_of[1]


@pytest.fixture
def tenant_of(
    make_tenant: Callable[..., Tenant], make_visitor: MakeVisitor
) -> tuple[Tenant, Visitor]:
    tenant = make_tenant()
    return tenant, make_visitor(tenant.account)


@pytest.fixture
def send(server: Server, tenant_of: tuple[Tenant, Visitor]) -> Send:
    """Sends an event by the API; its id."""

    def send_(title: str, channel: str = "orders", **more: object) -> str:
        key = {"authorization": f"Bearer {tenant_of[0].key.secret}"}
        event = {"channelName": channel, "title": title, **more}
        answer = plain.post(f"{server.address}/v1/events", headers=key, json=event)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    return send_


def titles(page: Page) -> list[str]:
    found = [one for one in page.root.one("main").all("a") if "data-row" in one.attributes]
    return [one.text for one in found if one.text]


def buttons(page: Page) -> set[str]:
    return {one.text.strip() for one in page.root.all("button")}


def test_events_are_listed_newest_first_by_day(owner: Visitor, send: Send) -> None:
    for title, at in (("old", "2024-02-29T23:30:00Z"), ("older", "2024-02-29T10:00:00Z")):
        send(title, timestamp=at)
    send("new")
    page = owner.open("feed")
    assert titles(page) == ["new", "old", "older"]
    days = [one.text for one in page.root.one("main").all("h2")]
    assert days == ["Today", "Thursday, 29 February 2024", "Channels"]
    owner.client.cookies.set("gatepost_zone", "Asia/Tokyo")
    days = [one.text for one in owner.open("feed").root.one("main").all("h2")]
    assert days[1:3] == ["Friday, 1 March 2024", "Thursday, 29 February 2024"]


def test_filters_are_those_of_the_api(owner: Visitor, send: Send) -> None:
    send("Paid by card", tags=["eu", "card"], userId="u1", metadata={"plan": "pro", "a": {"b": 1}})
    send("Paid by transfer", channel="transfers", tags=["eu"], timestamp="2025-01-15T10:30:00Z")
    for query, expected in {
        "q=card": ["Paid by card"],
        "q=PAID": ["Paid by card", "Paid by transfer"],
        "channel=transfers": ["Paid by transfer"],
        "tag=eu&tag=card": ["Paid by card"],
        "tag=eu,+card": ["Paid by card"],
        "userId=u1": ["Paid by card"],
        "metadata.plan=pro": ["Paid by card"],
        "metadata.a.b=1": ["Paid by card"],
        "metadata.plan=free": [],
        "field=plan&value=pro": ["Paid by card"],
        "before=2025-01-16T00:00": ["Paid by transfer"],
        "since=2025-01-16T00:00&q=&tag=": ["Paid by card"],
        "since=2025-01-15T10:30&before=2025-01-15T10:31": ["Paid by transfer"],
    }.items():
        assert titles(owner.open(f"feed?{query}")) == expected, query


def test_what_is_typed_stays_in_the_form_and_in_the_zone_of_the_viewer(
    owner: Visitor, send: Send
) -> None:
    send("then", timestamp="2025-07-01T12:00:00Z")
    owner.client.cookies.set("gatepost_zone", "Europe/Berlin")
    page = owner.submit(
        owner.open("feed"), "Search", since="2025-07-01T14:00", before="2025-07-01T14:01"
    )
    assert titles(page) == ["then"]
    assert page.root.one("input", name="since").attributes["value"] == "2025-07-01T14:00"
    narrowed = owner.submit(page, "Search", q="nothing like it", tag="a, b")
    assert titles(narrowed) == []
    assert "No events like that" in narrowed.text
    assert narrowed.root.one("input", name="tag").attributes["value"] == "a, b"


def test_a_filter_that_means_nothing_is_said_beside_its_field(owner: Visitor, send: Send) -> None:
    send("something")
    page = owner.open("feed?since=yesterday", 400)
    assert "ISO 8601" in page.errors()["since"]
    assert page.root.one("input", name="since").attributes["aria-invalid"] == "true"
    assert owner.open("feed?q=%21", 400).errors() == {"q": "Must contain a word"}


def test_older_events_are_behind_a_link(owner: Visitor, send: Send) -> None:
    for number in range(52):
        send(f"number {number}")
    first = owner.open("feed?channel=orders")
    older = owner.open(first.link("Older"))
    assert len(titles(first)) == 50
    assert titles(older) == ["number 1", "number 0"]
    assert parse_qs(urlsplit(older.address).query)["channel"] == ["orders"]
    newest = owner.open(older.link("Newest"))
    assert titles(newest) == titles(first)


def test_channels_lead_to_their_events(owner: Visitor, send: Send) -> None:
    send("one", channel="first", icon="1")
    send("two", channel="second")
    page = owner.open("feed")
    assert titles(owner.open(page.link("1first"))) == ["one"]


def test_an_event_tells_all_that_is_known_of_it(owner: Visitor, send: Send) -> None:
    metadata = {
        "text": "a",
        "number": 1.5,
        "yes": True,
        "none": None,
        "list": [1],
        "deep": {"x": "y"},
    }
    id_ = send(
        "Whole", description="In\nlines", icon="🐛", tags=["t"], userId="u1", metadata=metadata
    )
    page = owner.open(f"events/{id_}")
    assert page.title == "Whole"
    rows = [[cell.text.strip() for cell in row.inside] for row in page.root.one("tbody").all("tr")]
    assert ["text", "text", "a"] in rows
    assert ["number", "number", "1.5"] in rows
    assert ["yes", "yes or no", "yes"] in rows
    assert ["none", "nothing", "null"] in rows
    assert "Stored" in page.text
    assert id_ in page.text
    assert titles(owner.open(page.link("orders"))) == ["Whole"]


def test_an_events_trace_says_why_no_rule_tells_of_it(
    server: Server, tenant_of: tuple[Tenant, Visitor], send: Send
) -> None:
    tenant, owner = tenant_of
    where = {"channels": ["orders"], "metadata": [{"path": "amount", "op": "gte", "value": 1000}]}
    hook = [{"webhook": {"url": "https://example.com/hook"}}]
    rule = {"name": "Big payments", "match": where, "to": hook}
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    made = plain.post(f"{server.address}/v1/rules", headers=key, json=rule)
    assert made.status_code == 201, made.text
    page = f"events/{send('Small', metadata={'amount': 1})}"
    wait_for(lambda: "Not tried on rules yet" not in owner.open(page).text, "the rules")
    shown = owner.open(page).text
    assert "Rule Big payments" in shown
    assert "Not met" in shown


def test_hostile_text_is_shown_and_does_nothing(
    server: Server, tenant_of: tuple[Tenant, Visitor]
) -> None:
    tenant, owner = tenant_of
    seed.fill(server, tenant)
    page = owner.open("feed?channel=hostile")
    assert any(one.startswith("</title><script>") for one in titles(page))
    assert "\u2039U+202E\u203a" in page.text
    assert "\u202e" not in page.answer.text
    assert "{{7*7}}" in page.text
    assert len(page.root.all("script")) == 1
    for address in (one for one in page.links if "/events/" in one or "/person" in one):
        shown = owner.client.get(address)
        assert shown.status_code == 200
        assert [one for one in Page(shown).root.all("script") if "src" not in one.attributes] == []
        assert Page(shown).root.all("style") == []


def test_a_person_has_a_page_an_export_and_can_be_erased(
    server: Server, tenant_of: tuple[Tenant, Visitor], send: Send
) -> None:
    tenant, owner = tenant_of
    name = unique("../ü?&#/u")
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    person = {"user_id": name, "properties": {"plan": "pro"}, "aliases": [unique("alias")]}
    assert plain.post(f"{server.address}/v1/identify", headers=key, json=person).status_code in {
        200,
        201,
    }
    id_ = send("Did something", userId=name)
    page = owner.open(owner.open(f"events/{id_}").link(name))
    assert page.title == name
    assert titles(page) == ["Did something"]
    assert "plan pro" in page.text
    file = owner.ask(page.link("Export"))
    assert file.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert json.loads(archive.read("person.json"))["person"]["userId"] == name
    done = owner.submit(page, "Erase")
    assert "was erased" in done.answer.text
    assert "was erased" not in owner.open("feed").answer.text
    assert owner.open(f"person?name={quote(name)}", 404).title == "Nothing here"
    assert owner.ask(f"person/export?name={quote(name)}").status_code == 404


def test_viewers_see_no_more_than_they_may(
    server: Server, tenant_of: tuple[Tenant, Visitor], make_visitor: MakeVisitor
) -> None:
    tenant, owner = tenant_of
    viewer = make_visitor(tenant.account, "viewer")
    empty = viewer.open("feed")
    assert "YOUR_KEY" in empty.text
    assert "Make a key" not in empty.text
    csrf = empty.root.one("meta", name="csrf").attributes["content"]
    refused = viewer.ask("feed/key", "POST", data={"csrf": csrf})
    assert refused.status_code == 403
    seed.fill(server, tenant)
    assert buttons(owner.open("person?name=ada")) >= {"Erase"}
    assert "Erase" not in buttons(viewer.open("person?name=ada"))
    refused = viewer.ask("person/erase", "POST", data={"csrf": csrf, "name": "ada"})
    assert refused.status_code == 403
    assert viewer.open("person?name=ada").title == "ada"


def test_the_first_event_is_sent_by_the_command_that_is_shown(owner: Visitor) -> None:
    empty = owner.open("feed")
    assert "Waiting for your first event" in empty.text
    page = owner.submit(empty, "Make a key for it")
    command = page.root.one("pre").text
    address, secret = re.findall(r"curl (\S+).*Bearer ([^']+)'", command, re.DOTALL)[0]
    body = re.findall(r"-d '(.*)'", command)[0]
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    assert plain.post(address, headers=headers, content=body.encode()).status_code == 201
    assert titles(owner.open("feed")) == ["My first event"]
    assert secret not in owner.open("feed").answer.text


def test_links_stay_in_the_project(
    server: Server, tenant_of: tuple[Tenant, Visitor], send: Send
) -> None:
    tenant, owner = tenant_of
    send("in the first")
    second = server.make_project(tenant.account)
    key = server.make_key(tenant.account, second)
    event = {"channelName": "c", "title": "in the second"}
    headers = {"authorization": f"Bearer {key.secret}"}
    assert plain.post(f"{server.address}/v1/events", headers=headers, json=event).status_code == 201
    assert titles(owner.open("feed")) == ["in the first"]
    page = owner.open(f"feed?project={second}")
    assert titles(page) == ["in the second"]
    leads = [one for one in page.links if f"/{owner.account}/" in one and "project=" not in one]
    assert leads == []
    event_page = next(one for one in page.links if "/events/" in one)
    assert owner.open(event_page).title == "in the second"
    assert titles(owner.submit(page, "Search", q="second")) == ["in the second"]


def test_an_account_without_projects_says_so(server: Server, make_visitor: MakeVisitor) -> None:
    page = make_visitor(server.make_account()).open("feed")
    assert "no project yet" in page.text


def frames(answer: httpx2.Response) -> Generator[str]:
    """The titles of events that come by a stream."""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))["title"]


def test_events_come_live_until_the_session_ends(
    server: Server, tenant_of: tuple[Tenant, Visitor], send: Send
) -> None:
    _, owner = tenant_of
    send("before")
    stream = owner.open("feed").root.below()
    address = next(one.attributes["data-live"] for one in stream if "data-live" in one.attributes)
    with owner.client.stream("GET", address) as answer, closing(frames(answer)) as coming:
        assert answer.headers["content-type"].startswith("text/event-stream")
        send("now")
        assert next(coming) == "now"
        sign_out(server, owner)
        assert list(coming) == []
    assert owner.ask(address).status_code == 303


def sign_out(server: Server, owner: Visitor) -> None:
    """End all sessions of the account's members."""
    account = ids.AccountId(ids.parse("account", owner.account))
    with server._inside()._local.write() as tx:
        for member in store.members(tx, account):
            sessions.end_all(tx, member.operator.id)


def test_a_page_says_the_moment_in_utc_as_well(owner: Visitor, send: Send) -> None:
    send("then", timestamp="2025-07-01T12:00:00Z")
    owner.client.cookies.set("gatepost_zone", "America/New_York")
    time = next(one for one in owner.open("feed").root.all("time") if "datetime" in one.attributes)
    assert time.text == "08:00:00"
    assert time.attributes["title"] == "2025-07-01 12:00:00.000 UTC"
    assert datetime.fromisoformat(time.attributes["datetime"]) == datetime(
        2025, 7, 1, 12, tzinfo=UTC
    )
