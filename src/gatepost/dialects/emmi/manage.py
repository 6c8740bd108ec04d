"""What the endpoints for customers, their quotas and their usage have in common."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.errors import AppError, invalid
from gatepost.dialects.emmi import wire
from gatepost.dialects.emmi.paths import place
from gatepost.engine import keyring
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free

LIMIT_DEFAULT = 25
LIMIT_MAX = 100
TIME_BYTES = 8
TIME_MAX = 2**63 - 1

Cursor = Annotated[str, Meta(max_length=2000, description="The `next_cursor` of a page.")]
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How long a page is.")]


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    cursor: Cursor | UnsetType = UNSET
    limit: Limit = LIMIT_DEFAULT


def wrong_cursor() -> AppError:
    """Refuse a cursor that the list has not given."""
    return invalid((["cursor"], "Not a cursor of this list"))


def decode_place(cursor: str | UnsetType) -> tuple[int, bytes] | None:
    """Read a cursor that is a moment (ms) and an id; raises INVALID."""
    if cursor is UNSET:
        return None
    raw = paging.decode(str(cursor))
    at = int.from_bytes(raw[:TIME_BYTES])
    if len(raw) != TIME_BYTES + paging.ID_BYTES or at > TIME_MAX:
        raise wrong_cursor()
    return at, raw[TIME_BYTES:]


def position(at: int, raw: bytes) -> bytes:
    """Write a moment (ms) and an id, as `decode_place` reads them."""
    return at.to_bytes(TIME_BYTES) + raw


def check_key(tx: Tx, call: Call) -> None:
    """Raise FORBIDDEN if the calling key has ended before this transaction."""
    keyring.grantor_of(tx, call.caller.account_id, call.caller.key_id, call.now)


def changed(tx: Tx, call: Call) -> None:
    """Let every process see what this transaction changes, once it is committed."""
    tx.after_commit(call.services.revoked)


def endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    """An endpoint that manages customers."""
    reads = method == "GET"
    where = place(path)
    about: dict[str, Any] = {
        "scope": Scope.CUSTOMERS_READ if reads else Scope.CUSTOMERS_WRITE,
        "tag": "Customers",
        "admin": True,
        "samples": (
            *([wire.no_json()] if "request" in more else ()),
            *([wrong_cursor()] if "query" in more else ()),
        ),
    }
    return Endpoint(
        operation=operation,
        method=method,
        path=where.path,
        aliases=where.aliases,
        charge=free,
        writes=not reads,
        project=False,
        **about | more,
    )
