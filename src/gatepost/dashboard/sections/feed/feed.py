"""The list of events, newest first, that grows while it is looked at."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard import saved
from gatepost.dashboard.desk import Page, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import day_of
from gatepost.dashboard.sections.feed import asked as asking
from gatepost.dashboard.sections.feed.asked import Asked
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
LIVE_PER_SECOND = 20


class Day(msgspec.Struct, frozen=True):
    """Events of one day of the viewer's calendar; `name` is Today, Yesterday or the date."""

    date: str
    name: str
    events: list[Any]


async def show(visit: Visit) -> Response:
    """Show a page of events."""
    return await _show(visit, asking.read(visit.query))


async def _show(visit: Visit, asked: Asked, *, secret: str = "", status: int = 200) -> Response:
    if visit.project is None:
        return visit.page("feed/no_project.html")
    form = Form.starting()
    try:
        query = {**asked.query(visit.zone), "limit": PAGE}
        found, channels = await asyncio.gather(
            visit.api.page("/v1/events", "events", query), visit.api.get("/v1/channels")
        )
    except Refused as refused:
        found, channels = Page([], None), await visit.api.get("/v1/channels")
        form, status = form.refused(refused), refused.status
    return visit.page(
        "feed/feed.html",
        status,
        asked=asked,
        form=form,
        found=found,
        days=days(visit, found.items),
        channels=channels["channels"],
        live=visit.stream("/v1/events/stream", maxPerSecond=LIVE_PER_SECOND, **asked.filter()),
        again=visit.stream("/v1/events", **asked.filter()),
        fields={name: asking.typed(getattr(asked, name), visit.zone) for name in asking.MOMENTS},
        first=not channels["channels"],
        saved=await saved.views(visit, "feed"),
        secret=secret,
        may_make_key=visit.api.may(Scope.KEYS_WRITE),
    )


def days(visit: Visit, events: list[Any]) -> list[Day]:
    """Group events, newest first, by the viewer's days."""
    today = datetime.fromtimestamp(visit.services.clock() / 1000, visit.zone).date()
    grouped = groupby(events, lambda one: day_of(one["createdAt"], visit.zone))
    return [Day(at.isoformat(), named(at, today), list(mine)) for at, mine in grouped]


def named(at: date, today: date) -> str:
    """How a day is called."""
    if at == today:
        return "Today"
    if at == today - timedelta(days=1):
        return "Yesterday"
    return f"{at:%A, %-d %B}" if at.year == today.year else f"{at:%A, %-d %B %Y}"


async def first_key(visit: Visit) -> Response:
    """Make a key that sends events, and show it this once in the command to send the first one."""
    wanted: dict[str, object] = {
        "name": f"First events {visit.form.once[:6]}",
        "scopes": ["events"],
    }
    if visit.project is not None:
        wanted["projectId"] = visit.project.id
    made = await visit.api.send("POST", "/v1/keys", wanted, once=visit.form.once)
    return await _show(visit, Asked(), secret=made["key"])
