"""Registering, changing and ending customers."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import fields
from gatepost.dashboard.visit import Visit

STATUSES = (
    ("active", "Active", "Requests for it are done."),
    ("inactive", "Inactive", "Requests for it are refused."),
)


async def new(visit: Visit) -> Response:
    """Show the form of a new customer."""
    return _form(visit, Form.starting(), None)


def _form(visit: Visit, form: Form, customer: Any, status: int = 200) -> Response:
    template = "customers/change.html"
    return visit.page(template, status, form=form, customer=customer, statuses=STATUSES)


def _wanted(form: Form) -> dict[str, Any]:
    return {
        "identifier": form.get("identifier"),
        "name": form.get("name"),
        "metadata": fields.pairs(form.get("metadata")),
    }


async def create(visit: Visit) -> Response:
    """Register a customer."""
    wanted = _wanted(visit.form)
    wanted["name"] = wanted["name"] or None
    try:
        made = await visit.api.send("POST", "/v1/customers", wanted, once=visit.form.once)
    except Refused as refused:
        return _form(visit, visit.form.refused(refused), None, refused.status)
    return visit.redirect(visit.url("customers", made["id"]), "The customer was registered.")


async def edit(visit: Visit) -> Response:
    """Show the form that changes a customer."""
    customer = await visit.api.get(at("/v1/customers", visit.path["customer"]))
    values = {name: customer[name] for name in ("identifier", "name", "status")}
    metadata = fields.typed_pairs(customer["metadata"])
    return _form(visit, Form.starting({**values, "metadata": metadata}), customer)


async def change(visit: Visit) -> Response:
    """Change a customer."""
    where = at("/v1/customers", visit.path["customer"])
    wanted = {**_wanted(visit.form), "status": visit.form.get("status")}
    try:
        made = await visit.api.send("PATCH", where, wanted, once=visit.form.once)
    except Refused as refused:
        customer = await visit.api.get(where)
        return _form(visit, visit.form.refused(refused), customer, refused.status)
    return visit.redirect(visit.url("customers", made["id"]), "The customer was changed.")


async def end(visit: Visit) -> Response:
    """End a customer, with its quota and its keys."""
    where = at("/v1/customers", visit.path["customer"])
    await visit.api.send("DELETE", where, once=visit.form.once)
    words = "The customer was ended. What it used can still be reported."
    return visit.redirect(visit.url("customers"), words)
