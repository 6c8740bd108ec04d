"""The last requests of the account, as they come in."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.operations import common
from gatepost.dashboard.visit import Visit

SHOWN = 50
FILTERS = ("outcome", "keyId", "route")
OUTCOMES = (("", "All"), ("accepted", "Accepted"), ("refused", "Refused"))
REDIRECT, REFUSED, FAILED = 300, 400, 500


async def show(visit: Visit) -> Response:
    """Show them."""
    form, status = Form(visit.query.pairs), 200
    asked = {name: visit.query.get(name) for name in FILTERS if name in visit.query}
    try:
        found = await visit.api.get("/v1/requests", {**asked, "limit": SHOWN})
    except Refused as refused:
        found, form, status = None, form.refused(refused), refused.status
    return visit.page(
        "operations/requests.html",
        status,
        form=form,
        found=found,
        narrowed=bool(asked),
        outcomes=OUTCOMES,
        tone=tone,
        tabs=common.tabs(visit, ""),
    )


def tone(status: int) -> str:
    """How a status looks."""
    if status < REDIRECT:
        return "good"
    return "plain" if status < REFUSED else "warn" if status < FAILED else "bad"
