"""`/v1/endpoints`: URLs that are told what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import Code, not_found
from gatepost.base.ids import EndpointId
from gatepost.dialects.native import admin, endpointwire
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.endpointwire import (
    EndpointChangesIn,
    EndpointMadeOut,
    EndpointOut,
    EndpointsOut,
    ExampleIn,
    ExampleOut,
    NewEndpointIn,
    PayloadFormat,
    SecretRotationIn,
    read_secret,
    show,
    show_fare,
)
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.messagewire import read_policy
from gatepost.domains.endpoints import model, store
from gatepost.domains.endpoints.model import Endpoint as Listener
from gatepost.domains.outbox import fares
from gatepost.engine import enlist, example
from gatepost.engine.enlist import Changes, Made, NewEndpoint, Safe
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

_new_body = Body(NewEndpointIn)
_changes_body = Body(EndpointChangesIn)
_rotation_body = Body(SecretRotationIn)
_example_body = Body(ExampleIn)


class Creation(NamedTuple):
    """An endpoint to be, and what it signs with."""

    new: NewEndpoint
    secret: str


class Change(NamedTuple):
    """What to change of which endpoint."""

    endpoint_id: EndpointId
    changes: Changes


class Rotation(NamedTuple):
    """Which endpoint gets which secret, and how long former ones sign beside it."""

    endpoint_id: EndpointId
    secret: str
    grace_s: int


class Trial(NamedTuple):
    """Which endpoint is sent an example of what."""

    endpoint_id: EndpointId
    type: str


def parse_new(call: Call, body: bytes) -> Creation:
    """Read an endpoint to be; raises INVALID."""
    given: NewEndpointIn = _new_body.decode(body)
    new = endpointwire.read_new(call.services.settings, call.project_id, given)
    return Creation(new, read_secret(given.secret))


def create(tx: Tx, call: Call, command: Creation) -> Reply:
    """Make an endpoint."""
    admin.grantor(tx, call)
    safe, account_id = Safe(call.services.pepper), call.caller.account_id
    made = enlist.create(tx, account_id, command.new, command.secret, safe, call.actor, call.now)
    tx.after_commit(call.services.listening)
    return _secret(call, made, 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the project's endpoints."""
    after, limit = command
    last = None if after is None else EndpointId(after)
    found = store.list_(
        tx, call.caller.account_id, project_id=call.project_id, after=last, limit=limit + 1
    )
    page = paging.page(found, limit, lambda one: one.id)
    return ok(call, EndpointsOut(_read(tx, call, page.rows), page.next_cursor))


def parse_id(call: Call, _body: bytes) -> EndpointId:
    """Read the id in the path; raises NOT_FOUND."""
    return EndpointId(ids.parse("endpoint", call.params["id"]))


def get(tx: Tx, call: Call, endpoint_id: EndpointId) -> Reply:
    """Read one endpoint."""
    (shown,) = _read(tx, call, [_find(tx, call, endpoint_id)])
    return ok(call, shown)


def _read(tx: Tx, call: Call, found: Sequence[Listener]) -> list[EndpointOut]:
    places = {one.id: enlist.place_of(one).id for one in found}
    how = fares.of(tx, call.caller.account_id, places, call.now)
    return [show(one, show_fare(how[one.id], call.now)) for one in found]


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    endpoint_id = parse_id(call, body)
    given: EndpointChangesIn = _changes_body.decode(body)
    condition = endpointwire.check(call.services.settings, given)
    form = given.payload_format
    changes = Changes(
        name=given.name,
        url=given.url,
        types=UNSET if isinstance(given.types, UnsetType) else tuple(given.types),
        filter=condition,
        policy=read_policy(given.retry) or UNSET,
        shape=given.signature,
        array=UNSET if form is UNSET else form is PayloadFormat.ARRAY,
        headers=given.headers,
        rate=given.rate,
        cap=given.cap,
    )
    return Change(endpoint_id, changes)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change an endpoint."""
    admin.grantor(tx, call)
    it, safe = _find(tx, call, command.endpoint_id), Safe(call.services.pepper)
    changed = enlist.update(tx, it.account_id, it.id, command.changes, safe, call.actor, call.now)
    tx.after_commit(call.services.due)
    return ok(call, show(changed))


def parse_rotation(call: Call, body: bytes) -> Rotation:
    """Read how to rotate; raises INVALID, or NOT_FOUND."""
    endpoint_id = parse_id(call, body)
    given: SecretRotationIn = _rotation_body.decode(body or b"{}")
    return Rotation(endpoint_id, read_secret(given.secret), given.grace_seconds)


def rotate(tx: Tx, call: Call, command: Rotation) -> Reply:
    """Give an endpoint a new secret."""
    admin.grantor(tx, call)
    it, safe = _find(tx, call, command.endpoint_id), Safe(call.services.pepper)
    made = enlist.rotate(
        tx, it.account_id, it.id, command.secret, command.grace_s, safe, call.actor, call.now
    )
    return _secret(call, made)


def enable(tx: Tx, call: Call, endpoint_id: EndpointId) -> Reply:
    """Switch an endpoint on."""
    admin.grantor(tx, call)
    it = _find(tx, call, endpoint_id)
    enabled = enlist.enable(tx, it.account_id, it.id, call.actor, call.now)
    tx.after_commit(call.services.listening)
    return ok(call, show(enabled))


def disable(tx: Tx, call: Call, endpoint_id: EndpointId) -> Reply:
    """Switch an endpoint off."""
    admin.grantor(tx, call)
    it = _find(tx, call, endpoint_id)
    return ok(call, show(enlist.disable(tx, it.account_id, it.id, call.actor, call.now)))


def parse_example(call: Call, body: bytes) -> Trial:
    """Read what to send; raises INVALID, or NOT_FOUND."""
    endpoint_id = parse_id(call, body)
    type_ = _example_body.decode(body or b"{}").type
    if not model.is_type(type_):
        model.refuse([(["type"], "Lower-case words with dots between, as event.orders")])
    return Trial(endpoint_id, type_)


def test(tx: Tx, call: Call, command: Trial) -> Reply:
    """Send an endpoint an example."""
    it = _find(tx, call, command.endpoint_id)
    message, delivery = example.send(tx, it, command.type, call.now)
    tx.after_commit(call.services.due)
    shown = ids.show("message", message.id), ids.show("delivery", delivery.id)
    return ok(call, ExampleOut(*shown, message.type), 202)


def delete(tx: Tx, call: Call, endpoint_id: EndpointId) -> Reply:
    """End an endpoint."""
    admin.grantor(tx, call)
    it = _find(tx, call, endpoint_id)
    gone = enlist.end(tx, it.account_id, it.id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show("endpoint", gone.id), gone.name))


def _find(tx: Tx, call: Call, endpoint_id: EndpointId) -> Listener:
    found = store.get(tx, call.caller.account_id, endpoint_id)
    if admin.bound_elsewhere(call, found.project_id):
        raise not_found("endpoint with this id")
    return found


def _secret(call: Call, made: Made, status: int = 200) -> Reply:
    out = EndpointMadeOut(**msgspec.structs.asdict(show(made.endpoint)), secret=made.secret)
    return ok(call, out, status, secret=True, about=out.id)


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads, whole = method == "GET", "{id}" not in path
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.ENDPOINTS_READ if reads else Scope.ENDPOINTS_WRITE,
        tag="Endpoints",
        charge=free,
        writes=not reads,
        project=whole,
        admin=True,
        **more,
    )


KNOWN = (Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT)

ENDPOINTS = (
    _endpoint(
        "createEndpoint",
        "POST",
        "/v1/endpoints",
        summary="Make an endpoint",
        description="It is told of what happens from now on. The reply shows its signing secret, "
        "once: the same request again with its `Idempotency-Key` is 409 and names the endpoint in "
        "`data.id`.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewEndpointIn,
        response=EndpointMadeOut,
        example={"url": "https://example.com/hooks", "types": ["event.orders"]},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listEndpoints",
        "GET",
        "/v1/endpoints",
        summary="List endpoints",
        description="Those of one project, oldest first.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=EndpointsOut,
    ),
    _endpoint(
        "getEndpoint",
        "GET",
        "/v1/endpoints/{id}",
        summary="Read an endpoint",
        parse=parse_id,
        run=get,
        response=EndpointOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateEndpoint",
        "PATCH",
        "/v1/endpoints/{id}",
        summary="Change an endpoint",
        description="What is still to be sent goes to the new URL, with the new headers. Another "
        "URL begins without the failures of the former one.",
        parse=parse_changes,
        run=update,
        request=EndpointChangesIn,
        response=EndpointOut,
        example={"types": ["event.orders", "message.failed"], "rate": 10},
        errors=KNOWN,
    ),
    _endpoint(
        "rotateEndpoint",
        "POST",
        "/v1/endpoints/{id}/rotate",
        summary="Give an endpoint a new secret",
        description="For a while `webhook-signature` holds a signature of each, so that receivers "
        "change over without losing a request. The other signature headers hold one only, that "
        "of the new secret. The reply shows the secret, once.",
        parse=parse_rotation,
        run=rotate,
        request=SecretRotationIn,
        response=EndpointMadeOut,
        example={"graceSeconds": 86400},
        errors=KNOWN,
    ),
    _endpoint(
        "enableEndpoint",
        "POST",
        "/v1/endpoints/{id}/enable",
        summary="Enable an endpoint",
        description="It is told things again, and what failed before is forgotten. What it has "
        "missed can be sent by `POST /v1/endpoints/{id}/recover`.",
        parse=parse_id,
        run=enable,
        response=EndpointOut,
        errors=KNOWN,
    ),
    _endpoint(
        "disableEndpoint",
        "POST",
        "/v1/endpoints/{id}/disable",
        summary="Disable an endpoint",
        description="It is told nothing more, and what happens meanwhile is not kept for it.",
        parse=parse_id,
        run=disable,
        response=EndpointOut,
        errors=KNOWN,
    ),
    _endpoint(
        "testEndpoint",
        "POST",
        "/v1/endpoints/{id}/test",
        summary="Send an endpoint an example",
        description="A real, signed request, tried once, with `test: true` in its body. It says "
        "nothing of the endpoint's health, and goes to a disabled one as well.",
        parse=parse_example,
        run=test,
        status=202,
        request=ExampleIn,
        response=ExampleOut,
        example={"type": "event.orders"},
        errors=KNOWN,
    ),
    _endpoint(
        "deleteEndpoint",
        "DELETE",
        "/v1/endpoints/{id}",
        summary="End an endpoint",
        description="Nothing more is sent to it.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=KNOWN,
    ),
)
