"""One version of a template: its texts, changed or published."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

WORDS = ("subject", "name", "from", "replyTo")
TEXTS = ("html", "text")


async def show_new(visit: Visit) -> Response:
    """Show the form of a template to be."""
    return _new(visit, Form.starting())


async def make(visit: Visit) -> Response:
    """Make a template."""
    form = visit.form
    body = {"alias": form.get("alias"), **_body(form)}
    try:
        made = await visit.api.send("POST", "/v1/templates", body, once=form.once)
    except Refused as refused:
        return _new(visit, form.refused(refused), refused.status)
    said = "The template was made." if made["published"] else "A further version was made."
    return visit.redirect(visit.url("templates", made["id"]), said)


async def show(visit: Visit) -> Response:
    """Show one version."""
    template = await visit.api.get(at("/v1/templates", visit.path["template"]))
    return _show(visit, template, Form.starting(template))


async def change(visit: Visit) -> Response:
    """Save this version, or what was typed as a further one."""
    form, template_id = visit.form, visit.path["template"]
    path = at("/v1/templates", template_id)
    template = await visit.api.get(path)
    try:
        if form.get("do") == "version":
            body = {"alias": template["alias"], **_body(form), "publish": False}
            made = await visit.api.send("POST", "/v1/templates", body, once=form.once)
            said = f"Version {made['version']} was made. Publish it when it is ready."
            return visit.redirect(visit.url("templates", made["id"]), said)
        changes = _body(form) | {"name": form.get("name") or template["alias"]}
        await visit.api.send("PATCH", path, changes, once=form.once)
    except Refused as refused:
        return _show(visit, template, form.refused(refused), refused.status)
    return visit.redirect(visit.url("templates", template_id), "This version was saved.")


async def publish(visit: Visit) -> Response:
    """Let the alias mean this version."""
    template_id = visit.path["template"]
    path = at("/v1/templates", template_id, "publish")
    await visit.api.send("POST", path, once=visit.form.once)
    return visit.redirect(visit.url("templates", template_id), "This version is published.")


async def delete(visit: Visit) -> Response:
    """End a version."""
    path = at("/v1/templates", visit.path["template"])
    await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("templates"), "The version was deleted.")


def _body(form: Form) -> dict[str, Any]:
    """What was typed as the API takes it; a text that is empty is none."""
    words = {name: form.get(name) for name in WORDS}
    return {**words, **{name: form.get(name) or None for name in TEXTS}}


def _new(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page("templates/new.html", status, form=form)


def _show(visit: Visit, template: Any, form: Form, status: int = 200) -> Response:
    return visit.page(
        "templates/template.html",
        status,
        template=template,
        form=form,
        may_write=visit.api.may(Scope.TEMPLATES_WRITE),
    )
