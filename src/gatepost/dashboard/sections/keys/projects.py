"""Projects: the parts of an account that events and keys belong to."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
MODES = (
    ("replace", "Replace", "A further identify replaces what was known of a person."),
    ("merge", "Merge", "A further identify adds to what was known of a person."),
)


async def show(visit: Visit) -> Response:
    """Show the account's projects."""
    query: Query = {"cursor": visit.query.get("cursor"), "limit": PAGE}
    found = await visit.api.page("/v1/projects", "projects", query)
    return visit.page(
        "keys/projects.html",
        found=found,
        csv=visit.stream("/v1/projects", format="csv"),
        may_write=visit.api.may(Scope.PROJECTS_WRITE),
    )


async def new(visit: Visit) -> Response:
    """Show the form of a new project."""
    return _form(visit, Form.starting({"identifyMode": "replace"}), None)


def _form(visit: Visit, form: Form, project: dict[str, str] | None, status: int = 200) -> Response:
    return visit.page("keys/project.html", status, form=form, project=project, modes=MODES)


def _wanted(form: Form) -> dict[str, object]:
    return {
        "name": form.get("name"),
        "identifyMode": form.get("identifyMode"),
        "counting": "counting" in form,
    }


async def create(visit: Visit) -> Response:
    """Make a project."""
    try:
        made = await visit.api.send(
            "POST", "/v1/projects", _wanted(visit.form), once=visit.form.once
        )
    except Refused as refused:
        return _form(visit, visit.form.refused(refused), None, refused.status)
    return visit.redirect(visit.url("projects", project=made["id"]), "The project was made.")


async def one(visit: Visit) -> Response:
    """Show the form that changes a project, or ends it."""
    project = await visit.api.get(at("/v1/projects", visit.path["id"]))
    values = {
        "name": project["name"],
        "identifyMode": project["identifyMode"],
        "counting": "yes" if project["counting"] else None,
    }
    return _form(visit, Form.starting(values), project)


async def change(visit: Visit) -> Response:
    """Change a project."""
    where = at("/v1/projects", visit.path["id"])
    try:
        await visit.api.send("PATCH", where, _wanted(visit.form), once=visit.form.once)
    except Refused as refused:
        project = await visit.api.get(where)
        return _form(visit, visit.form.refused(refused), project, refused.status)
    return visit.redirect(visit.url("projects"), "The project was changed.")


async def end(visit: Visit) -> Response:
    """End a project; its name must be given once more."""
    where = at("/v1/projects", visit.path["id"])
    project = await visit.api.get(where)
    if visit.form.get("confirm") != project["name"]:
        wrong = Form.starting({**project, "counting": "yes" if project["counting"] else None})
        wrong = wrong.wrong("confirm", "That is not its name: nothing was ended.")
        return _form(visit, wrong, project, 400)
    await visit.api.send("DELETE", where, once=visit.form.once)
    return visit.redirect(visit.url("projects", project=None), "The project was ended.")
