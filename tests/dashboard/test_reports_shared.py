"""Reports that are shared by a link."""

from collections.abc import Callable
from contextlib import closing

import pytest

from tests import plain
from tests.dashboard import seed_counts
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def visitor(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


@pytest.fixture
def stranger(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    """Somebody who is not signed in."""
    return make_visitor(tenant.account, role=None)


@pytest.fixture
def mine(server: Server, tenant: Tenant) -> str:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with closing(plain.Client(base_url=server.address, headers=headers)) as client:
        made = seed_counts.make(client, "Web shop")
        seed_counts.count(client, made, (*seed_counts.EVENTS, *seed_counts.HOSTILE))
    return made


def share(visitor: Visitor, where: str, **fields: str) -> str:
    """Share what a page shows: the link."""
    page = visitor.open(visitor.open(where).link("Share"))
    page = visitor.submit(page, "Make link", **fields)
    return page.root.one("figure").one("code").text


def test_a_link_shows_one_report_to_anybody(visitor: Visitor, stranger: Visitor, mine: str) -> None:
    link = share(visitor, f"counts/{mine}?period=7d&event=user_signup&by=tag", name="Board <b>")
    page = stranger.open(link)
    assert page.title == "Board <b>"
    assert "Events 3" in page.text
    assert "Event is any of: user_signup" in page.text
    assert page.root.one("main").all("a") == []
    assert not page.root.all("nav")
    assert 'content="noindex"' in page.answer.text
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.text == stranger.open(f"{link}?event=&view=tags&period=12m").text
    for view in ("events", "tags", "grid"):
        shown = stranger.open(share(visitor, f"counts/{mine}?view={view}"))
        assert shown.root.one("main").all("a") == []


def test_a_revoked_link_shows_nothing(visitor: Visitor, stranger: Visitor, mine: str) -> None:
    link = share(visitor, f"counts/{mine}", name="Short", ends="")
    secret = link.rsplit("/", 1)[1]
    page = visitor.open("counts/shares")
    assert secret not in page.answer.text
    assert "Short" in page.text
    assert "never" in page.text
    assert visitor.open(page.link("See it")).title == "Web shop"
    stranger.open(link)
    visitor.submit(page, "Revoke")
    for where in (link, "/dashboard/shared/nobody", "/dashboard/shared/" + "x" * 200):
        assert "shows nothing" in stranger.open(where, 404).text


def test_events_of_a_project_and_an_aggregator_that_ends(
    visitor: Visitor, stranger: Visitor, mine: str
) -> None:
    link = share(visitor, "counts/events", ends="7")
    assert stranger.open(link).title
    link = share(visitor, f"counts/{mine}")
    settings = visitor.open(f"counts/{mine}/settings")
    visitor.submit(settings, "Delete aggregator", confirm="Web shop")
    stranger.open(link, 404)


def test_what_is_refused_is_said_beside_its_field(visitor: Visitor, mine: str) -> None:
    page = visitor.open(f"counts/shares/new?of={mine}&period=7d")
    page = visitor.submit(page, "Make link", name="x" * 256)
    assert (page.status, set(page.errors())) == (400, {"name"})
    assert page.root.one("input", name="view").attributes["value"] == "period=7d"
    visitor.open("counts/shares/new?of=aggregator_1", 404)


def test_a_viewer_shares_nothing(
    tenant: Tenant, visitor: Visitor, make_visitor: MakeVisitor, mine: str
) -> None:
    viewer = make_visitor(tenant.account, role="viewer")
    page = viewer.open(f"counts/{mine}")
    assert "Share" not in {" ".join(one.text.split()) for one in page.root.all("a")}
    csrf = page.root.one("meta", name="csrf").attributes["content"]
    body = {"csrf": csrf, "of": mine, "name": "x"}
    assert viewer.ask("counts/shares", "POST", data=body).status_code == 403
    share(visitor, f"counts/{mine}")
    assert "Revoke" not in Page(viewer.ask("counts/shares")).text
