"""Would this key pass? A check that charges nothing."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys import fields
from gatepost.dashboard.visit import Visit

REMEDIES = {
    "key_not_found": "It is mistyped, unknown or ended: these cannot be told apart.",
    "key_disabled": "Enable it on its page.",
    "key_expired": "Give it a later end on its page.",
    "scope_missing": "Give it a scope that grants the one asked for: that very one, or *.",
    "customer_not_found": "There is no such customer, or the key is bound to another one.",
    "customer_inactive": "Make the customer active again.",
    "rate_limited": "One of its limits is reached. It passes again after a while.",
    "quota_exceeded": "Its quota, or its customer's hard one, has less left than the cost.",
}


async def show(visit: Visit) -> Response:
    """Show the form."""
    form = Form.starting({"cost": "1", "scope": visit.query.get("scope")})
    return _page(visit, form, None)


def _page(visit: Visit, form: Form, result: Any, status: int = 200) -> Response:
    template = "gate/check.html"
    return visit.page(template, status, form=form, result=result, remedies=REMEDIES)


async def check(visit: Visit) -> Response:
    """Make the check; the secret is not shown again."""
    form = visit.form
    wanted = {
        "key": form.get("key"),
        "scope": form.get("scope") or None,
        "cost": fields.whole(form, "cost") if "cost" in form else 1,
        "customer": form.get("customer") or None,
        "dryRun": True,
    }
    try:
        result = await visit.api.send("POST", "/v1/gate/check", wanted)
    except Refused as refused:
        return _page(visit, form.refused(refused), None, refused.status)
    return _page(visit, form, result)
