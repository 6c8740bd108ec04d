"""`/v2/api-keys`: who may call, and what for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import DomainId, KeyId
from gatepost.dialects.emailit import lists, manage, wire
from gatepost.dialects.emailit.envelope import KEYS, reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.domains.emaildomains import store as domains
from gatepost.domains.keys import model, store
from gatepost.domains.keys.model import Format, Key
from gatepost.engine import keyring
from gatepost.engine.keyring import KeyChanges, NewKey
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope, expand
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/api-keys"
KIND = "api_key"
FULL = "full"
SENDING = "sending"
SHOWN = (FULL, SENDING, "events")
CUSTOM = "custom"
TAKEN = "API key already exists"
NAME_TAKEN = "API key name already exists"

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
GivenScope = Annotated[
    Literal["full", "full_access", "sending", "events"],
    Meta(description="What it may do; `full_access` is another word for `full`."),
]
GivenDomain = Annotated[
    int | str | None,
    Meta(description="The one domain it may send from; only keys that just send are bound to it."),
]
ShownScope = Annotated[
    str, Meta(description="`full`, `sending` or `events`; `custom` for any other set of scopes.")
]
ShownDomain = Annotated[str | None, Meta(description="The one domain it may send from.")]


class NewKeyIn(msgspec.Struct, frozen=True):
    """A key to be."""

    name: Name
    scope: GivenScope = "full"
    sending_domain_id: GivenDomain = None


class KeyChangesIn(msgspec.Struct, frozen=True):
    """A key's new name; nothing else of it can be changed."""

    name: Name


class KeyOut(msgspec.Struct, tag_field="object", tag=KIND):
    """A key, without its secret."""

    id: str
    name: str
    scope: ShownScope
    sending_domain_id: ShownDomain
    last_used_at: Annotated[str | None, Meta(description="At most a minute behind.")]
    created_at: str
    updated_at: str


class MintedKeyOut(KeyOut, tag=KIND, kw_only=True):
    """A key with its secret, which is shown this once."""

    key: Annotated[str | UnsetType, Meta(description="The secret.")] = UNSET


class KeysOut(msgspec.Struct):
    """A page of keys."""

    data: list[KeyOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedKeyOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What was ended."""

    id: str
    name: str
    deleted: bool = True


class Change(msgspec.Struct, frozen=True):
    """Which key gets which name."""

    key_id: KeyId
    name: str


_new_body = Body(NewKeyIn)
_changes_body = Body(KeyChangesIn)


def parse_new(_call: Call, body: bytes) -> NewKeyIn:
    """Read a key to be; raises INVALID."""
    new: NewKeyIn = _new_body.decode(body)
    return new


def create(tx: Tx, call: Call, new: NewKeyIn) -> Reply:
    """Make a key."""
    grantor = manage.grantor(tx, call)
    wanted = NewKey(
        account_id=call.caller.account_id,
        name=new.name,
        format=Format.EMAILIT,
        scopes=(FULL if new.scope == "full_access" else new.scope,),
        sending_domain=_bound_to(tx, call, new),
    )
    try:
        made = keyring.create(
            tx,
            wanted,
            pepper=call.services.pepper,
            actor=call.actor,
            now=call.now,
            grantor=grantor,
        )
    except AppError as refusal:
        raise _taken(refusal) from None
    manage.changed(tx, call)
    return reply(show(tx, made.key, made.secret), 201, secret=True)


def _bound_to(tx: Tx, call: Call, new: NewKeyIn) -> str | None:
    """The name of the domain that a key shall be bound to; raises INVALID."""
    if new.scope != SENDING or new.sending_domain_id is None:
        return None
    try:
        domain_id = DomainId(wire.read_id(wire.DOMAIN, str(new.sending_domain_id)))
        return domains.get(tx, call.caller.account_id, domain_id).name
    except AppError:
        raise wire.problem("sending_domain_id", "No domain with this id") from None


def _taken(refusal: AppError) -> AppError:
    """Tell which key has the name, unless the caller may not know of it."""
    if refusal.code is not Code.CONFLICT:
        return refusal
    existing = refusal.extra.get("existing")
    if not isinstance(existing, dict):
        return wire.refusal(Code.CONFLICT, TAKEN)
    return wire.refusal(Code.CONFLICT, TAKEN, existing={"object": KIND, **existing})


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which keys; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the account's keys, or of the project's for a key bound to one."""
    caller = call.caller
    if asked.narrows:
        found = store.list_(tx, caller.account_id, project_id=caller.project_id, limit=None)
        return lists.answer(call, _rows(tx, found), asked)
    found = store.list_(
        tx,
        caller.account_id,
        project_id=caller.project_id,
        offset=asked.offset,
        limit=asked.limit + 1,
    )
    page = _rows(tx, found[: asked.limit])
    return lists.paged(call, page, asked, more=len(found) > asked.limit)


def _rows(tx: Tx, found: Sequence[Key]) -> list[Mapping[str, object]]:
    known = _domains_of(tx, found)
    return [msgspec.to_builtins(_shown(one, known)) for one in found]


def parse_id(call: Call, _body: bytes) -> KeyId:
    """Read the id in the path; raises NOT_FOUND."""
    return KeyId(wire.read_id(wire.KEY, call.params["id"]))


def get(tx: Tx, call: Call, key_id: KeyId) -> Reply:
    """Read one key."""
    return reply(show(tx, keyring.find(tx, call.caller.account_id, key_id, call.caller.key)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read a key's new name; raises INVALID, or NOT_FOUND."""
    key_id = parse_id(call, body)
    given: KeyChangesIn = _changes_body.decode(body)
    return Change(key_id, given.name)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Rename a key."""
    try:
        key = keyring.update(
            tx,
            call.caller.account_id,
            command.key_id,
            KeyChanges(name=command.name),
            actor=call.actor,
            now=call.now,
            grantor=manage.grantor(tx, call),
        )
    except AppError as refusal:
        if refusal.code is Code.CONFLICT:
            raise wire.refusal(Code.CONFLICT, NAME_TAKEN) from None
        raise
    manage.changed(tx, call)
    return reply(show(tx, key))


def delete(tx: Tx, call: Call, key_id: KeyId) -> Reply:
    """End a key."""
    key = keyring.delete(
        tx,
        call.caller.account_id,
        key_id,
        actor=call.actor,
        now=call.now,
        grantor=manage.grantor(tx, call),
    )
    manage.changed(tx, call)
    return reply(DeletedKeyOut(ids.show(wire.KEY, key.id), key.name))


def regenerate(tx: Tx, call: Call, key_id: KeyId) -> Reply:
    """Give a key a new secret; the one before ends now."""
    made = keyring.rotate(
        tx,
        call.caller.account_id,
        key_id,
        pepper=call.services.pepper,
        actor=call.actor,
        now=call.now,
        grantor=manage.grantor(tx, call),
    )
    manage.changed(tx, call)
    return reply(show(tx, made.key, made.secret), secret=True)


def show(tx: Tx, key: Key, secret: str | None = None) -> KeyOut:
    """Write a key for the wire."""
    return _shown(key, _domains_of(tx, [key]), secret)


def _domains_of(tx: Tx, found: Sequence[Key]) -> Mapping[str, DomainId]:
    """The domains that keys are bound to by name, those that have ended too: then a key is still
    bound, and sends nothing.
    """
    names = sorted({one.sending_domain for one in found if one.sending_domain is not None})
    return domains.ids_of(tx, found[0].account_id, names) if names else {}


def _shown(key: Key, known: Mapping[str, DomainId], secret: str | None = None) -> KeyOut:
    bound = key.sending_domain
    domain = None if bound is None else known.get(bound)
    return MintedKeyOut(
        ids.show(wire.KEY, key.id),
        key.name,
        _scope(key),
        bound if domain is None else ids.show(wire.DOMAIN, domain),
        wire.maybe(key.last_used_at),
        wire.moment(key.created_at),
        wire.moment(key.updated_at),
        key=UNSET if secret is None else secret,
    )


def _scope(key: Key) -> str:
    held = expand(key.scopes)
    return next((one for one in SHOWN if held == expand((one,))), CUSTOM)


_endpoint = manage.managing(KEYS, Scope.KEYS_READ, Scope.KEYS_WRITE, project=False)


ENDPOINTS = (
    _endpoint(
        "createApiKey",
        "POST",
        PATH,
        summary="Make a key",
        description="The secret is in the reply and nowhere else. A name that is taken is 409, and "
        "`existing` is the key that has it. Of a key that is not `sending`, `sending_domain_id` is "
        "passed over; so are members that are not known.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewKeyIn,
        response=MintedKeyOut,
        example={"name": "My API Key", "scope": "sending"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listApiKeys",
        "GET",
        PATH,
        summary="List keys",
        description="Newest first. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=KeysOut,
    ),
    _endpoint(
        "getApiKey",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read a key",
        parse=parse_id,
        run=get,
        response=KeyOut,
    ),
    _endpoint(
        "updateApiKey",
        "POST",
        f"{PATH}/{{id}}",
        summary="Rename a key",
        description="A name that another key has is 409.",
        parse=parse_changes,
        run=update,
        request=KeyChangesIn,
        response=KeyOut,
        example={"name": "Updated API Key Name"},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "deleteApiKey",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="End a key",
        description="True when the call returns. Its secret can never be used again.",
        parse=parse_id,
        run=delete,
        response=DeletedKeyOut,
    ),
    _endpoint(
        "regenerateApiKey",
        "POST",
        f"{PATH}/{{id}}/regenerate",
        summary="Give a key a new secret",
        description="The one before ends at once. The new one is in the reply and nowhere else.",
        parse=parse_id,
        run=regenerate,
        response=MintedKeyOut,
    ),
)
