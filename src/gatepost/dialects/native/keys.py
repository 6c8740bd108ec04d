"""`/v1/keys`: who may use the API, and for what. A secret is shown once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import KeyId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut, PageQuery
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
from gatepost.domains.keys import model, store
from gatepost.domains.keys.model import Format
from gatepost.engine import keyring
from gatepost.engine.keyring import KeyChanges, NewKey
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

_new_body = Body(NewKeyIn)
_changes_body = Body(KeyChangesIn)
_rotation_body = Body(RotationIn)


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
            scopes=tuple(new.scopes),
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


def _project(call: Call, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return admin.read_project(call, text)
    except AppError as error:
        raise invalid((["projectId"], error.detail)) from None


def create(tx: Tx, call: Call, command: Import) -> Reply:
    """Make a key, or take one over."""
    new, pepper, actor = command.new, call.services.pepper, admin.actor(call)
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


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's keys, or of the project's for a key bound to one."""
    before, limit = command
    caller = call.caller
    found = store.list_(
        tx, caller.account_id, project_id=caller.project_id, before=before, limit=limit + 1
    )
    page = paging.page(found, limit, lambda key: key.id)
    return ok(call, KeysOut([show(key) for key in page.rows], page.next_cursor))


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
        actor=admin.actor(call),
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
        actor=admin.actor(call),
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
        actor=admin.actor(call),
        now=call.now,
        grantor=admin.grantor(tx, call),
    )
    admin.changed(tx, call)
    return ok(call, DeletedOut(shown_id(key), key.name))


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads = method == "GET"
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.KEYS_READ if reads else Scope.KEYS_WRITE,
        tag="Keys",
        charge=free,
        writes=not reads,
        project=False,
        admin=True,
        **more,
    )


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
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=KeysOut,
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
