"""All accounts of the installation, for superusers: made, put on a plan, switched on and off."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.operations import common
from gatepost.dashboard.visit import Visit

ACCOUNTS = "/v1/operations/accounts"
PAGE = 20
USUAL = "default"
TONES = {"active": "good", "inactive": "warn", "deleted": "plain"}
SAID = {"active": "The account is on.", "inactive": "The account is off: its keys are refused."}


async def show(visit: Visit) -> Response:
    """Show a page of them."""
    common.check(visit)
    return await _page(visit, Form.starting({"plan": USUAL}))


async def create(visit: Visit) -> Response:
    """Make one, and go there."""
    form = visit.form
    wanted = {"name": form.get("name"), "plan": form.get("plan")}
    try:
        made = await visit.api.send("POST", ACCOUNTS, wanted, once=form.once)
    except Refused as refused:
        return await _page(visit, form.refused(refused), refused.status)
    words = f"{made['name']} is made, and you are its owner. Invite others under Members."
    return visit.redirect(f"/dashboard/{made['id']}/members", words)


async def change(visit: Visit) -> Response:
    """Put one on another plan, or switch it on or off."""
    form, where = visit.form, visit.url("operations", "accounts")
    wanted = {name: form.get(name) for name in ("plan", "status") if name in form}
    try:
        await visit.api.send("PATCH", at(ACCOUNTS, form.get("id")), wanted, once=form.once)
    except Refused as refused:
        return visit.redirect(where, refused.detail, "problem")
    return visit.redirect(where, SAID.get(form.get("status"), "The plan is changed."))


async def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found = await visit.api.get(ACCOUNTS, query)
    return visit.page(
        "operations/accounts.html",
        status,
        found=found,
        form=form,
        plans=[(one, one) for one in found["plans"]],
        tones=TONES,
        mine={one.id for one in visit.accounts},
        tabs=common.tabs(visit, "accounts"),
    )
