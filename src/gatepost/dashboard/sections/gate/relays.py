"""Relays: routes that lead through Gatepost to an API of one's own."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
LIST = "/v1/relays"
METHODS = tuple(
    (one, one) for one in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY")
)
CUSTOMERS = (
    ("optional", "Optional", "Requests may name their customer in X-Customer-ID."),
    ("required", "Required", "Requests that name none are refused."),
    ("ignored", "Ignored", "The header is not looked at."),
)


async def show(visit: Visit) -> Response:
    """Show the account's relays."""
    return await _show(visit)


async def _show(visit: Visit, secret: str = "") -> Response:
    query: Query = {"cursor": visit.query.get("cursor"), "limit": PAGE}
    found = await visit.api.page(LIST, "relays", query)
    return visit.page(
        "gate/relays.html",
        found=found,
        secret=secret,
        form=Form.starting(),
        csv=visit.stream(LIST, format="csv"),
        may_write=visit.api.may(Scope.RELAYS_WRITE),
    )


async def secret(visit: Visit) -> Response:
    """Show the secret that upstreams check signatures with."""
    found = await visit.api.get(LIST + "/secret")
    return await _show(visit, found["secret"])


async def new(visit: Visit) -> Response:
    """Show the form of a new relay."""
    values = {"method": "POST", "units": "1", "scope": "data:write", "customer": "optional"}
    return _form(visit, Form.starting({**values, "timeoutSeconds": "30"}), None)


def _form(visit: Visit, form: Form, relay: Any, status: int = 200) -> Response:
    return visit.page(
        "gate/relay.html", status, form=form, relay=relay, methods=METHODS, customers=CUSTOMERS
    )


def _wanted(form: Form) -> dict[str, Any]:
    return {
        "upstream": form.get("upstream"),
        "units": form.get("units") or "1",
        "scope": form.get("scope"),
        "customer": form.get("customer"),
        "timeoutSeconds": _seconds(form.get("timeoutSeconds")),
    }


def _seconds(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


async def create(visit: Visit) -> Response:
    """Declare a relay."""
    form = visit.form
    wanted = {**_wanted(form), "method": form.get("method"), "path": form.get("path")}
    try:
        await visit.api.send("POST", LIST, wanted, once=form.once)
    except Refused as refused:
        return _form(visit, form.refused(refused), None, refused.status)
    return visit.redirect(visit.url("gate", "relays"), "The relay leads on from now on.")


async def one(visit: Visit) -> Response:
    """Show a relay in the form that changes it."""
    relay = await visit.api.get(at(LIST, visit.path["relay"]))
    seconds = f"{relay['timeoutSeconds']:g}"
    return _form(visit, Form.starting({**relay, "timeoutSeconds": seconds}), relay)


async def change(visit: Visit) -> Response:
    """Change a relay: what was left as it stood is not sent."""
    where, form = at(LIST, visit.path["relay"]), visit.form
    relay = await visit.api.get(where)
    changes = {name: it for name, it in _wanted(form).items() if it != relay[name]}
    try:
        await visit.api.send("PATCH", where, changes, once=form.once)
    except Refused as refused:
        return _form(visit, form.refused(refused), relay, refused.status)
    return visit.redirect(visit.url("gate", "relays"), "The relay was changed.")


async def end(visit: Visit) -> Response:
    """End a relay."""
    await visit.api.send("DELETE", at(LIST, visit.path["relay"]), once=visit.form.once)
    return visit.redirect(visit.url("gate", "relays"), "The relay was ended.")
