"""`/v1/templates`: texts of messages, in versions."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import Code
from gatepost.base.ids import TemplateId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import Cursor, DeletedOut, Limit
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.templatewire import (
    NewTemplateIn,
    PreviewIn,
    PreviewOut,
    TemplateChangesIn,
    TemplatesOut,
    TemplateWholeOut,
    show,
    show_whole,
)
from gatepost.domains.templates import model, render, store
from gatepost.domains.templates.model import Template
from gatepost.domains.templates.store import NOUN
from gatepost.engine import publish as verbs
from gatepost.engine.publish import NewTemplate, TemplateChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body


class TemplateQuery(msgspec.Struct, frozen=True):
    """Which templates, and which page of them."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT
    alias: Annotated[str, Meta(max_length=model.ALIAS_MAX)] | UnsetType = UNSET
    published: Annotated[bool, Meta(description="Only those that are published.")] = False


class Change(msgspec.Struct, frozen=True):
    """What to change of which version."""

    template_id: TemplateId
    changes: TemplateChanges


class Preview(msgspec.Struct, frozen=True):
    """Which version to fill in, and with what."""

    template_id: TemplateId
    given: PreviewIn


_new_body = Body(NewTemplateIn)
_changes_body = Body(TemplateChangesIn)
_preview_body = Body(PreviewIn)


def parse_new(_call: Call, body: bytes) -> NewTemplate:
    """Read a version to be; raises INVALID."""
    given: NewTemplateIn = _new_body.decode(body)
    return NewTemplate(
        alias=given.alias,
        name=given.name or given.alias,
        subject=given.subject,
        html=given.html,
        text=given.text,
        sender=given.sender,
        reply_to=given.reply_to,
        publish=None if given.publish is UNSET else bool(given.publish),
    )


async def prepare_new(_call: Call, new: NewTemplate) -> NewTemplate:
    """See that its texts are templates; raises INVALID."""
    await asyncio.to_thread(render.check, subject=new.subject, html=new.html, text=new.text)
    return new


def create(tx: Tx, call: Call, command: NewTemplate) -> Reply:
    """Make a version."""
    admin.grantor(tx, call)
    made = verbs.create(tx, call.caller.account_id, command, call.actor, call.now)
    return ok(call, _whole(tx, made), 201)


def parse_query(call: Call, _body: bytes) -> TemplateQuery:
    """Read which ones; raises INVALID."""
    asked: TemplateQuery = queries.read(call, TemplateQuery)
    admin.read_cursor(asked.cursor)
    return asked


def list_(tx: Tx, call: Call, asked: TemplateQuery) -> Reply:
    """A page of the account's templates."""
    after = admin.read_cursor(asked.cursor)
    found = store.list_(
        tx,
        call.caller.account_id,
        alias=None if asked.alias is UNSET else str(asked.alias),
        only_published=asked.published,
        after=None if after is None else TemplateId(after),
        limit=asked.limit + 1,
    )
    page = paging.page(found, asked.limit, lambda one: one.id)
    return ok(call, TemplatesOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> TemplateId:
    """Read the id in the path; raises NOT_FOUND."""
    return TemplateId(ids.parse(NOUN, call.params["id"]))


def get(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """Read one version."""
    return ok(call, _whole(tx, store.get(tx, call.caller.account_id, template_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    template_id = parse_id(call, body)
    given: TemplateChangesIn = _changes_body.decode(body)
    return Change(template_id, TemplateChanges(**msgspec.structs.asdict(given)))


async def prepare_changes(_call: Call, change: Change) -> Change:
    """See that new texts are templates; raises INVALID."""
    new = change.changes
    texts = {"subject": new.subject, "html": new.html, "text": new.text}
    given = {name: one for name, one in texts.items() if isinstance(one, str)}
    await asyncio.to_thread(render.check, **given)
    return change


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a version."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    changed = verbs.change(
        tx, account_id, command.template_id, command.changes, call.actor, call.now
    )
    return ok(call, _whole(tx, changed))


def publish(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """Publish a version."""
    admin.grantor(tx, call)
    made = verbs.publish(tx, call.caller.account_id, template_id, call.actor, call.now)
    return ok(call, _whole(tx, made))


def parse_preview(call: Call, body: bytes) -> Preview:
    """Read what to fill it in with; raises INVALID, or NOT_FOUND."""
    return Preview(parse_id(call, body), _preview_body.decode(body))


def preview(tx: Tx, call: Call, command: Preview) -> Reply:
    """Fill a version in."""
    template = store.get(tx, call.caller.account_id, command.template_id)
    given = command.given
    made = render.render(template, given.variables, strict=given.strict)
    return ok(call, PreviewOut(made.subject, made.html, made.text))


def delete(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """End a version."""
    admin.grantor(tx, call)
    gone = verbs.end(tx, call.caller.account_id, template_id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show(NOUN, gone.id), gone.name))


def _whole(tx: Tx, template: Template) -> TemplateWholeOut:
    return show_whole(template, store.versions(tx, template.account_id, template.alias))


def _endpoint(operation: str, method: str, path: str, *, reads: bool, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.TEMPLATES_READ if reads else Scope.TEMPLATES_WRITE,
        tag="Templates",
        charge=free,
        writes=not reads,
        project=False,
        admin=True,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "createTemplate",
        "POST",
        "/v1/templates",
        reads=False,
        summary="Make a template, or a further version of one",
        description="Places are `{{ name }}`; `{% if %}`, `{% for %}`, comparisons and a few "
        "filters may be used, and nothing else.",
        parse=parse_new,
        prepare=prepare_new,
        run=create,
        status=201,
        request=NewTemplateIn,
        response=TemplateWholeOut,
        example={
            "alias": "welcome",
            "subject": "Welcome, {{ user.name }}",
            "html": "<p>Hello {{ user.name }}</p>",
            "text": "Hello {{ user.name }}",
        },
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listTemplates",
        "GET",
        "/v1/templates",
        reads=True,
        summary="List templates",
        description="All versions, oldest first, without their texts.",
        parse=parse_query,
        run=list_,
        query=TemplateQuery,
        response=TemplatesOut,
    ),
    _endpoint(
        "getTemplate",
        "GET",
        "/v1/templates/{id}",
        reads=True,
        summary="Read a version of a template",
        parse=parse_id,
        run=get,
        response=TemplateWholeOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateTemplate",
        "PATCH",
        "/v1/templates/{id}",
        reads=False,
        summary="Change a version of a template",
        description="Where it is published, that shows at once.",
        parse=parse_changes,
        prepare=prepare_changes,
        run=update,
        request=TemplateChangesIn,
        response=TemplateWholeOut,
        example={"subject": "Good to see you, {{ user.name }}"},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "publishTemplate",
        "POST",
        "/v1/templates/{id}/publish",
        reads=False,
        summary="Publish a version of a template",
        description="Its alias means this version from now on.",
        parse=parse_id,
        run=publish,
        response=TemplateWholeOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "previewTemplate",
        "POST",
        "/v1/templates/{id}/preview",
        reads=True,
        summary="Fill a version of a template in",
        description="Nothing is sent.",
        parse=parse_preview,
        run=preview,
        request=PreviewIn,
        response=PreviewOut,
        example={"variables": {"user": {"name": "Ada"}}, "strict": True},
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "deleteTemplate",
        "DELETE",
        "/v1/templates/{id}",
        reads=False,
        summary="Delete a version of a template",
        description="Where it was published, its alias means no version any more.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
