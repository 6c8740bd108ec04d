"""What the account used: by period, customer, endpoint and key, beside the time before."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import listing
from gatepost.dashboard.sections.usage import spans
from gatepost.dashboard.sections.usage.spans import Span
from gatepost.dashboard.visit import Visit

TOP = 10
ROWS = 1000
FIGURES = ("requests", "units", "errors")
SAME_PERCENT = 0.5
TOTALS = {"requests": 0, "units": 0, "errors": 0}


class Table(msgspec.Struct, frozen=True):
    """A table of the page: what it tells apart, its rows, its CSV."""

    name: str
    title: str
    head: str
    rows: list[Any]
    names: dict[str, str]
    ended: dict[str, str]
    csv: str


async def show(visit: Visit) -> Response:
    """Show what was used."""
    today = listing.moment_now(visit).astimezone(visit.zone).date()
    span = spans.read(visit.query, today)
    zone = listing.zone_name(visit)
    form, status = Form.starting({"granularity": visit.query.get("granularity")}), 200
    try:
        series, before, tables = await _reports(visit, span, zone)
    except Refused as refused:
        form, status = form.refused(refused, {"to": "until"}), refused.status
        series, before, tables = None, TOTALS, []
    totals = series["totals"] if series else TOTALS
    return visit.page(
        "usage/overview.html",
        status,
        form=form,
        span=span,
        last=span.until - timedelta(days=1),
        spans=spans.SPANS,
        granularities=spans.GRANULARITIES,
        series=series,
        made_chart=None if series is None else listing.chart(visit, series, "Requests"),
        totals=totals,
        before=before,
        changes={name: change(totals[name], before[name]) for name in FIGURES},
        tables=tables,
        csv=visit.stream("/v1/usage", **_periods(span, zone), format="csv"),
    )


async def _reports(visit: Visit, span: Span, zone: str) -> tuple[Any, Any, list[Table]]:
    range_ = span.query(zone)
    series, before, ranked, routes, keys = await asyncio.gather(
        visit.api.get("/v1/usage", {**_periods(span, zone), "limit": ROWS}),
        visit.api.get("/v1/usage", span.before.query(zone)),
        visit.api.get("/v1/usage/customers", {**range_, "limit": TOP}),
        visit.api.get("/v1/usage", {**range_, "groupBy": "endpoint", "limit": ROWS}),
        visit.api.get("/v1/usage", {**range_, "groupBy": "key", "limit": ROWS}),
    )
    csv: Query = {**range_, "format": "csv"}
    tables = [
        Table(
            "customer",
            "Top customers",
            "Customer",
            ranked["rows"],
            ranked["names"],
            ranked["ended"],
            visit.stream("/v1/usage/customers", **csv),
        ),
        _table(visit, "endpoint", "By endpoint", routes, csv),
        _table(visit, "key", "By key", keys, csv),
    ]
    return series, before["totals"], tables


def _periods(span: Span, zone: str) -> dict[str, Any]:
    return {**span.query(zone), "granularity": span.granularity}


def _table(visit: Visit, name: str, title: str, told: Any, csv: Query) -> Table:
    rows = listing.highest(told["rows"])[:TOP]
    address = visit.stream("/v1/usage", **csv, groupBy=name)
    return Table(name, title, name.capitalize(), rows, told["names"], told["ended"], address)


def change(now: int, before: int) -> str:
    """How much more or less it is than before, in words."""
    if not before:
        return "none before" if now else ""
    percent = 100 * (now - before) / before
    if abs(percent) < SAME_PERCENT:
        return "as before"
    return f"{percent:+,.0f} % against {before:,} before".replace("-", "\N{MINUS SIGN}")
