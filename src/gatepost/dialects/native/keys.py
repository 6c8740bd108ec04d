"""`/v1/keys`: who may use the API, and for what. A secret is shown once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import CustomerId, KeyId, ProjectId
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.keywire import (
    KeyChangesIn,
    KeyOut,
    KeysOut,
    MintedKeyOut,
    NewKeyIn,
    RotationIn,
    read_limits,
    read_moment,
    show,
    shown_id,
)
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.keys import model, store
from gatepost.domains.keys.model import Format
from gatepost.engine import keyring
from gatepost.engine.keyring import KeyChanges, NewKey
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call
from gatepost.web.validate import Body

_new_body = Body(NewKeyIn)
_changes_body = Body(KeyChangesIn)
_rotation_body = Body(RotationIn)


class KeysQuery(SheetQuery, frozen=True):
    """Which keys, and which page of them."""

    project: (
        Annotated[str, Meta(max_length=255, description="Keys bound to this project.")] | UnsetType
    ) = UNSET
    customer: (
        Annotated[str, Meta(max_length=255, description="Keys bound to this customer.")] | UnsetType
    ) = UNSET
    search: (
        Annotated[
            str,
            Meta(
                max_length=model.NAME_MAX,
                description="A part of the name or of the secret's beginning; upper case as lower.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Listing(msgspec.Struct, frozen=True):
    """Which keys are asked for."""

    project_id: ProjectId | None
    customer_id: CustomerId | None
    search: str | None
    before: bytes | None
    limit: int


class Import(msgspec.Struct, frozen=True):
    """A key to be, of a secret that exists."""

    new: NewKey
    secret: str | None


class Change(msgspec.Struct, frozen=True):
    """What to change of which key."""

    key_id: KeyId
    changes: KeyChanges


class Rotation(msgspec.Struct, frozen=True):
    """Which key gets a new secret, and how long the old one stays."""

    key_id: KeyId
    grace_s: int


def parse_new(call: Call, body: bytes) -> Import:
    """Read a key to be; raises INVALID."""
    new = _new_body.decode(body)
    secret = None if new.secret is UNSET else new.secret
    return Import(
        NewKey(
            account_id=call.caller.account_id,
            name=new.name,
            format=_format(new.format, secret),
            scopes=_scopes(new),
            customer_id=_customer(new.customer_id),
            project_id=_project(call, new.project_id),
            sending_domain=new.sending_domain,
            limits=None if (given := read_limits(new.limits, new.limit)) is UNSET else given,
            expires_at=None if new.expires_at is None else read_moment(new.expires_at),
            allow_from=tuple(new.allow_from),
            metadata=new.metadata,
        ),
        secret,
    )


def _format(given: Format | UnsetType, secret: str | None) -> Format:
    if given is not UNSET:
        return given
    return model.format_of(secret or "")


def _scopes(new: NewKeyIn) -> tuple[str, ...]:
    if new.scopes is not UNSET:
        return tuple(new.scopes)
    return ("full",) if new.customer_id is None else (str(Scope.USAGE_READ),)


def _customer(text: str | None) -> CustomerId | None:
    if text is None:
        return None
    try:
        return CustomerId(ids.parse("customer", text))
    except AppError as error:
        raise invalid((["customerId"], error.detail)) from None


def _project(call: Call, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return admin.read_project(call, text)
    except AppError as error:
        raise invalid((["projectId"], error.detail)) from None


def create(tx: Tx, call: Call, command: Import) -> Reply:
    """Make a key, or take one over."""
    new, pepper, actor = command.new, call.services.pepper, call.actor
    grantor = admin.grantor(tx, call)
    admin.changed(tx, call)
    if command.secret is not None:
        secret = command.secret
        key = keyring.import_(
            tx, new, secret, pepper=pepper, actor=actor, now=call.now, grantor=grantor
        )
        return ok(call, show(key), 201)
    made = keyring.create(tx, new, pepper=pepper, actor=actor, now=call.now, grantor=grantor)
    return ok(call, show(made.key, made.secret), 201, secret=True, about=shown_id(made.key))


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which keys; raises INVALID, or NOT_FOUND."""
    query: KeysQuery = queries.read(call, KeysQuery)
    project, customer, search = query.project, query.customer, query.search
    return Listing(
        call.caller.project_id if project is UNSET else admin.read_project(call, str(project)),
        None if customer is UNSET else CustomerId(ids.parse("customer", str(customer))),
        None if search is UNSET else str(search),
        admin.read_cursor(query.cursor),
        sheets.length(call, query.limit),
    )


def list_(tx: Tx, call: Call, wanted: Listing) -> Reply:
    """A page of the account's keys, or of the project's for a key bound to one."""
    found = store.list_(
        tx,
        call.caller.account_id,
        project_id=wanted.project_id,
        customer_id=wanted.customer_id,
        search=wanted.search,
        before=wanted.before,
        limit=wanted.limit + 1,
    )
    page = paging.page(found, wanted.limit, lambda key: key.id)
    out: list[KeyOut] = [show(key) for key in page.rows]
    return sheets.reply(call, KeysOut(out, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> KeyId:
    """Read the id in the path; raises NOT_FOUND."""
    return KeyId(ids.parse("key", call.params["id"]))


def get(tx: Tx, call: Call, key_id: KeyId) -> Reply:
    """Read one key."""
    return ok(call, show(keyring.find(tx, call.caller.account_id, key_id, call.caller.key)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    key_id = parse_id(call, body)
    given = _changes_body.decode(body)
    expires = given.expires_at
    changes = KeyChanges(
        name=given.name,
        enabled=given.enabled,
        hold_mails=given.hold_mails,
        scopes=UNSET if given.scopes is UNSET else tuple(given.scopes),
        limits=read_limits(given.limits, given.limit),
        expires_at=read_moment(expires) if isinstance(expires, datetime) else expires,
        allow_from=UNSET if given.allow_from is UNSET else tuple(given.allow_from),
        metadata=given.metadata,
    )
    return Change(key_id, changes)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a key."""
    key = keyring.update(
        tx,
        call.caller.account_id,
        command.key_id,
        command.changes,
        actor=call.actor,
        now=call.now,
        grantor=admin.grantor(tx, call),
    )
    admin.changed(tx, call)
    return ok(call, show(key))


def parse_rotation(call: Call, body: bytes) -> Rotation:
    """Read how to rotate, an empty body means at once; raises INVALID, or NOT_FOUND."""
    key_id = parse_id(call, body)
    return Rotation(key_id, _rotation_body.decode(body).grace_seconds if body else 0)


def rotate(tx: Tx, call: Call, command: Rotation) -> Reply:
    """Give a key a new secret."""
    made = keyring.rotate(
        tx,
        call.caller.account_id,
        command.key_id,
        grace_s=command.grace_s,
        pepper=call.services.pepper,
        actor=call.actor,
        now=call.now,
        grantor=admin.grantor(tx, call),
    )
    admin.changed(tx, call)
    return ok(call, show(made.key, made.secret), secret=True, about=shown_id(made.key))


def delete(tx: Tx, call: Call, key_id: KeyId) -> Reply:
    """End a key."""
    key = keyring.delete(
        tx,
        call.caller.account_id,
        key_id,
        actor=call.actor,
        now=call.now,
        grantor=admin.grantor(tx, call),
    )
    admin.changed(tx, call)
    return ok(call, DeletedOut(shown_id(key), key.name))


_endpoint = admin.managing("Keys", Scope.KEYS_READ, Scope.KEYS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createKey",
        "POST",
        "/v1/keys",
        summary="Make a key",
        description="The secret is in the reply and nowhere else, so the reply is not remembered: "
        "the same request again with its `Idempotency-Key` is 409 and names the key in `data.id`. "
        "No key can make one stronger than itself.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewKeyIn,
        response=MintedKeyOut,
        example={"name": "web shop", "scopes": ["events"], "limit": "100/60s"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listKeys",
        "GET",
        "/v1/keys",
        summary="List keys",
        description="Newest first. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        query=KeysQuery,
        response=KeysOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getKey",
        "GET",
        "/v1/keys/{id}",
        summary="Read a key",
        parse=parse_id,
        run=get,
        response=KeyOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateKey",
        "PATCH",
        "/v1/keys/{id}",
        summary="Rename, disable, enable or bind a key",
        description="True when the call returns: no request that begins later is admitted on the "
        "old terms. A key can change none that is, or would become, stronger than itself; it can "
        "always switch one off.",
        parse=parse_changes,
        run=update,
        request=KeyChangesIn,
        response=KeyOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "rotateKey",
        "POST",
        "/v1/keys/{id}/rotate",
        summary="Give a key a new secret",
        description="The old one ends at once, or after `graceSeconds`, but never after the key's "
        "expiry. At most two secrets work at a time.",
        parse=parse_rotation,
        run=rotate,
        request=RotationIn,
        response=MintedKeyOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteKey",
        "DELETE",
        "/v1/keys/{id}",
        summary="End a key",
        description="True when the call returns. Its secrets can never be used again.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
