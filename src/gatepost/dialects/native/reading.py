"""How queries and bodies say which messages and deliveries they mean."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import invalid
from gatepost.base.ids import EndpointId, MessageId, ProjectId
from gatepost.dialects.native import admin
from gatepost.web import query as queries
from gatepost.web.contract import Call


def project(call: Call, text: str | UnsetType) -> ProjectId | None:
    """Read whose project is asked for, None for all the calling key may see; raises NOT_FOUND."""
    if isinstance(text, UnsetType):
        return call.caller.project_id
    return admin.read_project(call, text)


def endpoint(text: str | UnsetType) -> EndpointId | None:
    """Read an endpoint's id; raises NOT_FOUND."""
    return None if isinstance(text, UnsetType) else EndpointId(ids.parse("endpoint", text))


def message(text: str | UnsetType) -> MessageId | None:
    """Read a message's id; raises NOT_FOUND."""
    return None if isinstance(text, UnsetType) else MessageId(ids.parse("message", text))


def between(
    since: str | UnsetType, before: str | UnsetType, cursor: str | UnsetType = UNSET
) -> tuple[bytes | None, bytes | None]:
    """Read between which ids a page lies: the first one in, the second one out; raises INVALID."""
    low, high = (
        None if isinstance(text, UnsetType) else ids.floor_at(queries.moment(text, name))
        for name, text in (("since", since), ("before", before))
    )
    at = admin.read_cursor(cursor)
    return low, min((one for one in (high, at) if one is not None), default=None)


def moment(given: datetime | UnsetType, name: str) -> int | None:
    """Read a moment, in ms; raises INVALID."""
    if isinstance(given, UnsetType):
        return None
    try:
        at = clock.from_datetime(given)
        clock.iso(at)
    except (OverflowError, ValueError):
        raise invalid(([name], "Out of range")) from None
    return at
