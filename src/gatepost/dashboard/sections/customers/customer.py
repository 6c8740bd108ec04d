"""One customer: what it used, its requests, its quota and corrections, its keys."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from gatepost.base.errors import Code
from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import fields, listing
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

DAYS = 30
ROWS = 1000
TOP = 10
PAGE = 50
LATEST = 8
METRICS = (("requests", "Requests"), ("units", "Units"))
PERIODS = (("month", "each month"), ("day", "each day"))
MODES = (
    ("soft", "Soft", "What is beyond it is counted and told, and goes through."),
    ("hard", "Hard", "What is beyond it is refused, exactly."),
)


async def show(visit: Visit) -> Response:
    """Show a customer with what it used lately."""
    where = _where(visit)
    usage: Query = {
        "from": listing.since(visit, DAYS),
        "timezone": listing.zone_name(visit),
        "limit": ROWS,
    }
    customer, series, routes, keys, quota, latest = await asyncio.gather(
        visit.api.get(where),
        visit.api.get(where + "/usage", {**usage, "granularity": "day"}),
        visit.api.get(where + "/usage", {**usage, "groupBy": "endpoint"}),
        visit.api.get(where + "/usage", {**usage, "groupBy": ["key", "status"]}),
        _quota(visit),
        visit.api.page(where + "/usage/requests", "requests", {"limit": LATEST}),
    )
    file = {name: usage[name] for name in ("from", "timezone")}
    return visit.page(
        "customers/customer.html",
        customer=customer,
        series=series,
        made_chart=listing.chart(visit, series, f"Requests in {DAYS} days"),
        totals=series["totals"],
        routes=listing.highest(routes["rows"])[:TOP],
        keys=_added(keys["rows"], "key")[:TOP],
        statuses=_added(keys["rows"], "status"),
        names=keys["names"],
        ended=keys["ended"],
        quota=quota,
        latest=latest,
        days=DAYS,
        csvs={
            name: visit.stream(where + "/usage", **file, groupBy=name, format="csv")
            for name in ("endpoint", "key", "status")
        },
        csv=visit.stream(where + "/usage", **file, granularity="day", format="csv"),
        **_may(visit),
    )


def _added(rows: list[Any], dimension: str) -> list[Any]:
    """Lines of a report by one of its dimensions alone, highest first."""
    sums: dict[Any, dict[str, Any]] = {}
    for row in rows:
        value = row["group"][dimension]
        mine = sums.setdefault(
            value, {"group": {dimension: value}, "requests": 0, "units": 0, "errors": 0}
        )
        for name in ("requests", "units", "errors"):
            mine[name] += row[name]
    return listing.highest(list(sums.values()))


def _where(visit: Visit) -> str:
    return at("/v1/customers", visit.path["customer"])


def _may(visit: Visit) -> dict[str, bool]:
    return {
        "may_write": visit.api.may(Scope.CUSTOMERS_WRITE),
        "may_adjust": visit.api.may(Scope.USAGE_WRITE),
    }


async def _quota(visit: Visit) -> Any:
    """The customer's quota; None for none."""
    try:
        return await visit.api.get(_where(visit) + "/quota")
    except Refused as refused:
        if refused.code != Code.NOT_FOUND:
            raise
        return None


async def requests(visit: Visit) -> Response:
    """Show the customer's single requests."""
    where = _where(visit)
    page: Query = {"cursor": visit.query.get("cursor"), "limit": PAGE}
    customer, found = await asyncio.gather(
        visit.api.get(where), visit.api.page(where + "/usage/requests", "requests", page)
    )
    return visit.page(
        "customers/requests.html",
        customer=customer,
        found=found,
        csv=visit.stream(where + "/usage/requests", format="csv"),
        **_may(visit),
    )


async def quota(visit: Visit) -> Response:
    """Show quota and corrections."""
    return await _quotas(visit, Form.starting(), Form.starting())


async def _quotas(visit: Visit, form: Form, correction: Form, status: int = 200) -> Response:
    where = _where(visit)
    page: Query = {"cursor": visit.query.get("cursor"), "limit": PAGE}
    customer, found, corrected = await asyncio.gather(
        visit.api.get(where),
        _quota(visit),
        visit.api.page(where + "/adjustments", "adjustments", page),
    )
    if not form.pairs:
        form = Form.starting(_typed(found, listing.zone_name(visit)))
    return visit.page(
        "customers/quota.html",
        status,
        customer=customer,
        quota=found,
        corrected=corrected,
        form=form,
        correction=correction,
        metrics=METRICS,
        periods=PERIODS,
        modes=MODES,
        csv=visit.stream(where + "/adjustments", format="csv"),
        **_may(visit),
    )


def _typed(quota: Any, zone: str) -> dict[str, Any]:
    if quota is None:
        quota = {"metric": "requests", "limit": None, "period": "month", "mode": "soft"}
        quota |= {"timezone": zone, "thresholds": [50, 80, 100]}
    names = ("metric", "limit", "period", "timezone", "mode")
    thresholds = ", ".join(str(one) for one in quota["thresholds"])
    return {**{name: quota[name] for name in names}, "thresholds": thresholds}


async def set_quota(visit: Visit) -> Response:
    """Set the customer's quota."""
    form = visit.form
    thresholds = [
        int(one) if one.isdecimal() else one for one in fields.lines(form.get("thresholds"))
    ]
    wanted = {
        "metric": form.get("metric"),
        "limit": fields.whole(form, "limit"),
        "period": form.get("period"),
        "timezone": form.get("timezone") or "UTC",
        "mode": form.get("mode"),
        "thresholds": thresholds,
    }
    try:
        await visit.api.send("PUT", _where(visit) + "/quota", wanted, once=form.once)
    except Refused as refused:
        return await _quotas(visit, form.refused(refused), Form.starting(), refused.status)
    return _back(visit, "quota", "The quota counts from now on.")


async def remove_quota(visit: Visit) -> Response:
    """Take the customer's quota away."""
    await visit.api.send("DELETE", _where(visit) + "/quota", once=visit.form.once)
    return _back(visit, "quota", "The customer may use what it likes.")


async def adjust(visit: Visit) -> Response:
    """Correct what the customer used."""
    form = visit.form
    wanted: dict[str, Any] = {
        "reason": form.get("reason"),
        "requests": fields.whole(form, "requests") or 0,
        "units": fields.whole(form, "units") or 0,
    }
    if form.get("at"):
        wanted["at"] = fields.moment(form.get("at"), visit.zone)
    try:
        await visit.api.send("POST", _where(visit) + "/adjustments", wanted, once=form.once)
    except Refused as refused:
        return await _quotas(visit, Form.starting(), form.refused(refused), refused.status)
    return _back(visit, "quota", "The correction was noted.")


async def keys(visit: Visit) -> Response:
    """Show keys and gate keys that are bound to the customer."""
    bound: Query = {"customer": visit.path["customer"], "limit": 100}
    customer, tokens, gatekeys = await asyncio.gather(
        visit.api.get(_where(visit)),
        visit.api.page("/v1/keys", "keys", bound),
        visit.api.page("/v1/gate/keys", "keys", bound),
    )
    now = listing.moment_now(visit)
    both = (*tokens.items, *gatekeys.items)
    return visit.page(
        "customers/keys.html",
        customer=customer,
        tokens=tokens,
        gatekeys=gatekeys,
        states={one["id"]: fields.state(one, now) for one in both},
        may_make=visit.api.may(Scope.KEYS_WRITE),
        may_make_gate=visit.api.may(Scope.GATE_KEYS_WRITE),
        **_may(visit),
    )


def _back(visit: Visit, page: str, words: str) -> Response:
    return visit.redirect(visit.url("customers", visit.path["customer"], page), words)
