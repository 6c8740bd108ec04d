"""What becomes of a template; its HTML is a document of its own, in which nothing can run."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.templates import sample
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

INVALID = 400
FRAMED = {
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'",
    "x-frame-options": "SAMEORIGIN",
}
"""Headers of somebody's HTML: it has its own styles, and nothing else."""


async def show(visit: Visit) -> Response:
    """Show what becomes of it, with variables of the address or made up ones."""
    template = await visit.api.get(at("/v1/templates", visit.path["template"]))
    text = visit.query.get("variables")
    form = Form([("variables", text), ("strict", visit.query.get("strict"))])
    if not text:
        wanted = sample.variables(template["subject"], template["html"], template["text"])
        text = msgspec.json.format(msgspec.json.encode(wanted), indent=2).decode()
        form = Form([("variables", text)])
    made, status = None, 200
    try:
        made = await _fill(visit, text)
    except Refused as refused:
        form, status = form.refused(refused), refused.status
    except (msgspec.MsgspecError, RecursionError) as wrong:
        form, status = form.wrong("variables", f"Not a JSON object: {wrong}"), INVALID
    return visit.page(
        "templates/preview.html",
        status,
        template=template,
        form=form,
        made=made,
        variables=text,
        may_write=visit.api.may(Scope.TEMPLATES_WRITE),
    )


async def frame(visit: Visit) -> Response:
    """The HTML itself."""
    try:
        made = await _fill(visit, visit.query.get("variables", "{}"))
    except (msgspec.MsgspecError, RecursionError):
        made = {"html": None}
    return HTMLResponse(made["html"] or "", headers=FRAMED)


async def _fill(visit: Visit, variables: str) -> Any:
    """Fill it in. Raises Refused, or MsgspecError for variables that are no object."""
    given = msgspec.json.decode(variables, type=dict[str, Any])
    body = {"variables": given, "strict": bool(visit.query.get("strict"))}
    path = at("/v1/templates", visit.path["template"], "preview")
    return await visit.api.send("POST", path, body)
