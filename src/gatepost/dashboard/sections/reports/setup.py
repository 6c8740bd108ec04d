"""How events are sent to an aggregator, and whether the first one has come."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.reports.manage import where
from gatepost.dashboard.sections.reports.snippets import KEY, SNIPPETS
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

USUAL = "curl"


async def show(visit: Visit) -> Response:
    """Show the request in a language."""
    return await _show(visit, Form.starting())


async def make_key(visit: Visit) -> Response:
    """Make a key that can only count, and show it this once in its place."""
    form = visit.form
    wanted = {
        "name": f"Counting {form.once[:6]}",
        "format": "eventicat",
        "scopes": [Scope.COUNTS_WRITE],
    }
    try:
        made = await visit.api.send("POST", "/v1/keys", wanted, once=form.once)
    except Refused as refused:
        return await _show(visit, form.refused(refused), status=refused.status)
    return await _show(visit, Form.starting(), secret=made["key"])


async def _show(visit: Visit, form: Form, *, secret: str = "", status: int = 200) -> Response:
    one = await visit.api.get(where(visit), {"days": 1})
    asked = visit.query.get("lang", USUAL)
    chosen = SNIPPETS.get(asked, SNIPPETS[USUAL])
    return visit.page(
        "reports/setup.html",
        status,
        one=one,
        form=form,
        secret=secret,
        snippets=SNIPPETS,
        chosen=chosen,
        text=chosen.filled(visit.address, one["id"], secret or KEY),
        look=visit.stream(where(visit), days=1),
        may_make_key=visit.api.may(Scope.KEYS_WRITE),
    )
