"""Gate keys: keys of one's own end users. A secret is on the answer to its form alone."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Page, Query, Refused, at
from gatepost.dashboard.forms import MADE_BEFORE, Form
from gatepost.dashboard.sections.keys import fields, listing
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
DAYS = 30
ROWS = 1000
PERIODS = (("month", "each month"), ("day", "each day"))
LIST = "/v1/gate/keys"


async def show(visit: Visit) -> Response:
    """Show a page of gate keys."""
    asked: Query = {"project": visit.query.get("within"), "customer": visit.query.get("customer")}
    page: Query = {**asked, "cursor": visit.query.get("cursor"), "limit": PAGE}
    form, status = Form.starting(), 200
    try:
        found = await visit.api.page(LIST, "keys", page)
    except Refused as refused:
        form, status = form.refused(refused), refused.status
        found = Page([], None)
    now = listing.moment_now(visit)
    return visit.page(
        "gate/list.html",
        status,
        form=form,
        found=found,
        states={one["id"]: fields.state(one, now) for one in found.items},
        narrowed=any(asked.values()),
        csv=visit.stream(LIST, **asked, format="csv"),
        may_write=visit.api.may(Scope.GATE_KEYS_WRITE),
    )


async def one(visit: Visit) -> Response:
    """Show a gate key."""
    return await _one(visit, Form())


async def _one(visit: Visit, form: Form, status: int = 200) -> Response:
    key_id = visit.path["key"]
    usage: Query = {
        "key": key_id,
        "from": listing.since(visit, DAYS),
        "timezone": listing.zone_name(visit),
    }
    key, series, routes = await asyncio.gather(
        visit.api.get(at(LIST, key_id)),
        visit.api.get("/v1/usage", {**usage, "granularity": "day", "limit": ROWS}),
        visit.api.get("/v1/usage", {**usage, "groupBy": ["endpoint", "status"], "limit": ROWS}),
    )
    return visit.page(
        "gate/key.html",
        status,
        form=form,
        key=key,
        state=fields.state(key, listing.moment_now(visit)),
        limits=fields.limits_words(key["limits"]),
        made_chart=listing.chart(visit, series, f"Checks of this key in {DAYS} days"),
        totals=series["totals"],
        routes=listing.highest(routes["rows"]),
        days=DAYS,
        graces=fields.GRACES,
        csv=visit.stream("/v1/usage", **usage, groupBy=["endpoint", "status"], format="csv"),
        may_write=visit.api.may(Scope.GATE_KEYS_WRITE),
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new gate key."""
    values = {
        "prefix": "key",
        "projectId": visit.project.id if visit.project else None,
        "customerId": visit.query.get("customer"),
        "period": "month",
        "timezone": listing.zone_name(visit),
    }
    return _form(visit, Form.starting(values), None)


def _form(visit: Visit, form: Form, key: Any, status: int = 200) -> Response:
    return visit.page(
        "gate/form.html",
        status,
        form=form,
        key=key,
        projects=[(one.id, one.name) for one in visit.here.projects],
        periods=PERIODS,
    )


def _terms(visit: Visit) -> dict[str, Any]:
    """What can be changed as well. Raises Refused for metadata that is no JSON."""
    form = visit.form
    limit = fields.whole(form, "quota")
    period, timezone = form.get("period"), form.get("timezone") or "UTC"
    quota = {"limit": limit, "period": period, "timezone": timezone}
    return {
        "name": form.get("name"),
        "scopes": fields.lines(form.get("scopes")),
        "limit": form.get("limit") or "off",
        "quota": None if limit is None else quota,
        "customerId": form.get("customerId") or None,
        "metadata": _json(form.get("metadata")),
        "expiresAt": fields.moment(form.get("expiresAt"), visit.zone),
    }


def _json(text: str) -> Any:
    """A JSON value; what is none stays text, for the API to refuse."""
    try:
        return msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        return text


async def create(visit: Visit) -> Response:
    """Make a gate key, and show its secret this once."""
    form = visit.form
    own = {"projectId": form.get("projectId") or None, "prefix": form.get("prefix")}
    try:
        made = await visit.api.send("POST", LIST, {**_terms(visit), **own}, once=form.once)
    except Refused as refused:
        return _form(visit, form.refused(refused, sent_before=MADE_BEFORE), None, refused.status)
    return visit.page("gate/made.html", key=made, rotated=False, grace=False)


async def edit(visit: Visit) -> Response:
    """Show the form that changes a gate key."""
    key = await visit.api.get(at(LIST, visit.path["key"]))
    quota = key["quota"] or {"limit": None, "period": "month", "timezone": "UTC"}
    values = {
        "name": key["name"],
        "scopes": "\n".join(key["scopes"]),
        "limit": fields.limits_typed(key["limits"]) if key["limits"] else "",
        "quota": quota["limit"],
        "period": quota["period"],
        "timezone": quota["timezone"],
        "customerId": key["customerId"],
        "metadata": _pretty(key["metadata"]),
        "expiresAt": fields.typed(key["expiresAt"], visit.zone),
    }
    return _form(visit, Form.starting(values), key)


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() if value else ""


async def change(visit: Visit) -> Response:
    """Change a gate key."""
    where = at(LIST, visit.path["key"])
    key = await visit.api.get(where)
    changes = _terms(visit)
    if fields.typed(key["expiresAt"], visit.zone) == visit.form.get("expiresAt"):
        del changes["expiresAt"]
    try:
        await visit.api.send("PATCH", where, changes, once=visit.form.once)
    except Refused as refused:
        return _form(visit, visit.form.refused(refused), key, refused.status)
    return visit.redirect(_page(visit), "The gate key was changed.")


def _page(visit: Visit) -> str:
    return visit.url("gate", "keys", visit.path["key"])


async def rotate(visit: Visit) -> Response:
    """Give a gate key a new secret, and show it this once."""
    body = {"graceSeconds": fields.whole(visit.form, "graceSeconds") or 0}
    where = at(LIST, visit.path["key"], "rotate")
    try:
        made = await visit.api.send("POST", where, body, once=visit.form.once)
    except Refused as refused:
        return await _one(
            visit, visit.form.refused(refused, sent_before=MADE_BEFORE), refused.status
        )
    grace = visit.form.get("graceSeconds", "0") != "0"
    return visit.page("gate/made.html", key=made, rotated=True, grace=grace)


async def switch(visit: Visit) -> Response:
    """Enable or disable a gate key."""
    enabled = visit.form.get("enabled") == "yes"
    where = at(LIST, visit.path["key"])
    await visit.api.send("PATCH", where, {"enabled": enabled}, once=visit.form.once)
    words = "The gate key passes again." if enabled else "The gate key is refused from now on."
    return visit.redirect(_page(visit), words)


async def end(visit: Visit) -> Response:
    """End a gate key for good."""
    await visit.api.send("DELETE", at(LIST, visit.path["key"]), once=visit.form.once)
    return visit.redirect(visit.url("gate"), "The gate key was ended.")
