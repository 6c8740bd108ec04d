"""`/v1/audit`: who changed what, and who was refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.dialects.native import reading, sheets
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.audit import store
from gatepost.domains.audit.model import Entry
from gatepost.domains.audit.store import Narrow
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call, Endpoint, free

Text = Annotated[str, Meta(max_length=255)]


class AuditQuery(SheetQuery, rename="camel", frozen=True):
    """Which lines, and which page of them."""

    action: (
        Annotated[
            Text,
            Meta(
                description="As `key.rotate`; `refused` for refused calls; `key.` for all of keys."
            ),
        ]
        | UnsetType
    ) = UNSET
    object: Annotated[Text, Meta(description="The id of what was acted upon.")] | UnsetType = UNSET
    actor: Annotated[Text, Meta(description="The id or the name of who acted.")] | UnsetType = UNSET
    project: Annotated[Text, Meta(description="A project's id.")] | UnsetType = UNSET
    since: Annotated[str, Meta(description="ISO 8601, inclusive.")] | UnsetType = UNSET
    before: Annotated[str, Meta(description="ISO 8601, exclusive.")] | UnsetType = UNSET


class ActorOut(msgspec.Struct):
    """Who acted: a `key`, the `cli` (a local user), or the `system`."""

    kind: str
    id: str | None
    name: str
    address: str | None


class EntryOut(msgspec.Struct, rename="camel"):
    """One line. `before` and `after` hold the members that changed, never a secret."""

    id: str
    at: str
    actor: ActorOut
    action: str
    object: str
    object_name: str
    project_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditOut(msgspec.Struct, rename="camel"):
    """A page of lines; `next_cursor` is null on the last one."""

    entries: list[EntryOut]
    next_cursor: str | None


def parse(call: Call, _body: bytes) -> tuple[Narrow, int]:
    """Read which lines, and how many; raises INVALID, and NOT_FOUND for a project not seen."""
    query: AuditQuery = queries.read(call, AuditQuery)
    since, before = reading.between(query.since, query.before, query.cursor)
    wanted = Narrow(
        project_id=reading.project(call, query.project),
        action=query.action or None,
        target=query.object or None,
        actor=query.actor or None,
        since=since,
        before=before,
    )
    return wanted, sheets.length(call, query.limit)


def run(tx: Tx, call: Call, command: tuple[Narrow, int]) -> Reply:
    """A page of the account's lines; a key bound to a project sees that project's."""
    wanted, limit = command
    found = store.list_(tx, call.caller.account_id, wanted, limit=limit + 1)
    page = paging.page(found, limit, lambda entry: entry.id)
    return sheets.reply(call, AuditOut([_show(entry) for entry in page.rows], page.next_cursor))


def _show(entry: Entry) -> EntryOut:
    actor = entry.actor
    return EntryOut(
        ids.show("audit", entry.id),
        clock.iso(entry.at),
        ActorOut(actor.kind, actor.id or None, actor.name, actor.address),
        entry.action,
        entry.object,
        entry.object_name,
        ids.show("project", entry.project_id) if entry.project_id else None,
        entry.before,
        entry.after,
    )


ENDPOINTS = (
    Endpoint(
        operation="listAudit",
        method="GET",
        path="/v1/audit",
        scope=Scope.AUDIT_READ,
        summary="List changes, and refused calls",
        description="Newest first, append-only. Changes to accounts, projects, keys and plans are "
        "in it as soon as they are made. Refused calls of those operations follow within a "
        "second; where one key is refused again and again for one reason, `after.count` tells "
        "how often in a minute. A key bound to a project sees that project's lines.",
        tag="Audit",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        project=False,
        admin=True,
        query=AuditQuery,
        response=AuditOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
)
