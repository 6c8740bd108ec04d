"""`/api/v1/aggregators` and `/api/v1/key`: what events are sent to, and with what."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import AggregatorId
from gatepost.dialects.eventicat.envelope import reply
from gatepost.domains.aggregators import model, store
from gatepost.domains.aggregators.model import Aggregator
from gatepost.domains.keys.model import Key
from gatepost.engine import aggregate, keyring
from gatepost.engine.aggregate import AggregatorChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

PATH = "/api/v1/aggregators"
KEY_PATH = "/api/v1/key"
CREDENTIAL = ("_apikey",)
"""Parameters of any request that say who asks."""

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Description = Annotated[str, Meta(max_length=model.DESCRIPTION_MAX)]
Zone = Annotated[str, Meta(description="Whose days its reports show: an IANA time zone.")]
Archived = Annotated[
    bool, Meta(description="Whether it takes no more events. Its counts can still be read.")
]


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    cursor: Annotated[str, Meta(description="The `next_cursor` of a page.")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=paging.LIMIT_MAX)] = paging.LIMIT_DEFAULT


class NewAggregatorIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An aggregator to be."""

    name: Name
    description: Description = ""
    timezone: Zone = "UTC"


class AggregatorChangesIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET
    archived: Archived | UnsetType = UNSET


class AggregatorOut(msgspec.Struct):
    """An aggregator. Its id is the `_id` of events."""

    id: str
    name: str
    description: str
    timezone: Zone
    created_at: str
    archived: Archived


class AggregatorsOut(msgspec.Struct):
    """A page of aggregators; `next_cursor` is null on the last one."""

    aggregators: list[AggregatorOut]
    next_cursor: str | None


class DoneOut(msgspec.Struct):
    """It is done, and will be after a crash."""

    status: str = "ok"


class NewKeyOut(msgspec.Struct):
    """The calling key's new secret, which is shown this once."""

    key: str


class Change(msgspec.Struct, frozen=True):
    """What to change of which aggregator."""

    aggregator_id: AggregatorId
    changes: AggregatorChanges


_new_body = Body(NewAggregatorIn)
_changes_body = Body(AggregatorChangesIn)


def parse_new(_call: Call, body: bytes) -> NewAggregatorIn:
    """Read an aggregator to be; raises INVALID."""
    new: NewAggregatorIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, new: NewAggregatorIn) -> Reply:
    """Make an aggregator."""
    _grantor(tx, call)
    made = aggregate.create_aggregator(
        tx,
        call.caller.account_id,
        new.name,
        call.actor,
        call.now,
        description=new.description,
        timezone=new.timezone,
    )
    return reply(call, show(made), 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read where a page starts and how long it is; raises INVALID."""
    wanted: PageQuery = query.read(call, PageQuery, beside=CREDENTIAL)
    after = None if wanted.cursor is UNSET else paging.decode_id(str(wanted.cursor))
    return after, wanted.limit


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's aggregators."""
    after, limit = command
    last = None if after is None else AggregatorId(after)
    found = store.list_(tx, call.caller.account_id, after=last, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    return reply(call, AggregatorsOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> AggregatorId:
    """Read the id in the path; raises NOT_FOUND."""
    return AggregatorId(ids.parse("aggregator", call.params["id"]))


def get(tx: Tx, call: Call, aggregator_id: AggregatorId) -> Reply:
    """Read one aggregator."""
    return reply(call, show(store.get(tx, call.caller.account_id, aggregator_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    aggregator_id = parse_id(call, body)
    given: AggregatorChangesIn = _changes_body.decode(body)
    return Change(aggregator_id, AggregatorChanges(**msgspec.structs.asdict(given)))


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change an aggregator."""
    _grantor(tx, call)
    changed = aggregate.update_aggregator(
        tx,
        call.caller.account_id,
        command.aggregator_id,
        command.changes,
        call.actor,
        call.now,
    )
    return reply(call, show(changed))


def delete(tx: Tx, call: Call, aggregator_id: AggregatorId) -> Reply:
    """End an aggregator."""
    _grantor(tx, call)
    account_id = call.caller.account_id
    aggregate.delete_aggregator(tx, account_id, aggregator_id, call.actor, call.now)
    return reply(call, DoneOut())


def nothing(_call: Call, _body: bytes) -> None:
    """Parse an endpoint that takes no input."""


def regenerate(tx: Tx, call: Call, _command: None) -> Reply:
    """Give the calling key a new secret; the one it came with ends now."""
    caller = call.caller
    made = keyring.rotate(
        tx,
        caller.account_id,
        caller.key_id,
        pepper=call.services.pepper,
        actor=call.actor,
        now=call.now,
        grantor=_grantor(tx, call),
    )
    tx.after_commit(call.services.revoked)
    about = ids.show("key", made.key.id)
    return reply(call, NewKeyOut(made.secret), secret=True, about=about)


def show(aggregator: Aggregator) -> AggregatorOut:
    """Write an aggregator for the wire."""
    return AggregatorOut(
        ids.show("aggregator", aggregator.id),
        aggregator.name,
        aggregator.description,
        aggregator.timezone,
        clock.iso(aggregator.created_at),
        aggregator.archived_at is not None,
    )


def _grantor(tx: Tx, call: Call) -> Key:
    """The calling key as it stands in this transaction; raises FORBIDDEN if it has ended."""
    return keyring.grantor_of(tx, call.caller.account_id, call.caller.key_id, call.now)


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads = method == "GET"
    about: dict[str, Any] = {
        "scope": Scope.AGGREGATORS_READ if reads else Scope.AGGREGATORS_WRITE,
        "tag": "Aggregators",
    }
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        charge=free,
        writes=not reads,
        project=False,
        admin=True,
        **about | more,
    )


ENDPOINTS = (
    _endpoint(
        "createAggregator",
        "POST",
        PATH,
        summary="Make an aggregator",
        parse=parse_new,
        run=create,
        status=201,
        request=NewAggregatorIn,
        response=AggregatorOut,
        example={"name": "web shop", "timezone": "Europe/Berlin"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listAggregators",
        "GET",
        PATH,
        summary="List aggregators",
        description="Oldest first, archived ones too.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=AggregatorsOut,
    ),
    _endpoint(
        "getAggregator",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read an aggregator",
        parse=parse_id,
        run=get,
        response=AggregatorOut,
    ),
    _endpoint(
        "updateAggregator",
        "PATCH",
        f"{PATH}/{{id}}",
        summary="Rename, describe, archive or revive an aggregator",
        parse=parse_changes,
        run=update,
        request=AggregatorChangesIn,
        response=AggregatorOut,
        example={"archived": True},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "deleteAggregator",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="End an aggregator and forget its counts",
        parse=parse_id,
        run=delete,
        response=DoneOut,
    ),
    _endpoint(
        "regenerateKey",
        "POST",
        f"{KEY_PATH}/regenerate",
        scope=Scope.KEYS_WRITE,
        tag="Keys",
        summary="Give the calling key a new secret",
        description="The one it came with ends at once. The new one is in the reply and nowhere "
        "else, so the reply is not remembered: the same `Idempotency-Key` again is 409.",
        parse=nothing,
        run=regenerate,
        response=NewKeyOut,
    ),
)
