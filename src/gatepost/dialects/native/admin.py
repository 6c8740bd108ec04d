"""What the endpoints that manage keys and projects have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import not_found
from gatepost.base.ids import ProjectId
from gatepost.domains.keys.model import Key
from gatepost.engine import keyring
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

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
    query = queries.read(call, PageQuery)
    return read_cursor(query.cursor), query.limit


def read_cursor(cursor: str | UnsetType) -> bytes | None:
    """Read a cursor that is an id; raises INVALID."""
    return None if cursor is UNSET else paging.decode_id(str(cursor))


def moment(at: int | None) -> str | None:
    """Write a moment that may not be."""
    return None if at is None else clock.iso(at)


def managing(tag: str, reading: Scope, writing: Scope, **usual: Any) -> Callable[..., Endpoint]:
    """What the endpoints that manage one resource have in common: they are free, their writes are
    those that are no GET, and their refusals are audited. `usual` and what each one says itself
    go before that.
    """

    def endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
        reads = method == "GET"
        given = {"scope": reading if reads else writing, "project": False, **usual, **more}
        return Endpoint(
            operation=operation,
            method=method,
            path=path,
            tag=tag,
            charge=free,
            writes=not reads,
            admin=True,
            **given,
        )

    return endpoint
