"""Aggregators made, renamed, archived and deleted; projects that begin to count."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.base.errors import AppError, Code
from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

AGGREGATORS = "/v1/aggregators"
NO_PROJECT = AppError(Code.NOT_FOUND, "This account has no project.")


async def new(visit: Visit) -> Response:
    """Show the form for a new aggregator."""
    zone = str(visit.zone)
    return visit.page("reports/new.html", form=Form.starting({"timezone": zone}))


async def create(visit: Visit) -> Response:
    """Make an aggregator, and lead to how events are sent to it."""
    try:
        made = await visit.api.send("POST", AGGREGATORS, _typed(visit.form), once=visit.form.once)
    except Refused as refused:
        return visit.page("reports/new.html", refused.status, form=visit.form.refused(refused))
    return visit.redirect(visit.url("counts", made["id"], "setup"), "The aggregator was made")


async def settings(visit: Visit) -> Response:
    """Show the forms of one aggregator."""
    one = await visit.api.get(where(visit))
    values = {name: one[name] for name in ("name", "description", "timezone")}
    return _settings(visit, one, Form.starting(values))


async def change(visit: Visit) -> Response:
    """Rename or describe it."""
    form = visit.form
    try:
        await visit.api.send("PATCH", where(visit), _typed(form), once=form.once)
    except Refused as refused:
        one = await visit.api.get(where(visit))
        return _settings(visit, one, form.refused(refused), refused.status)
    return visit.redirect(visit.url("counts", visit.path["aggregator"]), "Saved")


async def archive(visit: Visit) -> Response:
    """Archive it, or take that back."""
    archived = visit.form.get("archived") == "yes"
    wanted = {"archived": archived}
    await visit.api.send("PATCH", where(visit), wanted, once=visit.form.once)
    said = "Archived: it takes no more events" if archived else "It takes events again"
    return visit.redirect(visit.url("counts", visit.path["aggregator"], "settings"), said)


async def delete(visit: Visit) -> Response:
    """End it and forget what was counted; its name must be typed."""
    one = await visit.api.get(where(visit))
    form = visit.form
    if form.get("confirm") != one["name"].strip():
        values = {name: one[name] for name in ("name", "description", "timezone")}
        wrong = Form.starting(values).wrong("confirm", "Must be the aggregator's name")
        return _settings(visit, one, wrong, 400)
    await visit.api.send("DELETE", where(visit), once=form.once)
    return visit.redirect(visit.url("counts"), "The aggregator and its counts were deleted")


async def start_counting(visit: Visit) -> Response:
    """Have the project count its events from now on."""
    if visit.project is None:
        raise NO_PROJECT
    path, wanted = at("/v1/projects", visit.project.id), {"counting": True}
    await visit.api.send("PATCH", path, wanted, once=visit.form.once)
    return visit.redirect(visit.url("counts", "events"), "Events are counted from now on")


def where(visit: Visit) -> str:
    """The aggregator in the path, as the API names it."""
    return at(AGGREGATORS, visit.path["aggregator"])


def _settings(visit: Visit, one: Any, form: Form, status: int = 200) -> Response:
    may = visit.api.may(Scope.AGGREGATORS_WRITE)
    return visit.page("reports/settings.html", status, one=one, form=form, may_write=may)


def _typed(form: Form) -> dict[str, str]:
    return {
        "name": form.get("name"),
        "description": form.get("description"),
        "timezone": form.get("timezone", "UTC"),
    }
