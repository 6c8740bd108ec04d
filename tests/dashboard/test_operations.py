"""The first page, the audit log, and how it all runs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import backends, plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant, unique
from tests.waiting import wait_for

HOSTILE = "<img src=x onerror=alert(1)>"
OWN = ("operations", "operations/health", "operations/settings")
Ask = Callable[..., Any]


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def ask(server: Server, tenant: Tenant) -> Iterator[Ask]:
    """Asks the API with the tenant's key."""
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with plain.Client(base_url=server.address, headers=headers, timeout=30) as client:
        yield lambda method, path, body=None: client.request(method, path, json=body)


@pytest.fixture
def owner(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


@pytest.fixture
def superuser(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account, superuser=True)


def tiles(page: Page) -> dict[str, str]:
    """The numbers at the top of the first page, by their names."""
    found = page.root.one("section", aria_label="Today").all("li")
    return {
        one.one("a").text: next(
            each.text for each in one.all("span") if "value" in each.attributes["class"]
        )
        for one in found
    }


# The first page


def test_the_first_page_tells_of_today_and_what_to_do_first(owner: Visitor, ask: Ask) -> None:
    page = owner.open("")
    assert page.address.endswith("/overview")
    assert tiles(page)["Events today"] == "0"
    assert "Nothing has happened yet" in page.text
    assert "The first minutes" in page.text
    assert page.link("Send a first event").endswith("/feed")
    for _ in range(3):
        assert ask("POST", "/v1/events", {"channelName": "a", "title": HOSTILE}).status_code == 201
    assert ask("POST", "/v1/events", {"title": "no channel"}).status_code == 400

    def counted() -> Page | None:
        now = owner.open("overview")
        return now if tiles(now)["Requests today"] == "4" else None

    page = wait_for(counted, "requests that are metered")
    assert tiles(page) == {
        "Events today": "3",
        "Alerts today": "0",
        "Failed deliveries today": "0",
        "Requests today": "4",
    }
    assert (HOSTILE in page.text, "<img" in page.answer.text) == (True, False)
    assert "1 of them failed" in page.text
    done = [one.text for one in page.root.all("li", class_="done")]
    assert any("Send a first event" in one for one in done)
    hidden = owner.submit(page, "Hide this")
    assert "The first minutes" not in hidden.text


def test_what_needs_somebody_is_on_the_first_page(owner: Visitor, ask: Ask) -> None:
    assert "No alert is open, and no delivery failed today." in owner.open("overview").text
    address = f"{unique('gone')}@example.com"
    assert ask("POST", "/v1/suppressions", {"email": address}).status_code == 201
    mail = {"to": [address], "subject": "Hello", "text": HOSTILE}
    assert ask("POST", "/v1/messages", {"email": mail}).status_code == 202

    def failed() -> Page | None:
        now = owner.open("overview")
        return now if tiles(now)["Failed deliveries today"] == "1" else None

    page = wait_for(failed, "a delivery that fails")
    assert "Suppressed" in page.text
    link = page.link("message.email")
    assert "Suppressed" in owner.open(link).text


# The audit log


def test_the_audit_log_tells_what_was_different(owner: Visitor) -> None:
    name = unique("key")
    made = owner.submit(owner.open("keys/new"), "Make the key", name=name, scopes=["events"])
    assert made.status == 200, made.answer.text
    page = owner.open("audit")
    assert "Key create" in page.text
    assert name in page.text
    assert owner.open(f"audit?action=key.&actor={unique('nobody')}").title == "Audit log"
    assert "No line matches" in owner.open("audit?action=project.delete").text
    sheet = owner.ask("audit/export?action=key.create")
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert name in {one["objectName"] for one in rows}
    wrong = owner.open("audit?since=never", 400)
    assert "since" in wrong.errors()


def test_requests_are_seen_as_they_were_answered(owner: Visitor, tenant: Tenant, ask: Ask) -> None:
    assert "No request lately" in owner.open("operations").text
    assert ask("GET", "/v1/keys/nothing").status_code == 404
    assert ask("POST", "/v1/events", {"channelName": "a", "title": "x"}).status_code == 201
    page = owner.open("operations")
    assert "GET /v1/keys/{id}" in page.text
    refused = owner.open("operations?outcome=refused")
    assert ("GET /v1/keys/{id}" in refused.text, "POST /v1/events" in refused.text) == (True, False)
    one = owner.open("operations?route=v1/events")
    assert ("GET /v1/keys/{id}" in one.text, "POST /v1/events" in one.text) == (False, True)
    assert "None of the last ones matches" in owner.open("operations?route=nowhere").text
    assert "keyId" in owner.open("operations?keyId=nobody", 400).answer.text
    assert "201" in page.text
    assert tenant.key.secret not in page.answer.text


# How it runs


def test_only_superusers_see_the_installation(
    owner: Visitor, superuser: Visitor, make_visitor: MakeVisitor, tenant: Tenant
) -> None:
    viewer = make_visitor(tenant.account, "viewer")
    for visitor in (owner, viewer):
        assert "Health" not in {one.text for one in visitor.open("operations").root.all("a")}
        for where in OWN[1:]:
            assert visitor.ask(where).status_code == 404
        for path in ("operations", "operations/settings"):
            told = visitor.ask(f"api/v1/{path}")
            assert (told.status_code, told.json()["code"]) == (403, "forbidden")
    page = superuser.open("operations/health")
    assert "Oldest delivery that is due, high priority" in page.text
    assert "Serves and works" in page.text
    told = superuser.ask("api/v1/operations").json()["data"]
    names = {one["name"] for one in told["objectives"]}
    assert {"oldest_due_low", "commit_p99", "search_lag", "disk_free"} <= names
    assert told["processes"][0]["role"] == "all"
    assert told["commits"]["count"] > 0


def test_health_tells_what_it_knows_of_backups(server: Server, superuser: Visitor) -> None:
    page = superuser.open("operations/health")
    if not backends.on_sqlite():
        assert "base backups or pg_dump" in page.text
        return
    assert "there has been none yet" in page.text
    assert "pepper.key" in page.text
    copy = server.data / "before-upgrade-from-0001.db"
    copy.touch()
    os.utime(copy, (0, 1_000_000_000))
    page = superuser.open("operations/health")
    told = superuser.ask("api/v1/operations").json()["data"]["disk"]
    copy.unlink()
    assert "the last such copy is of 9 Sep 2001" in page.text
    assert told["copiedAt"] == "2001-09-09T01:46:40.000Z"


def test_no_key_may_ask_how_the_installation_fares(ask: Ask) -> None:
    for path in ("operations", "operations/settings"):
        assert ask("GET", f"/v1/{path}").status_code == 403


def test_settings_tell_where_they_come_from_and_no_secret(superuser: Visitor) -> None:
    page = superuser.open("operations/settings")
    assert page.root.one("section", aria_labelledby="changed").all("tr")
    found = superuser.open("operations/settings?q=events_days")
    assert "events_days" in found.text
    assert "smtp_url" not in found.text
    told = superuser.ask("api/v1/operations/settings").json()["data"]["settings"]
    values = {one["name"]: one for one in told}
    assert values["host"]["source"] == "flag"
    assert values["events_days"]["about"].startswith("Days an event is kept")
    for name in ("pepper", "smtp_url", "database_url", "valkey_url", "oidc_client_secret"):
        assert values[name]["value"] in {"", "********"}
