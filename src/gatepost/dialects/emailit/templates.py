"""`/v2/templates`: texts of mails, in versions."""

from __future__ import annotations

import asyncio
from itertools import count

import msgspec

from gatepost.base import ids
from gatepost.base.errors import Code
from gatepost.base.ids import TemplateId
from gatepost.dialects.emailit import lists, manage, templatewire, wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked
from gatepost.dialects.emailit.templatewire import (
    EDITOR,
    KIND,
    LIMIT,
    DeletedTemplateOut,
    FoundTemplateOut,
    NewTemplateIn,
    TemplateChangesIn,
    TemplatesOut,
    TemplatesQuery,
    WholeTemplateOut,
    alias_of,
    show_found,
    show_whole,
)
from gatepost.domains.accounts import store as accounts
from gatepost.domains.templates import model, render, store
from gatepost.domains.templates.model import Template
from gatepost.engine import milestones, publish
from gatepost.engine.milestones import Milestone
from gatepost.engine.publish import NewTemplate, TemplateChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/templates"
ONE = f"{PATH}/{{id}}"
WAYS = ("asc", "desc")

_new_body = Body(NewTemplateIn)
_changes_body = Body(TemplateChangesIn)


class Change(msgspec.Struct, frozen=True):
    """What to change of which version; the alias it must have, if one is named."""

    template_id: TemplateId
    changes: TemplateChanges
    alias: str | None


class Listing(msgspec.Struct, frozen=True):
    """Which templates are asked for."""

    asked: Asked
    name: str
    alias: str
    editor: str


def parse_new(_call: Call, body: bytes) -> NewTemplate:
    """Read a version to be, whose alias is empty where one is to be made; raises INVALID."""
    given: NewTemplateIn = _new_body.decode(body)
    return NewTemplate(
        alias=given.alias if isinstance(given.alias, str) else "",
        name=given.name,
        subject=given.subject or "",
        html=given.html,
        text=given.text,
        sender=given.sender or "",
        reply_to=given.reply_to or "",
    )


async def prepare_new(_call: Call, new: NewTemplate) -> NewTemplate:
    """See that its texts are templates; raises INVALID."""
    await asyncio.to_thread(render.check, subject=new.subject, html=new.html, text=new.text)
    return new


def create(tx: Tx, call: Call, new: NewTemplate) -> Reply:
    """Make a version."""
    manage.grantor(tx, call)
    account_id = call.caller.account_id
    if not new.alias:
        accounts.hold(tx, account_id)
        new = msgspec.structs.replace(new, alias=_free_alias(tx, call, alias_of(new.name)))
    made = publish.create(tx, account_id, new, call.actor, call.now)
    return _told(tx, call, made, "created", 201)


def _free_alias(tx: Tx, call: Call, wanted: str) -> str:
    """An alias that no template has had: the one wanted, or with a number behind it."""
    account_id = call.caller.account_id
    if store.next_version(tx, account_id, wanted) == 1:
        return wanted
    kept = model.ALIAS_MAX - len("-00000")
    numbered = (f"{wanted[:kept]}-{number}" for number in count(2))
    return next(one for one in numbered if store.next_version(tx, account_id, one) == 1)


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which templates; raises INVALID."""
    asked = lists.read(call, PATH, limit=LIMIT)
    given = dict(queries.pairs(call))
    if asked.order in {"", *WAYS}:
        descending = asked.order == "desc" if asked.order else asked.descending
        asked = msgspec.structs.replace(asked, order=given.get("sort", ""), descending=descending)
    names = (given.get(f"filter[{one}]", "") for one in ("name", "alias", "editor"))
    return Listing(asked, *names)


def list_(tx: Tx, call: Call, command: Listing) -> Reply:
    """A page of the account's published templates."""
    asked = command.asked
    found = store.list_(tx, call.caller.account_id, only_published=True, texts=False)
    wanted = [one for one in reversed(found) if _is_wanted(one, command)]
    rows = lists.narrowed([msgspec.to_builtins(templatewire.show(one)) for one in wanted], asked)
    end = asked.offset + asked.limit
    return lists.paged(
        call,
        rows[asked.offset : end],
        asked,
        more=len(rows) > end,
        total_records=len(rows),
        per_page=asked.limit,
        current_page=asked.page,
        total_pages=-(-len(rows) // asked.limit),
    )


def _is_wanted(one: Template, command: Listing) -> bool:
    named = command.name.casefold() in one.name.casefold()
    return named and command.alias in {"", one.alias} and command.editor in {"", EDITOR}


def parse_id(call: Call, _body: bytes) -> TemplateId:
    """Read the id in the path; raises NOT_FOUND."""
    return TemplateId(wire.read_id(wire.TEMPLATE, call.params["id"]))


def get(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """Read one version."""
    account_id = call.caller.account_id
    found = store.get(tx, account_id, template_id)
    return reply(show_found(found, store.versions(tx, account_id, found.alias)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    template_id = parse_id(call, body)
    given: TemplateChangesIn = _changes_body.decode(body)
    alias = given.alias if isinstance(given.alias, str) else None
    return Change(template_id, templatewire.changes(given), alias)


async def prepare_changes(_call: Call, change: Change) -> Change:
    """See that new texts are templates; raises INVALID."""
    new = change.changes
    texts = {"subject": new.subject, "html": new.html, "text": new.text}
    given = {name: one for name, one in texts.items() if isinstance(one, str)}
    await asyncio.to_thread(render.check, **given)
    return change


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a version; it stays published, or a draft."""
    manage.grantor(tx, call)
    account_id = call.caller.account_id
    before = store.get(tx, account_id, command.template_id)
    if command.alias not in {None, before.alias}:
        raise wire.problem("alias", "Cannot be changed: make a template of that alias")
    changed = publish.change(tx, account_id, before.id, command.changes, call.actor, call.now)
    return _told(tx, call, changed, "updated")


def put_out(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """Publish a version."""
    manage.grantor(tx, call)
    out = publish.publish(tx, call.caller.account_id, template_id, call.actor, call.now)
    return _told(tx, call, out, "updated")


def delete(tx: Tx, call: Call, template_id: TemplateId) -> Reply:
    """End a version."""
    manage.grantor(tx, call)
    gone = publish.end(tx, call.caller.account_id, template_id, call.actor, call.now)
    _note(tx, call, gone, "deleted")
    shown = DeletedTemplateOut(ids.show(wire.TEMPLATE, gone.id), gone.name)
    return reply(shown, ring=call.project_id)


def _told(tx: Tx, call: Call, one: Template, what: str, status: int = 200) -> Reply:
    _note(tx, call, one, what)
    return reply(show_whole(one), status, ring=call.project_id)


def _note(tx: Tx, call: Call, one: Template, what: str) -> None:
    told = Milestone(
        account_id=one.account_id,
        project_id=call.project_id,
        type=f"{KIND}.{what}",
        object=msgspec.to_builtins(templatewire.show(one)),
    )
    milestones.note(tx, [told], call.now)


_endpoint = manage.managing("Templates", Scope.TEMPLATES_READ, Scope.TEMPLATES_WRITE)

ENDPOINTS = (
    _endpoint(
        "createTemplate",
        "POST",
        PATH,
        summary="Make a template, or a further version of one",
        description="Places are `{{name}}`. The first version of an alias is published, others are "
        "drafts.",
        parse=parse_new,
        prepare=prepare_new,
        run=create,
        status=201,
        request=NewTemplateIn,
        response=WholeTemplateOut,
        example={
            "name": "Welcome",
            "alias": "welcome",
            "subject": "Welcome, {{name}}",
            "html": "<h1>Hi {{name}}</h1>",
        },
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listTemplates",
        "GET",
        PATH,
        summary="List templates",
        description="Those that are published, without their texts; newest first, unless `sort` "
        "says otherwise.",
        parse=parse_list,
        run=list_,
        query=TemplatesQuery,
        response=TemplatesOut,
    ),
    _endpoint(
        "getTemplate",
        "GET",
        ONE,
        summary="Read a version of a template",
        parse=parse_id,
        run=get,
        response=FoundTemplateOut,
    ),
    _endpoint(
        "updateTemplate",
        "POST",
        ONE,
        summary="Change a version of a template",
        description="Where it is published, that shows at once.",
        parse=parse_changes,
        prepare=prepare_changes,
        run=update,
        request=TemplateChangesIn,
        response=WholeTemplateOut,
        example={"subject": "Good to see you, {{name}}"},
    ),
    _endpoint(
        "publishTemplate",
        "POST",
        f"{ONE}/publish",
        summary="Publish a version of a template",
        description="Its alias means this version from now on.",
        parse=parse_id,
        run=put_out,
        response=WholeTemplateOut,
    ),
    _endpoint(
        "deleteTemplate",
        "DELETE",
        ONE,
        summary="Delete a version of a template",
        description="Where it was published, its alias means no version any more.",
        parse=parse_id,
        run=delete,
        response=DeletedTemplateOut,
    ),
)
