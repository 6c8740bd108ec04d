"""The list of keys, and one key with what it did."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from gatepost.dashboard import charts
from gatepost.dashboard.charts import Chart, Line
from gatepost.dashboard.desk import Page, Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import fields, refusals, scopes
from gatepost.dashboard.sections.keys.fields import limits_words, state
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
LATELY_DAYS = 7
DAYS = 30
ROWS = 1000
REFUSED = 10


async def show(visit: Visit) -> Response:
    """Show a page of keys."""
    asked: Query = {
        "search": visit.query.get("search"),
        "project": visit.query.get("within"),
        "cursor": visit.query.get("cursor"),
    }
    form, status = Form.starting(), 200
    try:
        found, used = await asyncio.gather(
            visit.api.page("/v1/keys", "keys", {**asked, "limit": PAGE}), _used(visit)
        )
    except Refused as refused:
        form = form.refused(refused, {"project": "within"})
        found, used, status = Page([], None), {}, refused.status
    now = moment_now(visit)
    return visit.page(
        "keys/list.html",
        status,
        form=form,
        found=found,
        used=used,
        days=LATELY_DAYS,
        states={one["id"]: state(one, now) for one in found.items},
        titles={one["id"]: scopes.titles(one["scopes"]) for one in found.items},
        csv=visit.stream("/v1/keys", **{**asked, "cursor": None}, format="csv"),
        narrowed=bool(asked["search"] or asked["project"]),
        may_write=visit.api.may(Scope.KEYS_WRITE),
    )


async def _used(visit: Visit) -> dict[str, Any]:
    """What each key did lately, by its id."""
    if not visit.api.may(Scope.USAGE_READ):
        return {}
    query: Query = {"groupBy": "key", "from": since(visit, LATELY_DAYS), "limit": ROWS}
    told = await visit.api.get("/v1/usage", query)
    return {row["group"]["key"]: row for row in told["rows"]}


async def one(visit: Visit) -> Response:
    """Show a key."""
    return await show_one(visit, visit.path["key"], Form())


async def show_one(visit: Visit, key_id: str, form: Form, status: int = 200) -> Response:
    """Show a key, with what was wrong with a form of its page."""
    usage: Query = {"key": key_id, "from": since(visit, DAYS), "timezone": zone_name(visit)}
    key, series, routes, refused = await asyncio.gather(
        visit.api.get(at("/v1/keys", key_id)),
        visit.api.get("/v1/usage", {**usage, "granularity": "day", "limit": ROWS}),
        visit.api.get("/v1/usage", {**usage, "groupBy": "endpoint", "limit": ROWS}),
        visit.api.page("/v1/refusals", "refusals", {"keyId": key_id, "limit": REFUSED}),
    )
    return visit.page(
        "keys/key.html",
        status,
        form=form,
        key=key,
        state=state(key, moment_now(visit)),
        sentences=scopes.sentences(key["scopes"]),
        limits=None if key["limits"] is None else limits_words(key["limits"]),
        project=next((p.name for p in visit.here.projects if p.id == key["projectId"]), None),
        made_chart=chart(visit, series, f"Requests with this key in {DAYS} days"),
        totals=series["totals"],
        routes=highest(routes["rows"]),
        refused=refused,
        meanings=refusals.MEANINGS,
        days=DAYS,
        graces=fields.GRACES,
        csv=visit.stream("/v1/usage", **usage, groupBy="endpoint", format="csv"),
        may_write=visit.api.may(Scope.KEYS_WRITE),
    )


def chart(visit: Visit, told: Any, title: str) -> Chart:
    """Requests that succeeded and that failed, by period."""
    rows = told["rows"]
    starts = [row["start"] for row in rows]
    return Chart(
        title=title,
        labels=charts.labels(starts, told["granularity"], visit.zone),
        lines=(
            Line("Succeeded", tuple(row["requests"] for row in rows)),
            Line("Failed", tuple(row["errors"] for row in rows), other=True),
        ),
        unit="requests",
    )


def highest(rows: list[Any]) -> list[Any]:
    """Lines of a report, those with most requests first."""
    return sorted(rows, key=lambda row: -(row["requests"] + row["errors"]))


def moment_now(visit: Visit) -> datetime:
    """What the service's clock says."""
    return datetime.fromtimestamp(visit.services.clock() / 1000, UTC)


def zone_name(visit: Visit) -> str:
    """The viewer's time zone, as the API takes it."""
    return str(getattr(visit.zone, "key", "UTC"))


def since(visit: Visit, days: int) -> str:
    """The day, in the viewer's calendar, that a span of so many days up to today begins with."""
    today = moment_now(visit).astimezone(visit.zone).date()
    return str(today - timedelta(days=days - 1))
