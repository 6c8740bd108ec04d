"""The secret of webhooks that go to no endpoint."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.endpoints.pages import GRACES, SHOWN_ONCE, rotation
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PATH = "/v1/messages/secret"


async def show(visit: Visit) -> Response:
    """Explain it; the secret is not on the page until somebody asks for it."""
    return _show(visit, Form.starting())


def _show(
    visit: Visit, form: Form, found: Any = None, grace: str = "", status: int = 200
) -> Response:
    return visit.page(
        "endpoints/direct.html",
        status,
        form=form,
        found=found,
        rotated=grace,
        graces=GRACES,
        may_change=visit.api.may(Scope.MESSAGES_WRITE),
    )


async def reveal(visit: Visit) -> Response:
    """Show it."""
    return _show(visit, Form.starting(), await visit.api.get(PATH))


async def rotate(visit: Visit) -> Response:
    """Choose another one, and show it."""
    form = visit.form
    try:
        found = await visit.api.send("POST", f"{PATH}/rotate", rotation(form), once=form.once)
    except Refused as refused:
        if refused.code == "idempotency_conflict":
            return visit.redirect(visit.url("endpoints", "direct"), SHOWN_ONCE, "problem")
        return _show(visit, form.refused(refused), status=refused.status)
    grace = dict(GRACES).get(form.get("grace"), GRACES[0][1])
    return _show(visit, Form.starting(), found, grace)


async def forget(visit: Visit) -> Response:
    """Go back to the one that the account began with."""
    where = visit.url("endpoints", "direct")
    try:
        await visit.api.send("DELETE", PATH, once=visit.form.once)
    except Refused as refused:
        if refused.code != "not_found":
            raise
        return visit.redirect(where, "No other secret was chosen.", "problem")
    return visit.redirect(where, "The secret that the account began with counts again.")
