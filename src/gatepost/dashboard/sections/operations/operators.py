"""All operators of the installation, for superusers: who they are, and whether they may sign in."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.base import ids
from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.operations import common
from gatepost.dashboard.visit import Visit

OPERATORS = "/v1/operations/operators"
PAGE = 20
OFF = "They may not sign in any more, and all their sessions have ended."


async def show(visit: Visit) -> Response:
    """Show a page of them."""
    common.check(visit)
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found = await visit.api.page(OPERATORS, "operators", query)
    return visit.page(
        "operations/operators.html",
        found=found,
        form=Form(),
        me=ids.show("operator", visit.operator.operator.id),
        tabs=common.tabs(visit, "operators"),
    )


async def switch(visit: Visit) -> Response:
    """Let one sign in, or not."""
    form, where = visit.form, visit.url("operations", "operators")
    wanted = {"enabled": form.get("enabled") == "yes"}
    try:
        await visit.api.send("PATCH", at(OPERATORS, form.get("id")), wanted, once=form.once)
    except Refused as refused:
        return visit.redirect(where, refused.detail, "problem")
    return visit.redirect(where, "They may sign in again." if wanted["enabled"] else OFF)
