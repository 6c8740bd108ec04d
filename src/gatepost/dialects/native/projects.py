"""`/v1/projects`: the parts of an account that events and keys belong to."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import ProjectId
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.projects import model, store
from gatepost.domains.projects.model import IdentifyMode, Project
from gatepost.engine import tenancy
from gatepost.engine.tenancy import ProjectChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.validate import Body

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Mode = Annotated[
    IdentifyMode,
    Meta(description="Whether a further identify replaces a person's properties or adds to them."),
]

Counting = Annotated[
    bool,
    Meta(
        description="Whether every event is counted as well, by channel and tags, so that "
        "`/v1/stats` can tell of months without a look at the events."
    ),
]


class NewProjectIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A project to be."""

    name: Name
    identify_mode: Mode = IdentifyMode.REPLACE
    counting: Counting = False


class ProjectChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    identify_mode: Mode | UnsetType = UNSET
    counting: Counting | UnsetType = UNSET


class ProjectOut(msgspec.Struct, rename="camel"):
    """A project."""

    id: str
    name: str
    identify_mode: Mode
    counting: Counting
    created_at: str
    updated_at: str


class ProjectsOut(msgspec.Struct, rename="camel"):
    """A page of projects; `next_cursor` is null on the last one."""

    projects: list[ProjectOut]
    next_cursor: str | None


class Change(msgspec.Struct, frozen=True):
    """What to change of which project."""

    project_id: ProjectId
    changes: ProjectChanges


_new_body = Body(NewProjectIn)
_changes_body = Body(ProjectChangesIn)


def parse_new(_call: Call, body: bytes) -> NewProjectIn:
    """Read a project to be; raises INVALID."""
    new: NewProjectIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, command: NewProjectIn) -> Reply:
    """Make a project."""
    if admin.grantor(tx, call).project_id is not None:
        raise AppError(Code.FORBIDDEN, "This key is bound to one project")
    project = tenancy.create_project(
        tx,
        call.caller.account_id,
        command.name,
        call.actor,
        call.now,
        command.identify_mode,
        counting=command.counting,
    )
    admin.changed(tx, call)
    return ok(call, show(project), 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return sheets.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's projects; a key bound to one sees that one."""
    after, limit = command
    found = store.list_(tx, call.caller.account_id, after=after, limit=limit + 1)
    page = paging.page(found, limit, lambda project: project.id)
    if call.caller.project_id is not None:
        only = store.get(tx, call.caller.account_id, call.caller.project_id)
        page = paging.Page([only], None)
    return sheets.reply(
        call, ProjectsOut([show(project) for project in page.rows], page.next_cursor)
    )


def parse_id(call: Call, _body: bytes) -> ProjectId:
    """Read the id in the path; raises NOT_FOUND."""
    return admin.read_project(call, call.params["id"])


def get(tx: Tx, call: Call, project_id: ProjectId) -> Reply:
    """Read one project."""
    return ok(call, show(store.get(tx, call.caller.account_id, project_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    project_id = parse_id(call, body)
    given = _changes_body.decode(body)
    return Change(
        project_id,
        ProjectChanges(name=given.name, identify_mode=given.identify_mode, counting=given.counting),
    )


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a project."""
    admin.grantor(tx, call)
    project = tenancy.update_project(
        tx,
        call.caller.account_id,
        command.project_id,
        command.changes,
        call.actor,
        call.now,
    )
    admin.changed(tx, call)
    return ok(call, show(project))


def delete(tx: Tx, call: Call, project_id: ProjectId) -> Reply:
    """End a project and its keys."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    project = tenancy.delete_project(tx, account_id, project_id, call.actor, call.now)
    admin.changed(tx, call)
    return ok(call, DeletedOut(ids.show("project", project.id), project.name))


def show(project: Project) -> ProjectOut:
    """Write a project for the wire."""
    return ProjectOut(
        ids.show("project", project.id),
        project.name,
        project.identify_mode,
        project.counting,
        clock.iso(project.created_at),
        clock.iso(project.updated_at),
    )


_endpoint = admin.managing("Projects", Scope.PROJECTS_READ, Scope.PROJECTS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createProject",
        "POST",
        "/v1/projects",
        summary="Make a project",
        description="Once an account has several, a key that is bound to none names one in the "
        "`X-Project-ID` header.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewProjectIn,
        response=ProjectOut,
        example={"name": "web shop"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listProjects",
        "GET",
        "/v1/projects",
        summary="List projects",
        description="Oldest first. A key bound to a project sees that one.",
        parse=parse_page,
        run=list_,
        query=SheetQuery,
        response=ProjectsOut,
        also=(sheet.CSV,),
    ),
    _endpoint(
        "getProject",
        "GET",
        "/v1/projects/{id}",
        summary="Read a project",
        parse=parse_id,
        run=get,
        response=ProjectOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateProject",
        "PATCH",
        "/v1/projects/{id}",
        summary="Rename a project, or change what identify does",
        parse=parse_changes,
        run=update,
        request=ProjectChangesIn,
        response=ProjectOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteProject",
        "DELETE",
        "/v1/projects/{id}",
        summary="End a project and every key bound to it",
        description="True when the call returns.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
