"""The list of customers, with what each used this month."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Page, Query, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import listing
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 25
ROWS = 1000
"""A page of customers times the days of a month is less."""
STATUSES = (("", "Any"), ("active", "Active"), ("inactive", "Inactive"))


class Used(msgspec.Struct):
    """What one customer used in a month, and its requests by day."""

    days: list[int]
    requests: int = 0
    units: int = 0
    errors: int = 0

    @property
    def words(self) -> str:
        """The days in a sentence."""
        busy = sum(1 for one in self.days if one)
        return f"{self.requests:,} requests on {busy} of {len(self.days)} days"


async def show(visit: Visit) -> Response:
    """Show a page of customers."""
    asked: Query = {"search": visit.query.get("search"), "status": visit.query.get("status")}
    form, status = Form.starting(asked), 200
    try:
        page: Query = {**asked, "cursor": visit.query.get("cursor"), "limit": PAGE}
        found = await visit.api.page("/v1/customers", "customers", page)
        used = await _used(visit, found.items)
    except Refused as refused:
        form, status = form.refused(refused), refused.status
        found, used = Page([], None), {}
    return visit.page(
        "customers/list.html",
        status,
        form=form,
        found=found,
        used=used,
        statuses=STATUSES,
        narrowed=any(asked.values()),
        csv=visit.stream("/v1/customers", **asked, format="csv"),
        usage_csv=visit.stream(
            "/v1/usage/customers", timezone=listing.zone_name(visit), format="csv"
        ),
        may_write=visit.api.may(Scope.CUSTOMERS_WRITE),
    )


async def _used(visit: Visit, found: list[Any]) -> dict[str, Used]:
    """What these used this month, by their ids."""
    if not found or not visit.api.may(Scope.USAGE_READ):
        return {}
    now = listing.moment_now(visit).astimezone(visit.zone)
    query: Query = {
        "groupBy": "customer",
        "granularity": "day",
        "customer": [one["id"] for one in found],
        "from": str(now.date().replace(day=1)),
        "timezone": listing.zone_name(visit),
        "limit": ROWS,
    }
    told = await visit.api.get("/v1/usage", query)
    used = {one["id"]: Used([0] * now.day) for one in found}
    for row in told["rows"]:
        _add(visit, used[row["group"]["customer"]], row)
    return used


def _add(visit: Visit, mine: Used, row: Any) -> None:
    day = datetime.fromisoformat(row["start"]).astimezone(visit.zone).day
    if day <= len(mine.days):
        mine.days[day - 1] += row["requests"]
    mine.requests += row["requests"]
    mine.units += row["units"]
    mine.errors += row["errors"]
