"""What the first page shows, asked of the API at once."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from gatepost.dashboard import session
from gatepost.dashboard.desk import Page, Query
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.feed.feed import days
from gatepost.dashboard.sections.overview import first, lately
from gatepost.dashboard.sections.overview.lately import Span
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

LATEST = 8
FAILED_MAX = 100
ALERTS_MAX = 100
USAGE_MAX = 1000
YEAR_S = 31_536_000


async def show(visit: Visit) -> Response:
    """Show the page."""
    span = lately.span(visit.services.clock(), visit.zone)
    begun = first.COOKIE in visit.request.cookies
    usage, failed, alerts, events, keys, rules = await asyncio.gather(
        _usage(visit, span),
        _list(visit, "deliveries", Scope.MESSAGES_READ, _failed(span)),
        _list(visit, "alerts", Scope.RULES_READ, {"limit": ALERTS_MAX}),
        _list(visit, "events", Scope.EVENTS_READ if visit.project else None, {"limit": LATEST}),
        _list(visit, "keys", None if begun else Scope.KEYS_READ, {"limit": 2}),
        _list(visit, "rules", None if begun else Scope.RULES_READ, {"limit": 1}),
    )
    steps = [] if begun else first.steps(visit, events.items, keys.items, rules.items)
    return visit.page(
        "overview/overview.html",
        form=Form(),
        today=span.days[-1],
        days=days(visit, events.items),
        tiles=lately.tiles(span, usage, failed, alerts),
        failed=[one for one in failed.items if span.is_today(one["createdAt"])][:LATEST],
        alerts=[one for one in alerts.items if one["status"] == "open"][:LATEST],
        steps=steps if any(not one.done for one in steps) else [],
    )


async def hide(visit: Visit) -> Response:
    """Do not show the first steps any more."""
    response = visit.redirect(visit.url("overview"), "The first steps are hidden.")
    response.set_cookie(
        first.COOKIE,
        "hidden",
        max_age=YEAR_S,
        path=session.path(visit.account.id),
        httponly=True,
        samesite="lax",
        secure=visit.secure,
    )
    return response


async def _usage(visit: Visit, span: Span) -> list[Any]:
    """Rows of usage by day and endpoint; none where the role does not see them."""
    if not visit.api.may(Scope.USAGE_READ):
        return []
    query: Query = {
        "from": span.since.date().isoformat(),
        "granularity": "day",
        "timezone": span.zone,
        "groupBy": ["endpoint"],
        "limit": USAGE_MAX,
    }
    found = await visit.api.get("/v1/usage", query)
    rows: list[Any] = found["rows"]
    return rows


def _failed(span: Span) -> Query:
    return {"state": "failed", "since": span.since.isoformat(), "limit": FAILED_MAX}


async def _list(visit: Visit, name: str, scope: Scope | None, query: Query) -> Page:
    """A page of a list; nothing is asked where the role lacks its scope, or there is none."""
    if scope is None or not visit.api.may(scope):
        return Page([], None)
    return await visit.api.page(f"/v1/{name}", name, query)
