"""`/v1/requests`: what was answered lately, to watch requests come in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, invalid
from gatepost.dialects.native import admin
from gatepost.dialects.native.envelope import ok
from gatepost.gate import recent
from gatepost.gate.once import Reply
from gatepost.gate.recent import Answered
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

REFUSED_FROM = 400


class Which(StrEnum):
    """How a request ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class RecentQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which of the last requests."""

    outcome: Annotated[Which, Meta(description="How they ended.")] | UnsetType = UNSET
    key_id: Annotated[str, Meta(max_length=255, description="Those with this key.")] | UnsetType = (
        UNSET
    )
    route: (
        Annotated[str, Meta(max_length=255, description="A part of method and path.")] | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=recent.KEPT)] = recent.KEPT


class AnsweredOut(msgspec.Struct, rename="camel"):
    """One request. `code` and `message` tell why it was refused."""

    request_id: str
    at: str
    key_id: str
    key_name: str
    project_id: str | None
    route: str
    status: int
    duration_ms: int
    about: Annotated[
        str, Meta(description="Of what is only counted: the names of the event and of its tags.")
    ]
    code: str | None
    message: str | None


class RecentOut(msgspec.Struct, rename="camel"):
    """The last requests, newest first."""

    requests: list[AnsweredOut]
    process: Annotated[str, Meta(description="Which process answered them: host and number.")]
    processes: Annotated[int, Meta(description="How many answer: each knows its own alone.")]


class Wanted(msgspec.Struct, frozen=True):
    """The same, read."""

    refused: bool | None
    key_id: bytes | None
    route: str
    limit: int


def parse(call: Call, _body: bytes) -> Wanted:
    """Read which requests; raises INVALID."""
    query: RecentQuery = queries.read(call, RecentQuery)
    return Wanted(
        refused=None if query.outcome is UNSET else query.outcome is Which.REFUSED,
        key_id=None if query.key_id is UNSET else _key_id(query.key_id),
        route="" if query.route is UNSET else query.route.lower(),
        limit=query.limit,
    )


def _key_id(text: str) -> bytes:
    for noun in ("key", "gatekey"):
        try:
            return ids.parse(noun, text)
        except AppError:
            continue
    raise invalid((["keyId"], "Not the id of a key"))


def run(_tx: Tx, call: Call, wanted: Wanted) -> Reply:
    """The account's last requests; a key bound to a project sees that project's."""
    services, account_id = call.services, call.caller.account_id
    found = [
        _show(one)
        for one in services.recent.of(account_id, call.now)
        if _is_wanted(one, wanted) and not _hidden(call, one)
    ]
    answering = int(services.metrics.gauges["gatepost_servers"]())
    return ok(call, RecentOut(found[: wanted.limit], services.recent.place, answering))


def _hidden(call: Call, one: Answered) -> bool:
    return one.project_id is not None and admin.bound_elsewhere(call, one.project_id)


def _is_wanted(one: Answered, wanted: Wanted) -> bool:
    refused = one.status >= REFUSED_FROM
    if wanted.refused is not None and refused is not wanted.refused:
        return False
    if wanted.key_id is not None and one.key_id != wanted.key_id:
        return False
    return wanted.route in one.route.lower()


def _show(one: Answered) -> AnsweredOut:
    return AnsweredOut(
        request_id=one.request_id,
        at=clock.iso(one.at),
        key_id=ids.show("key", one.key_id),
        key_name=one.key_name,
        project_id=None if one.project_id is None else ids.show("project", one.project_id),
        route=one.route,
        status=one.status,
        duration_ms=one.duration_ms,
        about=one.about,
        code=one.code or None,
        message=one.reason or None,
    )


ENDPOINTS = (
    Endpoint(
        operation="listRecentRequests",
        method="GET",
        path="/v1/requests",
        scope=Scope.REFUSALS_READ,
        summary="List the last requests",
        description="The last hundred of the past hour, accepted and refused, newest first: who "
        "asked for what, how it ended, and how long it took. Neither what they said nor any "
        "secret is among it. They are in the memory of the process that answers, so that of "
        "several processes each knows its own, and none of them after a restart.",
        tag="Audit",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        project=False,
        admin=True,
        query=RecentQuery,
        response=RecentOut,
    ),
)
