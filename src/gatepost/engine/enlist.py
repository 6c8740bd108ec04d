"""Enlist: endpoints made, changed, switched and ended. Every change is audited with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, EndpointId, ProjectId
from gatepost.base.vault import Damaged, Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.endpoints import model, store
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Secret, Shape
from gatepost.domains.outbox import queues, rows
from gatepost.domains.outbox.circuit import Circuit
from gatepost.domains.outbox.model import Transport, queue_id
from gatepost.domains.outbox.policy import STANDARD, Policy
from gatepost.domains.outbox.queues import Place
from gatepost.storage.db import Tx

ENDPOINTS_MAX = 1000
HEADERS = "webhook headers"
SECRETS = "webhook secrets"


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint to be. `filter` is JSON of a condition on events, empty for none."""

    project_id: ProjectId
    name: str
    url: str
    types: tuple[str, ...] = (model.EVENTS,)
    filter: str = ""
    policy: Policy = STANDARD
    shape: Shape = Shape.STANDARD
    array: bool = False
    headers: Mapping[str, str] = {}
    rate: float | None = None
    cap: int = model.CAP


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of an endpoint; what is UNSET stays."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType = UNSET
    filter: str | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    shape: Shape | UnsetType = UNSET
    array: bool | UnsetType = UNSET
    headers: Mapping[str, str] | UnsetType = UNSET
    rate: float | UnsetType | None = UNSET
    cap: int | UnsetType = UNSET


class Made(NamedTuple):
    """An endpoint and the secret its requests are signed with."""

    endpoint: Endpoint
    secret: str


class Safe:
    """Seals and opens what an endpoint has that is secret."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the keys."""
        self._headers = Vault(pepper, HEADERS)
        self._secrets = Vault(pepper, SECRETS)

    def seal_headers(self, headers: Mapping[str, str], owner: bytes) -> bytes:
        """Seal headers for an endpoint, or for the account of a direct webhook."""
        return self._headers.seal(msgspec.json.encode(headers).decode(), owner)

    def seal_secrets(self, secrets: list[Secret], owner: bytes) -> bytes:
        """Seal an endpoint's secrets, the current one first."""
        return self._secrets.seal(msgspec.json.encode(secrets).decode(), owner)

    def headers(self, sealed: bytes, owner: bytes) -> dict[str, str]:
        """Open headers; raises Damaged."""
        return msgspec.json.decode(self._headers.open(sealed, owner), type=dict[str, str])

    def secrets(self, endpoint: Endpoint) -> list[Secret]:
        """Open an endpoint's secrets; raises Damaged."""
        opened = self._secrets.open(endpoint.secrets, endpoint.id)
        return msgspec.json.decode(opened, type=list[Secret])


def create(
    tx: Tx,
    account_id: AccountId,
    new: NewEndpoint,
    secret: str,
    safe: Safe,
    actor: Actor,
    now: int,
) -> Made:
    """Make an endpoint that signs with a secret; raises CONFLICT where there are too many."""
    accounts.hold(tx, account_id)
    if len(store.list_(tx, account_id, limit=ENDPOINTS_MAX)) == ENDPOINTS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {ENDPOINTS_MAX} endpoints")
    made = _endpoint(account_id, EndpointId(ids.new()), new, secret, safe, now)
    store.add(tx, made)
    note(tx, actor, "endpoint.create", made, now, after=model.describe(made))
    return Made(made, secret)


def update(
    tx: Tx,
    account_id: AccountId,
    endpoint_id: EndpointId,
    changes: Changes,
    safe: Safe,
    actor: Actor,
    now: int,
) -> Endpoint:
    """Change one; raises NOT_FOUND, and INVALID where its headers would go to another host unless
    they are given again. Another URL begins anew: what failed was the former one.
    """
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, endpoint_id)
    _check_headers(before, changes, safe)
    after = msgspec.structs.replace(before, **_changed(before, changes, safe))
    if after == before:
        return before
    after = msgspec.structs.replace(after, updated_at=now)
    if after.url != before.url:
        after = msgspec.structs.replace(after, failing_since=None, warned_at=None)
        queues.settle(tx, place_of(after), Circuit())
    store.save(tx, after)
    if (after.cap, after.rate) != (before.cap, before.rate):
        queues.shape(tx, place_of(after), after.cap, after.rate)
    note_change(tx, actor, "endpoint.update", before, after, now)
    return after


def rotate(
    tx: Tx,
    account_id: AccountId,
    endpoint_id: EndpointId,
    secret: str,
    grace_s: int,
    safe: Safe,
    actor: Actor,
    now: int,
) -> Made:
    """Give one a new secret; former ones sign beside it for a while. Raises NOT_FOUND, or INVALID
    for a secret that it has already.
    """
    if not 0 <= grace_s <= model.GRACE_S_MAX:
        raise invalid((["graceSeconds"], f"Must be from 0 to {model.GRACE_S_MAX}"))
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, endpoint_id)
    kept = safe.secrets(before)
    if kept[0].text == secret:
        raise invalid((["secret"], "Is its secret already"))
    secrets = model.rotated(kept, secret, now, grace_s * 1000)
    sealed = safe.seal_secrets(secrets, endpoint_id)
    after = msgspec.structs.replace(before, secrets=sealed, updated_at=now)
    store.save(tx, after)
    note(tx, actor, "endpoint.rotate", after, now)
    return Made(after, secret)


def enable(
    tx: Tx, account_id: AccountId, endpoint_id: EndpointId, actor: Actor, now: int
) -> Endpoint:
    """Switch one on, as healthy as a new one; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, endpoint_id)
    after = msgspec.structs.replace(
        before,
        status=EndpointStatus.ENABLED,
        failing_since=None,
        warned_at=None,
        disabled_at=None,
        updated_at=now,
    )
    store.save(tx, after)
    queues.settle(tx, place_of(after), Circuit())
    note_change(tx, actor, "endpoint.enable", before, after, now)
    return after


def disable(
    tx: Tx, account_id: AccountId, endpoint_id: EndpointId, actor: Actor, now: int
) -> Endpoint:
    """Switch one off: it is told nothing more. Raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, endpoint_id)
    if before.status is EndpointStatus.DISABLED:
        return before
    after = msgspec.structs.replace(
        before, status=EndpointStatus.DISABLED, disabled_at=now, updated_at=now
    )
    store.save(tx, after)
    note_change(tx, actor, "endpoint.disable", before, after, now)
    return after


def end(tx: Tx, account_id: AccountId, endpoint_id: EndpointId, actor: Actor, now: int) -> Endpoint:
    """Delete one; what is still to be delivered to it fails. Raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, endpoint_id)
    ended = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    store.save(tx, ended)
    note(tx, actor, "endpoint.delete", ended, now, before=model.describe(before))
    return ended


def place_of(endpoint: Endpoint) -> Place:
    """The queue of what goes to it."""
    named = queue_id(endpoint.account_id, Transport.WEBHOOK, endpoint.id.hex())
    return Place(endpoint.account_id, named)


def note(
    tx: Tx,
    actor: Actor,
    action: str,
    endpoint: Endpoint,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Audit a change of an endpoint."""
    target = Target(ids.show("endpoint", endpoint.id), endpoint.name)
    audit.append(
        tx, endpoint.account_id, actor, action, target, now=now, before=before, after=after
    )


def note_change(
    tx: Tx, actor: Actor, action: str, before: Endpoint, after: Endpoint, now: int
) -> None:
    """Audit what is different now."""
    old, new = model.describe(before), model.describe(after)
    names = [name for name in old if old[name] != new[name]]
    old, new = {name: old[name] for name in names}, {name: new[name] for name in names}
    note(tx, actor, action, after, now, before=old, after=new)


def _check_headers(before: Endpoint, changes: Changes, safe: Safe) -> None:
    """Nobody is shown the headers, so nobody may have them sent to where he reads them."""
    if isinstance(changes.url, UnsetType) or changes.headers is not UNSET:
        return
    try:
        hidden = bool(safe.headers(before.headers, before.id))
    except Damaged:
        hidden = True
    if hidden and _origin(changes.url) != _origin(before.url):
        raise invalid((["headers"], "Give them again where the url leads to another host"))


def _origin(url: str) -> tuple[str, str]:
    where = urlsplit(url)
    return where.scheme, where.netloc.lower()


def _changed(endpoint: Endpoint, changes: Changes, safe: Safe) -> dict[str, Any]:
    given = {k: v for k, v in msgspec.structs.asdict(changes).items() if v is not UNSET}
    if "policy" in given:
        given["policy"] = rows.write_policy(given["policy"])
    if "headers" in given:
        given["headers"] = safe.seal_headers(given["headers"], endpoint.id)
    return given


def _endpoint(
    account_id: AccountId,
    endpoint_id: EndpointId,
    new: NewEndpoint,
    secret: str,
    safe: Safe,
    now: int,
) -> Endpoint:
    return Endpoint(
        account_id=account_id,
        id=endpoint_id,
        project_id=new.project_id,
        name=new.name,
        url=new.url,
        types=new.types,
        filter=new.filter,
        policy=rows.write_policy(new.policy),
        shape=new.shape,
        array=new.array,
        status=EndpointStatus.ENABLED,
        headers=safe.seal_headers(new.headers, endpoint_id),
        secrets=safe.seal_secrets([Secret(secret)], endpoint_id),
        rate=new.rate,
        cap=new.cap,
        created_at=now,
        updated_at=now,
    )
