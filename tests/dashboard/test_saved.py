"""Views that operators save for themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests import plain
from tests.dashboard import seed_counts
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant
from tests.waiting import wait_for

HARM = "<i>Refunds</i>"


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def viewer(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    """Whoever reads alone saves views, too: they are nobody else's."""
    return make_visitor(tenant.account, "viewer")


def saved(page: Page) -> dict[str, str]:
    """Where the saved views of a page lead."""
    navs = page.root.all("nav", aria_label="Saved views")
    return {one.text: one.attributes["href"] for nav in navs for one in nav.all("a")}


def test_a_view_of_the_feed_is_saved_opened_and_removed(viewer: Visitor) -> None:
    page = viewer.open("feed?q=refund+%26+more&tag=eu&tag=paid")
    assert saved(page) == {}
    page = viewer.submit(page, "Save it", name=HARM)
    assert "The view is saved" in page.answer.text
    (where,) = saved(page).values()
    assert where == f"/dashboard/{viewer.account}/feed?q=refund+%26+more&tag=eu&tag=paid"
    assert HARM not in page.answer.text
    assert list(saved(viewer.open("feed"))) == [HARM]
    again = viewer.open(where)
    assert again.root.one("input", name="q").attributes["value"] == "refund & more"
    gone = viewer.submit(again, "Remove")
    assert (saved(gone), urlsplit(gone.address).query) == ({}, urlsplit(where).query)


def test_a_report_is_saved_beside_its_section(
    server: Server, tenant: Tenant, viewer: Visitor
) -> None:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with closing(plain.Client(base_url=server.address, headers=headers)) as client:
        mine = seed_counts.make(client, "Web shop")
    page = viewer.open(f"counts/{mine}?view=tags&period=7d")
    viewer.submit(page, "Save it", name="Tags of a week")
    assert list(saved(viewer.open(f"counts/{mine}"))) == ["Tags of a week"]
    assert saved(viewer.open("feed")) == {}


def test_views_are_of_one_operator_in_one_account(
    tenant: Tenant, viewer: Visitor, make_visitor: MakeVisitor
) -> None:
    other, elsewhere = make_visitor(tenant.account), make_visitor()
    viewer.submit(viewer.open("feed?q=mine"), "Save it", name="Mine")
    assert saved(other.open("feed")) == {}
    (one,) = viewer.ask("api/v1/bookmarks").json()["data"]["bookmarks"]
    assert (one["name"], one["place"]) == ("Mine", "feed?q=mine")
    for visitor in (other, elsewhere):
        csrf = visitor.open("feed").root.one("meta", name="csrf").attributes["content"]
        headers = {"x-csrf-token": csrf}
        gone = visitor.ask(f"api/v1/bookmarks/{one['id']}", "DELETE", headers=headers)
        assert gone.status_code == 404
    assert list(saved(viewer.open("feed"))) == ["Mine"]


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "../you", "feed/../../you", "", "feed#x"]
)
def test_a_view_is_a_page_of_the_account(viewer: Visitor, place: str) -> None:
    csrf = viewer.open("feed").root.one("meta", name="csrf").attributes["content"]
    wanted = {"name": "Elsewhere", "place": place}
    answer = viewer.ask("api/v1/bookmarks", "POST", headers={"x-csrf-token": csrf}, json=wanted)
    assert answer.status_code == 400
    form = {"csrf": csrf, "once": "a", "name": "Elsewhere", "place": place}
    back = viewer.ask("saved", "POST", data=form)
    assert urlsplit(back.headers["location"]).netloc == ""
    assert back.headers["location"].startswith("/dashboard")


def test_there_are_not_too_many(viewer: Visitor) -> None:
    csrf = viewer.open("feed").root.one("meta", name="csrf").attributes["content"]
    for number in range(51):
        wanted = {"name": f"View {number}", "place": "feed"}
        answer = viewer.ask("api/v1/bookmarks", "POST", headers={"x-csrf-token": csrf}, json=wanted)
        assert answer.status_code == (201 if number < 50 else 409)


def test_what_a_key_has_is_no_bookmark(server: Server, tenant: Tenant) -> None:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    answer = plain.get(f"{server.address}/v1/bookmarks", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_they_go_with_the_membership(
    server: Server, tenant: Tenant, make_visitor: MakeVisitor, viewer: Visitor
) -> None:
    owner = make_visitor(tenant.account)
    viewer.submit(viewer.open("feed"), "Save it", name="Mine")
    listed = owner.ask("api/v1/operators").json()["data"]["operators"]
    email = next(one["email"] for one in listed if one["role"] == "viewer")
    server.cli("operator", "remove", email, "--account", tenant.account)
    assert viewer.ask("api/v1/bookmarks").status_code == 404
    server.cli("operator", "add", email, "--account", tenant.account, "--role", "viewer")
    wait_for(lambda: viewer.ask("feed").status_code == 200, "a member again")
    assert viewer.ask("api/v1/bookmarks").json()["data"]["bookmarks"] == []
