"""What the endpoints that manage keys and projects have in common."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import invalid, not_found
from gatepost.base.ids import ProjectId
from gatepost.dialects.native.listing import read_query
from gatepost.domains.audit.model import Actor
from gatepost.domains.keys.model import Key
from gatepost.engine import keyring
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

Cursor = Annotated[str, Meta(max_length=1000, description="The `nextCursor` of a page.")]
Limit = Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX)]


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


class DeletedOut(msgspec.Struct):
    """What was ended."""

    id: str
    name: str
    deleted: bool = True


def actor(call: Call) -> Actor:
    """The calling key, as the audit log names it."""
    caller = call.caller
    return Actor("key", ids.show("key", caller.key_id), caller.key_name, call.address or None)


def grantor(tx: Tx, call: Call) -> Key:
    """The calling key as it stands in this transaction; raises FORBIDDEN if it has ended."""
    return keyring.grantor_of(tx, call.caller.account_id, call.caller.key_id, call.now)


def changed(tx: Tx, call: Call) -> None:
    """Let no cached caller outlive the commit."""
    tx.after_commit(call.services.revoked)


def bound_elsewhere(call: Call, project_id: ProjectId) -> bool:
    """Whether the calling key is bound to another project, which hides this one."""
    bound = call.caller.project_id
    return bound is not None and bound != project_id


def read_project(call: Call, text: str) -> ProjectId:
    """Read a project's id; raises NOT_FOUND for one the calling key may not see."""
    project_id = ProjectId(ids.parse("project", text))
    if bound_elsewhere(call, project_id):
        raise not_found("project with this id")
    return project_id


def read_page(call: Call) -> tuple[bytes | None, int]:
    """Read where a page starts (an id) and how long it is; raises INVALID."""
    query, _ = read_query(call, PageQuery)
    return read_cursor(query.cursor), query.limit


def read_cursor(cursor: str | UnsetType) -> bytes | None:
    """Read a cursor that is an id; raises INVALID."""
    if cursor is UNSET:
        return None
    position = paging.decode(str(cursor))
    if len(position) != ids.HEX_LENGTH // 2:
        raise invalid((["cursor"], "Not a cursor of this list"))
    return position


def moment(at: int | None) -> str | None:
    """Write a moment that may not be."""
    return None if at is None else clock.iso(at)
