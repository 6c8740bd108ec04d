"""The aggregators of an account, and how each one fares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Query
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 25
DAYS = 7


class State(msgspec.Struct, frozen=True):
    """How an aggregator fares: words, and the tone of their badge."""

    words: str
    tone: str


async def show(visit: Visit) -> Response:
    """Show a page of aggregators."""
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor"), "days": DAYS}
    found = await visit.api.page("/v1/aggregators", "aggregators", query)
    return visit.page(
        "reports/list.html",
        found=found,
        state=state,
        now=datetime.fromtimestamp(visit.services.clock() / 1000, UTC),
        words=words,
        may_write=visit.api.may(Scope.AGGREGATORS_WRITE),
    )


def state(one: Any, now: datetime) -> State:
    """What is to be said of an aggregator of the API's, with `days`."""
    if one["archived"]:
        return State("Archived", "plain")
    if one["lastSeen"] is None:
        return State("Waiting for first event", "warn")
    quiet = datetime.fromisoformat(one["lastSeen"]) < now - timedelta(days=1)
    return State("Quiet for a day", "plain") if quiet else State("Counting", "good")


def words(daily: list[int]) -> str:
    """Events by the day, in text."""
    return f"Events of the last {len(daily)} days: {', '.join(map(str, daily))}"
