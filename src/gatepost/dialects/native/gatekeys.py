"""`/v1/gate/keys`: keys of the caller's own end users. A secret is shown once."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import CustomerId, GateKeyId, ProjectId
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.gatekeywire import (
    GateKeyChangesIn,
    GateKeyOut,
    GateKeysOut,
    GateQuotaOut,
    MintedGateKeyOut,
    NewGateKeyIn,
    read_quota,
    show,
    shown_id,
)
from gatepost.dialects.native.keywire import LimitOut, RotationIn, read_limits, read_moment
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.gatekeys import store
from gatepost.engine import mint
from gatepost.engine.mint import GateKeyChanges, NewGateKey
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Window
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.validate import Body

_new_body = Body(NewGateKeyIn)
_changes_body = Body(GateKeyChangesIn)
_rotation_body = Body(RotationIn)


class GateKeysQuery(SheetQuery, frozen=True):
    """Which gate keys, and which page of them."""

    project: str | UnsetType = UNSET
    customer: str | UnsetType = UNSET


class Listing(msgspec.Struct, frozen=True):
    """Which gate keys are asked for."""

    project_id: ProjectId | None
    customer_id: CustomerId | None
    before: bytes | None
    limit: int


class Change(msgspec.Struct, frozen=True):
    """What to change of which gate key."""

    key_id: GateKeyId
    changes: GateKeyChanges


class Rotation(msgspec.Struct, frozen=True):
    """Which gate key gets a new secret, and how long the old one stays."""

    key_id: GateKeyId
    grace_s: int


def parse_new(call: Call, body: bytes) -> NewGateKey:
    """Read a gate key to be; raises INVALID."""
    new: NewGateKeyIn = _new_body.decode(body)
    limits = _limits(new.limits, new.limit)
    return NewGateKey(
        account_id=call.caller.account_id,
        project_id=_project(call, new.project_id),
        name=new.name,
        prefix=new.prefix,
        scopes=tuple(new.scopes),
        limits=() if limits is UNSET else limits,
        quota=read_quota(new.quota),
        metadata=new.metadata,
        customer_id=_customer(new.customer_id),
        expires_at=None if new.expires_at is None else read_moment(new.expires_at),
    )


def _project(call: Call, text: str | None) -> ProjectId:
    if text is None and call.project is not None:
        return call.project
    if text is None:
        raise invalid((["projectId"], "Name a project: the account has several, or none"))
    try:
        return admin.read_project(call, text)
    except AppError as error:
        raise invalid((["projectId"], error.detail)) from None


def _customer(text: str | None) -> CustomerId | None:
    if text is None:
        return None
    try:
        return CustomerId(ids.parse("customer", text))
    except AppError as error:
        raise invalid((["customerId"], error.detail)) from None


def _limits(
    limits: list[LimitOut] | UnsetType, text: str | UnsetType
) -> tuple[Window, ...] | UnsetType:
    found = read_limits(limits, text)
    return () if found is None else found


def create(tx: Tx, call: Call, new: NewGateKey) -> Reply:
    """Make a gate key."""
    admin.grantor(tx, call)
    made = mint.create(tx, new, pepper=call.services.pepper, actor=call.actor, now=call.now)
    admin.changed(tx, call)
    return ok(call, show(made.key, made.secret), 201, secret=True, about=shown_id(made.key))


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which gate keys; raises INVALID, or NOT_FOUND."""
    query: GateKeysQuery = queries.read(call, GateKeysQuery)
    project, customer = query.project, query.customer
    return Listing(
        call.caller.project_id if project is UNSET else admin.read_project(call, str(project)),
        None if customer is UNSET else CustomerId(ids.parse("customer", str(customer))),
        admin.read_cursor(query.cursor),
        sheets.length(call, query.limit),
    )


def list_(tx: Tx, call: Call, wanted: Listing) -> Reply:
    """A page of gate keys."""
    found = store.list_(
        tx,
        call.caller.account_id,
        project_id=wanted.project_id,
        customer_id=wanted.customer_id,
        before=wanted.before,
        limit=wanted.limit + 1,
    )
    page = paging.page(found, wanted.limit, lambda key: key.id)
    out: list[GateKeyOut] = [show(key) for key in page.rows]
    return sheets.reply(call, GateKeysOut(out, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> GateKeyId:
    """Read the id in the path; raises NOT_FOUND."""
    return GateKeyId(ids.parse(mint.NOUN, call.params["gateKeyId"]))


def get(tx: Tx, call: Call, key_id: GateKeyId) -> Reply:
    """Read one gate key."""
    caller = call.caller
    return ok(call, show(mint.find(tx, caller.account_id, key_id, caller.project_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    key_id = parse_id(call, body)
    given: GateKeyChangesIn = _changes_body.decode(body)
    expires, quota, customer = given.expires_at, given.quota, given.customer_id
    changes = GateKeyChanges(
        name=given.name,
        enabled=given.enabled,
        scopes=UNSET if given.scopes is UNSET else tuple(given.scopes),
        limits=_limits(given.limits, given.limit),
        quota=read_quota(quota) if isinstance(quota, GateQuotaOut) else quota,
        metadata=given.metadata,
        customer_id=_customer(customer) if isinstance(customer, str) else customer,
        expires_at=read_moment(expires) if isinstance(expires, datetime) else expires,
    )
    return Change(key_id, changes)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a gate key."""
    admin.grantor(tx, call)
    key = mint.update(
        tx,
        call.caller.account_id,
        command.key_id,
        command.changes,
        actor=call.actor,
        now=call.now,
        bound=call.caller.project_id,
    )
    admin.changed(tx, call)
    return ok(call, show(key))


def parse_rotation(call: Call, body: bytes) -> Rotation:
    """Read how to rotate, an empty body means at once; raises INVALID, or NOT_FOUND."""
    key_id = parse_id(call, body)
    return Rotation(key_id, _rotation_body.decode(body).grace_seconds if body else 0)


def rotate(tx: Tx, call: Call, command: Rotation) -> Reply:
    """Give a gate key a new secret."""
    admin.grantor(tx, call)
    made = mint.rotate(
        tx,
        call.caller.account_id,
        command.key_id,
        grace_s=command.grace_s,
        pepper=call.services.pepper,
        actor=call.actor,
        now=call.now,
        bound=call.caller.project_id,
    )
    admin.changed(tx, call)
    return ok(call, show(made.key, made.secret), secret=True, about=shown_id(made.key))


def delete(tx: Tx, call: Call, key_id: GateKeyId) -> Reply:
    """End a gate key."""
    admin.grantor(tx, call)
    key = mint.delete(
        tx,
        call.caller.account_id,
        key_id,
        actor=call.actor,
        now=call.now,
        bound=call.caller.project_id,
    )
    admin.changed(tx, call)
    return ok(call, DeletedOut(shown_id(key), key.name))


_endpoint = admin.managing("Gate", Scope.GATE_KEYS_READ, Scope.GATE_KEYS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createGateKey",
        "POST",
        "/v1/gate/keys",
        summary="Make a key for one of your own users",
        description="It is worth something in `POST /v1/gate/check` of your account, and nowhere "
        "else. The secret is in the reply and nowhere else, so the reply is not remembered: the "
        "same request again with its `Idempotency-Key` is 409 and names the key in `data.id`.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewGateKeyIn,
        response=MintedGateKeyOut,
        example={
            "name": "Ada's laptop",
            "prefix": "acme",
            "scopes": ["estimates:*"],
            "limit": "100/60s",
            "quota": {"limit": 10_000, "period": "month"},
        },
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
    _endpoint(
        "listGateKeys",
        "GET",
        "/v1/gate/keys",
        summary="List gate keys",
        description="Newest first, of one `project` or `customer` where their ids are given.",
        parse=parse_list,
        run=list_,
        query=GateKeysQuery,
        response=GateKeysOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getGateKey",
        "GET",
        "/v1/gate/keys/{gateKeyId}",
        summary="Read a gate key",
        parse=parse_id,
        run=get,
        response=GateKeyOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateGateKey",
        "PATCH",
        "/v1/gate/keys/{gateKeyId}",
        summary="Change, disable or enable a gate key",
        description="True when the call returns: no check that begins later is answered on the "
        "old terms. What the period has used stays used, also under another limit.",
        parse=parse_changes,
        run=update,
        request=GateKeyChangesIn,
        response=GateKeyOut,
        example={"enabled": False},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "rotateGateKey",
        "POST",
        "/v1/gate/keys/{gateKeyId}/rotate",
        summary="Give a gate key a new secret",
        description="The old one ends at once, or after `graceSeconds`, but never after the key's "
        "expiry. At most two secrets work at a time.",
        parse=parse_rotation,
        run=rotate,
        request=RotationIn,
        response=MintedGateKeyOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteGateKey",
        "DELETE",
        "/v1/gate/keys/{gateKeyId}",
        summary="End a gate key",
        description="True when the call returns.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
