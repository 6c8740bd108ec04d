"""What holds for every page: who may see it, what a form must carry, headers, size."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zstandard

from gatepost.dashboard import static
from gatepost.dashboard.app import routes
from gatepost.dashboard.headers import PAGE_POLICY
from gatepost.dashboard.routes import Entry, Route
from gatepost.dashboard.sections import SECTIONS
from gatepost.web import text
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.dashboard.walk import route_of, to_visit
from tests.dashboard.weight import assets
from tests.server import Tenant

PAGE_BYTES_MAX = 100_000
ASSET_BYTES_MAX = 60_000
Everything = dict[Route, list[str]]


def filled(route: Route, account: str) -> str:
    """An address of a route, with parameters that lead to nothing."""
    parts = [re.sub(r"^\{account\}$", account, part) for part in route.pattern]
    return "/dashboard/" + "/".join(re.sub(r"^\{.*\}$", "v1", part) for part in parts)


def origin(visitor: Visitor) -> str:
    return str(visitor.client.base_url).rstrip("/")


def token(visitor: Visitor) -> str:
    page = visitor.open("feed")
    return page.root.one("meta", name="csrf").attributes["content"]


def test_links_lead_to_every_page(everything: Everything) -> None:
    assert [one.path for one in to_visit() if one not in everything] == []


def test_every_page_is_small_and_says_how_it_is_to_be_treated(
    furnished: Visitor, everything: Everything
) -> None:
    for address in (one for addresses in everything.values() for one in addresses):
        answer = furnished.client.get(address)
        assert answer.headers["x-content-type-options"] == "nosniff", address
        assert answer.headers["cache-control"] == "no-store", address
        assert answer.headers["referrer-policy"] == "same-origin", address
        policy = answer.headers["content-security-policy"]
        if answer.headers["content-type"].startswith("text/html") and "sandbox" not in policy:
            assert policy == PAGE_POLICY, address
            page = Page(answer)
            assert assets(page) <= ASSET_BYTES_MAX, address
            assert len(answer.content) + assets(page) <= PAGE_BYTES_MAX, address
            assert inline(page) == [], address
        else:
            assert "sandbox" in policy.split("; "), address
            assert "default-src 'none'" in policy.split("; "), address
            assert "script-src" not in policy, address


def inline(page: Page) -> list[str]:
    """Scripts and styles that stand in the page itself."""
    below = page.root.below()
    scripts = [one.tag for one in below if one.tag == "script" and "src" not in one.attributes]
    styles = [one.tag for one in below if one.tag == "style" or "style" in one.attributes]
    handlers = [name for one in below for name in one.attributes if name.startswith("on")]
    return scripts + styles + handlers


@pytest.mark.parametrize("route", routes(), ids=lambda one: one.name)
def test_nothing_is_shown_or_done_without_a_session(
    make_visitor: MakeVisitor, tenant: Tenant, route: Route
) -> None:
    if route.entry is Entry.ANYBODY:
        return
    nobody = make_visitor(tenant.account, None)
    for secret in (None, "x" * 43):
        if secret:
            nobody.client.cookies.set("gatepost_session", secret)
        answer = nobody.ask(filled(route, tenant.account), route.method)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/dashboard/sign-in")


def test_other_accounts_are_not_there(
    furnished: Visitor, everything: Everything, make_visitor: MakeVisitor
) -> None:
    stranger = make_visitor()
    csrf = {"x-csrf-token": token(stranger), "origin": origin(stranger)}
    for route in (one for one in routes() if one.entry is Entry.MEMBER):
        answer = stranger.ask(filled(route, furnished.account), route.method, headers=csrf)
        assert answer.status_code == 404, route
    for address in (one for addresses in everything.values() for one in addresses):
        route_, params = route_of(address)
        assert route_ is not None
        if route_.entry is not Entry.MEMBER:
            continue
        assert stranger.ask(address).status_code == 404, address
        if len(params) > 1:
            moved = address.replace(furnished.account, stranger.account)
            assert stranger.ask(moved).status_code == 404, moved


@pytest.mark.parametrize(
    "route",
    [one for one in routes() if one.method != "GET" and one.entry is not Entry.ANYBODY],
    ids=lambda one: one.name,
)
def test_what_changes_something_comes_from_our_own_pages(visitor: Visitor, route: Route) -> None:
    csrf, where = token(visitor), filled(route, visitor.account)
    strange: tuple[dict[str, str], ...] = (
        {},
        {"x-csrf-token": "0" * len(csrf)},
        {"x-csrf-token": csrf, "origin": "https://elsewhere.example"},
        {"x-csrf-token": csrf, "origin": "null"},
        {"x-csrf-token": csrf, "sec-fetch-site": "cross-site"},
        {"x-csrf-token": csrf, "sec-fetch-site": "same-site"},
    )
    for headers in strange:
        answer = visitor.ask(where, route.method, headers=headers)
        assert answer.status_code == 403, headers
        assert "another site" in answer.text


def test_a_token_of_another_session_is_none(visitor: Visitor, furnished: Visitor) -> None:
    headers = {"x-csrf-token": token(furnished), "origin": origin(visitor)}
    answer = visitor.ask("api/v1/projects", "POST", headers=headers, json={"name": "no"})
    assert answer.status_code == 403


def test_scripts_use_the_api_with_the_token(visitor: Visitor) -> None:
    headers = {"x-csrf-token": token(visitor), "origin": origin(visitor)}
    made = visitor.ask("api/v1/projects", "POST", headers=headers, json={"name": "by a script"})
    assert made.status_code == 201
    names = [one["name"] for one in visitor.ask("api/v1/projects").json()["data"]["projects"]]
    assert "by a script" in names


def test_files_are_kept_for_good_and_come_packed(visitor: Visitor) -> None:
    page = visitor.open("feed")
    address = page.root.one("link", rel="stylesheet").attributes["href"]
    for encoding in ("gzip", "zstd", "identity"):
        answer = visitor.ask(address, headers={"accept-encoding": encoding})
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers.get("content-encoding", "identity") == encoding
        plain = zstandard.decompress(answer.content) if encoding == "zstd" else answer.content
        assert b":root" in plain
    old = visitor.ask(re.sub(r"/static/\w+/", "/static/000000000000/", address))
    assert old.status_code == 200
    assert old.headers["cache-control"] == "no-store"
    for nothing in (
        "/dashboard/static/x/nothing.css",
        "/dashboard/static/x/../../app.py",
        "/dashboard/static/",
    ):
        assert visitor.ask(nothing).status_code == 404


def test_what_is_not_there_is_a_page(visitor: Visitor) -> None:
    answer = visitor.ask("nothing/here")
    page = Page(answer)
    assert answer.status_code == 404
    assert page.title == "Nothing here"
    assert answer.headers["x-request-id"] in page.text
    assert visitor.ask("feed", "HEAD").status_code == 200
    assert visitor.ask("person/erase").status_code == 405
    assert visitor.ask("feed", params={"project": "project_" + "0" * 32}).status_code == 404


def test_the_way_in_leads_to_the_first_section(visitor: Visitor) -> None:
    for start in ("/dashboard", "/dashboard/", f"/dashboard/{visitor.account}"):
        page = visitor.open(start)
        assert urlsplit(page.address).path == f"/dashboard/{visitor.account}{SECTIONS[0].path}"


def test_sections_stand_under_few_headings(visitor: Visitor) -> None:
    nav = visitor.open("feed").root.one("nav", aria_label="Sections")
    groups = {one.attributes["aria-label"]: one for one in nav.all("div", role="group")}
    assert [*groups] == ["Events", "Delivery", "Customers", "Access", "Operations"]
    below = [link for group in groups.values() for link in group.all("a")]
    listed = nav.all("a")
    assert [one.text for one in listed] == [one.title for one in SECTIONS]
    assert listed[1:] == below, "the first one stands by itself, each other one in a group"


def test_signing_in_leads_back(make_visitor: MakeVisitor, tenant: Tenant) -> None:
    nobody = make_visitor(tenant.account, None)
    answer = nobody.ask("feed?q=a%26b")
    wanted = f"%2Fdashboard%2F{tenant.account}%2Ffeed%3Fq%3Da%2526b"
    assert answer.headers["location"] == f"/dashboard/sign-in?next={wanted}"


def test_the_theme_is_remembered(visitor: Visitor) -> None:
    page = visitor.open("feed")
    assert "data-theme" not in page.root.one("html").attributes
    form = next(
        one for one in page.root.all("form") if one.attributes["action"] == "/dashboard/theme"
    )
    back = form.one("input", name="next").attributes["value"]
    dark = visitor.client.post("/dashboard/theme", data={"theme": "dark", "next": back})
    assert urlsplit(str(dark.url)).path == f"/dashboard/{visitor.account}/feed"
    assert Page(dark).root.one("html").attributes["data-theme"] == "dark"
    again = visitor.client.post(
        "/dashboard/theme", data={"theme": "", "next": "//elsewhere.example"}
    )
    assert "data-theme" not in Page(again).root.one("html").attributes


def test_scripts_show_the_same_signs_as_pages() -> None:
    script = (Path(static.__file__).parent / "static/js/text.js").read_text()
    assert text.HIDDEN in script
