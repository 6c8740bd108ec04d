"""A message that is sent by hand, to try things out."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit

KINDS = {"webhook": "Webhook", "email": "E-mail"}
EXAMPLE = '{\n  "hello": "world"\n}'
RECIPIENTS_MAX = 50
NAMES = {
    **{f"{kind}.{name}": name for kind in KINDS for name in ("url", "payload", "subject")},
    **{f"email.{name}": name for name in ("to", "from", "text", "html")},
    **{f"email.to.{index}": "to" for index in range(RECIPIENTS_MAX)},
}
"""Fields by the paths of the API's body."""


async def show(visit: Visit) -> Response:
    """Show the form."""
    kind = visit.query.get("kind", "webhook")
    return _show(visit, Form.starting({"payload": EXAMPLE, "kind": kind}))


def _show(visit: Visit, form: Form, status: int = 200) -> Response:
    kind = form.get("kind") if form.get("kind") in KINDS else "webhook"
    return visit.page("deliveries/compose.html", status, form=form, kind=kind, kinds=KINDS)


async def send(visit: Visit) -> Response:
    """Send it, and lead to it."""
    form = visit.form
    try:
        body = {"email": _mail(form)} if form.get("kind") == "email" else {"webhook": _hook(form)}
    except ValueError as wrong:
        return _show(visit, form.wrong("payload", str(wrong)), 400)
    try:
        sent = await visit.api.send("POST", "/v1/messages", body, once=form.once)
    except Refused as refused:
        return _show(visit, form.refused(refused, NAMES), refused.status)
    deliveries = sent["deliveries"]
    if len(deliveries) == 1:
        return visit.redirect(visit.url("deliveries", deliveries[0]["id"]), "It is on its way.")
    return visit.redirect(visit.url("messages", sent["id"]), "It is on its way.")


def _hook(form: Form) -> dict[str, Any]:
    """Raises ValueError for a payload that is no JSON."""
    try:
        payload = msgspec.json.decode(form.get("payload"))
    except msgspec.DecodeError as wrong:
        raise ValueError(f"Must be JSON. {wrong}") from None
    return {"url": form.get("url"), "payload": payload}


def _mail(form: Form) -> dict[str, Any]:
    to = [one.strip() for one in form.get("to").split(",") if one.strip()]
    given = {name: form.get(name) for name in ("from", "subject", "text", "html") if name in form}
    return {"to": to, **given}
