"""`/api/event`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.errors import AppError, Code
from gatepost.dialects.eventicat.envelope import INVALID_AGGREGATOR
from gatepost.dialects.eventicat.wire import Hit, about, hit
from gatepost.engine.count import METER, Count, Sender, count, open_for
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint

PATH = "/api/event"
BODY_BYTES_MAX = 65_536
DONE = b'{"status":"ok"}'


class EventQuery(msgspec.Struct):
    """Which aggregator, and what happened. Every other parameter is a tag; its value is ignored."""

    _id: Annotated[str, Meta(description="The aggregator's id.")]
    name: Annotated[str, Meta(description="What happened; in a POST it may be in the body.")] = ""
    _apikey: Annotated[str, Meta(description="The key, unless it is in the header.")] = ""


class EventBody(msgspec.Struct):
    """What happened. Every other member is a tag; its value is ignored."""

    name: Annotated[str, Meta(description="Else it is in the query.")] | UnsetType = UNSET


class Accepted(msgspec.Struct):
    """The event is counted, and will be after a crash."""

    status: str


def run(tx: Tx, calls: Sequence[Call], hits: Sequence[Hit]) -> list[Reply | AppError]:
    """Count one event per call."""
    places = [
        (call.caller.account_id, one.aggregator_id) for call, one in zip(calls, hits, strict=True)
    ]
    taking = open_for(tx, places)
    outcomes: list[Reply | AppError] = []
    senders, commands = [], []
    for call, one, place in zip(calls, hits, places, strict=True):
        if place not in taking:
            outcomes.append(AppError(Code.NOT_FOUND, INVALID_AGGREGATOR))
        elif one.problem is not None:
            outcomes.append(one.problem.error())
        else:
            senders.append(Sender(place[0], call.now))
            commands.append(Count(place[1], one.name, one.tags))
            outcomes.append(Reply(200, DONE))
    count(tx, senders, commands)
    return outcomes


def _charge(one: Hit) -> Charge | None:
    return Charge(METER) if one.problem is None else None


def _realm(one: Hit) -> bytes:
    return one.aggregator_id


def _endpoint(operation: str, method: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method=method,
        path=PATH,
        aliases=(f"{PATH}/",),
        scope=Scope.COUNTS_WRITE,
        summary=f"Count an event by {method}",
        tag="Events",
        parse=hit,
        run=run,
        charge=_charge,
        writes=True,
        vector=True,
        light=True,
        project=False,
        query=EventQuery,
        response=Accepted,
        realm=_realm,
        about=about,
        **more,
    )


ENDPOINTS = (
    _endpoint("countEventByGet", "GET", errors=(Code.NOT_FOUND, Code.TARGET_TOO_LONG)),
    _endpoint(
        "countEventByPost",
        "POST",
        request=EventBody,
        body_bytes_max=BODY_BYTES_MAX,
        example={"name": "user_signup", "env": "production"},
        errors=(Code.NOT_FOUND, Code.TARGET_TOO_LONG, Code.UNSUPPORTED_TYPE),
    ),
)
