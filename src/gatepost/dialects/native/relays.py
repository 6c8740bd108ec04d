"""`/v1/relays`: routes that lead through Gatepost to an API of one's own."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, invalid
from gatepost.base.ids import RelayId
from gatepost.delivery import addresses
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.relays import model, paths, store, units
from gatepost.domains.relays.model import CustomerRule, Relay
from gatepost.engine import route
from gatepost.engine.route import NewRelay, RelayChanges
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.relay import signing
from gatepost.web.validate import Body

Method = Annotated[
    str,
    Meta(
        pattern=f"^({'|'.join((*model.METHODS, model.ANY))})$",
        description=f"{', '.join(model.METHODS)}, or {model.ANY}.",
    ),
]
Path = Annotated[
    str,
    Meta(
        max_length=paths.LENGTH_MAX,
        description="Which paths: literal segments, `{name}` segments, and perhaps `/*` at the "
        "end for the rest.",
    ),
]
Upstream = Annotated[
    str,
    Meta(
        max_length=model.UPSTREAM_MAX,
        description="Where they lead: an `http` or `https` URL, whose path may have the same "
        "names. The request's query is passed on.",
    ),
]
Units = Annotated[
    str,
    Meta(
        max_length=units.POINTER_MAX,
        description="What a request is worth: `1`; `array`, the length of its JSON array; or a "
        "JSON pointer to a number or an array in its body.",
    ),
]
ScopeOf = Annotated[str, Meta(description="The scope a key needs for it.")]
Customer = Annotated[
    CustomerRule, Meta(description="Whether requests name their customer in `X-Customer-ID`.")
]
Timeout = Annotated[
    float,
    Meta(
        ge=model.TIMEOUT_MS_MIN / 1000,
        le=model.TIMEOUT_MS_MAX / 1000,
        description="How long the upstream has until it answers.",
    ),
]


class NewRelayIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A relay to be."""

    method: Method
    path: Path
    upstream: Upstream
    units: Units = units.ONE
    scope: ScopeOf = model.SCOPE
    customer: Customer = CustomerRule.OPTIONAL
    timeout_seconds: Timeout = model.TIMEOUT_MS / 1000


class RelayChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    upstream: Upstream | UnsetType = UNSET
    units: Units | UnsetType = UNSET
    scope: ScopeOf | UnsetType = UNSET
    customer: Customer | UnsetType = UNSET
    timeout_seconds: Timeout | UnsetType = UNSET


class RelayOut(msgspec.Struct, rename="camel"):
    """A relay. A trusted one was declared on the command line and may lead anywhere."""

    id: str
    method: Method
    path: Path
    upstream: Upstream
    units: Units
    scope: ScopeOf
    customer: Customer
    timeout_seconds: float
    trusted: bool
    created_at: str
    updated_at: str


class RelaysOut(msgspec.Struct, rename="camel"):
    """A page of relays; `next_cursor` is null on the last one."""

    relays: list[RelayOut]
    next_cursor: str | None


class RelaySecretOut(msgspec.Struct):
    """What upstreams check signatures with; see the guide."""

    secret: Annotated[str, Meta(description="64 hexadecimal digits, taken as they are written.")]


class Change(msgspec.Struct, frozen=True):
    """What to change of which relay."""

    relay_id: RelayId
    changes: RelayChanges


_new_body = Body(NewRelayIn)
_changes_body = Body(RelayChangesIn)


def parse_new(call: Call, body: bytes) -> NewRelay:
    """Read a relay to be; raises INVALID."""
    given: NewRelayIn = _new_body.decode(body)
    _check_upstream(call, given.upstream)
    return NewRelay(
        method=given.method,
        path=given.path,
        upstream=given.upstream,
        units=given.units,
        scope=given.scope,
        customer=given.customer,
        timeout_ms=round(given.timeout_seconds * 1000),
    )


def create(tx: Tx, call: Call, command: NewRelay) -> Reply:
    """Declare a relay."""
    admin.grantor(tx, call)
    own = call.services.relays.own
    made = route.declare(tx, call.caller.account_id, command, own, call.actor, call.now)
    tx.after_commit(lambda: call.services.rerouted(made))
    return ok(call, show(made), 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return sheets.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's relays."""
    after, limit = command
    last = None if after is None else RelayId(after)
    found = store.list_(tx, call.caller.account_id, after=last, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    return sheets.reply(call, RelaysOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> RelayId:
    """Read the id in the path; raises NOT_FOUND."""
    return RelayId(ids.parse("relay", call.params["id"]))


def get(tx: Tx, call: Call, relay_id: RelayId) -> Reply:
    """Read one relay."""
    return ok(call, show(store.get(tx, call.caller.account_id, relay_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    relay_id = parse_id(call, body)
    given: RelayChangesIn = _changes_body.decode(body)
    if given.upstream is not UNSET:
        _check_upstream(call, given.upstream)
    seconds = given.timeout_seconds
    return Change(
        relay_id,
        RelayChanges(
            upstream=given.upstream,
            units=given.units,
            scope=given.scope,
            customer=given.customer,
            timeout_ms=UNSET if seconds is UNSET else round(seconds * 1000),
            # Whoever is sent elsewhere is not where the operator has sent it.
            trusted=UNSET if given.upstream is UNSET else False,
        ),
    )


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a relay."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    changed = route.change(tx, account_id, command.relay_id, command.changes, call.actor, call.now)
    tx.after_commit(lambda: call.services.rerouted(changed))
    return ok(call, show(changed))


def delete(tx: Tx, call: Call, relay_id: RelayId) -> Reply:
    """End a relay."""
    admin.grantor(tx, call)
    gone = route.end(tx, call.caller.account_id, relay_id, call.actor, call.now)
    tx.after_commit(lambda: call.services.rerouted(gone))
    return ok(call, DeletedOut(ids.show("relay", gone.id), gone.name))


def parse_nothing(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def secret(_tx: Tx, call: Call, _command: None) -> Reply:
    """Show the account's secret."""
    found = signing.secret_of(call.services.pepper, call.caller.account_id)
    return ok(call, RelaySecretOut(found))


def show(relay: Relay) -> RelayOut:
    """Write a relay for the wire."""
    return RelayOut(
        ids.show("relay", relay.id),
        relay.method,
        relay.path,
        relay.upstream,
        relay.units,
        relay.scope,
        relay.customer,
        relay.timeout_ms / 1000,
        relay.trusted,
        clock.iso(relay.created_at),
        clock.iso(relay.updated_at),
    )


def _check_upstream(call: Call, upstream: str) -> None:
    """Raise INVALID for an address that is written out and may not be reached; what names lead
    to is seen when they are.
    """
    try:
        host = model.host_of(upstream)
    except ValueError:
        return  # what is no URL is told with everything else
    networks = call.services.settings.reachable()
    if addresses.is_literal(host) and not addresses.is_allowed(host, networks):
        detail = "Must be a public address, or in a network of the setting relay_networks"
        raise invalid((["upstream"], detail))


_endpoint = admin.managing("Relays", Scope.RELAYS_READ, Scope.RELAYS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createRelay",
        "POST",
        "/v1/relays",
        summary="Declare a relay",
        description="Requests for its method and path are checked, forwarded, and charged if "
        "the upstream answers 2xx.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewRelayIn,
        response=RelayOut,
        example={
            "method": "POST",
            "path": "/estimates",
            "upstream": "https://api.example.com/estimates",
            "units": "array",
        },
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listRelays",
        "GET",
        "/v1/relays",
        summary="List relays",
        description="Oldest first; not those that the settings declare for all accounts.",
        parse=parse_page,
        run=list_,
        query=SheetQuery,
        response=RelaysOut,
        also=(sheet.CSV,),
    ),
    _endpoint(
        "getRelaySecret",
        "GET",
        "/v1/relays/secret",
        scope=Scope.RELAYS_WRITE,
        summary="Read the secret that upstreams check signatures with",
        parse=parse_nothing,
        run=secret,
        response=RelaySecretOut,
    ),
    _endpoint(
        "getRelay",
        "GET",
        "/v1/relays/{id}",
        summary="Read a relay",
        parse=parse_id,
        run=get,
        response=RelayOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateRelay",
        "PATCH",
        "/v1/relays/{id}",
        summary="Change where a relay leads, or what it asks for",
        parse=parse_changes,
        run=update,
        request=RelayChangesIn,
        response=RelayOut,
        example={"timeoutSeconds": 10},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteRelay",
        "DELETE",
        "/v1/relays/{id}",
        summary="End a relay",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
