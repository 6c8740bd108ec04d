"""Who gets no mails any more, and why."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.base.errors import Code
from gatepost.dashboard.desk import Page, Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.feed.asked import moment
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
TYPES = {
    "recipient": ("Suppressed here", "plain"),
    "bounce": ("Bounced", "warn"),
    "complaint": ("Complained", "bad"),
    "unsubscribe": ("Unsubscribed", "plain"),
}
"""Who has ended it: words, and the tone of their badge."""
MISNAMED = {"keepUntil": "until"}


async def list_(visit: Visit) -> Response:
    """Show a page of suppressions, or that of one address."""
    return await _show(visit, Form.starting())


async def make(visit: Visit) -> Response:
    """Suppress an address."""
    form = visit.form
    until = form.get("until")
    body = {
        "email": form.get("email"),
        "reason": form.get("reason"),
        "keepUntil": moment(until, visit.zone) if until else None,
    }
    try:
        made = await visit.api.send("POST", "/v1/suppressions", body, once=form.once)
    except Refused as refused:
        return await _show(visit, form.refused(refused, MISNAMED, "email"), refused.status)
    return visit.redirect(visit.url("suppressions"), f"{made['email']} gets no mail any more.")


async def delete(visit: Visit) -> Response:
    """End one."""
    path = at("/v1/suppressions", visit.path["suppression"])
    gone = await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("suppressions"), f"{gone['name']} gets mail again.")


async def _show(visit: Visit, form: Form, status: int = 200) -> Response:
    asked = {name: visit.query.get(name) for name in ("address", "type", "cursor")}
    return visit.page(
        "suppressions/list.html",
        status,
        found=await _find(visit, asked["address"], asked),
        asked=asked,
        narrowed=bool(asked["address"] or asked["type"]),
        search=Form.starting(asked),
        form=form,
        types=TYPES,
        may_write=visit.api.may(Scope.SUPPRESSIONS_WRITE),
    )


async def _find(visit: Visit, address: str, asked: Query) -> Page:
    if not address:
        query = {name: asked[name] for name in ("type", "cursor")}
        return await visit.api.page("/v1/suppressions", "suppressions", {**query, "limit": PAGE})
    try:
        return Page([await visit.api.get(at("/v1/suppressions", address))], None)
    except Refused as refused:
        if refused.code == Code.NOT_FOUND:
            return Page([], None)
        raise
