"""A walk over the dashboard: from the navigation along the links, as far as they lead."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlsplit

from gatepost.dashboard.app import routes
from gatepost.dashboard.routes import Entry, Route, Table
from tests.dashboard.visitor import Page, Visitor

TABLE = Table(routes())
EACH_MAX = 3
"""How many addresses of one route are looked at."""
SCRIPTS = "/api/{rest:path}"


def to_visit() -> list[Route]:
    """The pages of accounts, each of which some link must lead to."""
    return [
        one
        for one in routes()
        if one.method == "GET" and one.entry is Entry.MEMBER and one.path != SCRIPTS
    ]


def route_of(address: str) -> tuple[Route | None, dict[str, str]]:
    """Which route answers GET at an address, and with which parameters."""
    path = urlsplit(address).path.removeprefix("/dashboard").strip("/")
    methods, params = TABLE.find(path)
    return methods.get("GET"), params


def walk(visitor: Visitor) -> dict[Route, list[str]]:
    """Follow all links from the account's start: addresses by route."""
    found: dict[Route, list[str]] = defaultdict(list)
    known: set[str] = set()
    ahead = [str(visitor.client.base_url).rstrip("/") + visitor.at("")]
    while ahead:
        address = ahead.pop(0)
        route, _ = route_of(address)
        of_dashboard = urlsplit(address).path.startswith("/dashboard")
        if address in known or route is None or not of_dashboard or len(found[route]) >= EACH_MAX:
            continue
        known.add(address)
        answer = visitor.client.get(address)
        if answer.status_code != 200:
            raise AssertionError(f"{address}: {answer.status_code}")
        if route_of(str(answer.url))[0] is route or route.path == "":
            found[route].append(address)  # what leads elsewhere is no page of its own
        if answer.headers.get("content-type", "").startswith("text/html"):
            ahead += Page(answer).links
    return dict(found)
