"""Keyring: make, import, change, rotate and end keys. Every change is audited with it.

`grantor` is the key that asks; None is the local operator, whom nothing binds. No key makes
one stronger than itself, nor changes or rotates one that is: that would be the same thing.
Ending a key is always allowed within the grantor's project, for it makes nobody stronger.
After any of these a process has to forget its cached callers.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import clock, crypto, ids
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import AccountId, CustomerId, KeyId, ProjectId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.customers import store as customers
from gatepost.domains.keys import model, power, scopes
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Format, Key
from gatepost.domains.keys.scopes import Scope
from gatepost.domains.plans import store as plans
from gatepost.domains.projects import store as projects
from gatepost.engine import standing
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx

_CUSTOMERS = scopes.CUSTOMERS | {Scope.ANY}
GRACE_S_MAX = model.GRACE_MS_MAX // 1000


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key to be. What is left out is the grantor's own where that one is bound: project,
    customer, sending domain, expiry, networks and limits; `limits` None otherwise means the
    plan's. `format` is how its minted secrets look. Times in ms.
    """

    account_id: AccountId
    name: str
    format: Format = Format.NATIVE
    scopes: tuple[str, ...] = ("full",)
    project_id: ProjectId | None = None
    customer_id: CustomerId | None = None
    sending_domain: str | None = None
    limits: tuple[Window, ...] | None = None
    expires_at: int | None = None
    allow_from: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a key; UNSET stays as it is."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    hold_mails: bool | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    limits: tuple[Window, ...] | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET
    allow_from: tuple[str, ...] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """The members that are set."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


class Minted(msgspec.Struct, frozen=True):
    """A key and its new secret, which is known here and nowhere else."""

    key: Key
    secret: str


def create(
    tx: Tx, new: NewKey, *, pepper: bytes, actor: Actor, now: int, grantor: Key | None = None
) -> Minted:
    """Make a key with a secret of its format.

    Raises INVALID, CONFLICT (name taken) and FORBIDDEN (stronger than the grantor).
    """
    accounts.hold(tx, new.account_id)
    secret = model.mint(new.format)
    key = _built(tx, new, secret, now, grantor)
    _append(tx, key, crypto.digest(pepper, secret), grantor)
    _note(tx, actor, "key.create", key, now, after=describe(key))
    return Minted(key, secret)


def import_(
    tx: Tx,
    new: NewKey,
    secret: str,
    *,
    pepper: bytes,
    actor: Actor,
    now: int,
    grantor: Key | None = None,
) -> Key:
    """Make a key of a secret that exists already, of whatever shape.

    Raises like `create`; INVALID too for a weak secret, CONFLICT for one that was ever used.
    """
    try:
        model.check_import(secret)
    except ValueError as error:
        raise invalid((["secret"], _sentence(error))) from None
    accounts.hold(tx, new.account_id)
    key = _built(tx, new, secret, now, grantor)
    _append(tx, key, crypto.digest(pepper, secret), grantor)
    _note(tx, actor, "key.import", key, now, after=describe(key))
    return key


def update(
    tx: Tx,
    account_id: AccountId,
    key_id: KeyId,
    changes: KeyChanges,
    *,
    actor: Actor,
    now: int,
    grantor: Key | None = None,
) -> Key:
    """Rename, disable, enable or bind a key.

    Raises NOT_FOUND, INVALID, CONFLICT (name taken) and FORBIDDEN (the key is, or would
    become, stronger than the grantor).
    """
    accounts.hold(tx, account_id)
    before = find(tx, account_id, key_id, grantor)
    given = {
        name: value for name, value in changes.given().items() if value != getattr(before, name)
    }
    if not given:
        return before
    key = msgspec.structs.replace(before, **given, updated_at=now)
    key = _checked(key, set(given), now)
    if given != {"enabled": False}:
        _check_power(tx, before, grantor)
        _check_power(tx, key, grantor)
    with _Named(grantor):
        keys.save(tx, key)
    was, is_ = _changed(describe(before), describe(key))
    _note(tx, actor, "key.update", key, now, before=was, after=is_)
    return key


def rotate(
    tx: Tx,
    account_id: AccountId,
    key_id: KeyId,
    *,
    grace_s: int = 0,
    pepper: bytes,
    actor: Actor,
    now: int,
    grantor: Key | None = None,
) -> Minted:
    """Give a key a new secret. The one before works on for `grace_s` (0…604800), never past
    the key's expiry; any older one ends now. Id, scopes and limits stay.

    Raises NOT_FOUND, INVALID and FORBIDDEN (the key is stronger than the grantor).
    """
    grace_ms = read_grace(grace_s)
    accounts.hold(tx, account_id)
    before = find(tx, account_id, key_id, grantor)
    _check_power(tx, before, grantor)
    secret = model.mint(before.format)
    key = msgspec.structs.replace(before, start=model.start_of(secret), updated_at=now)
    until = model.overlap_until(now, grace_ms, key.expires_at)
    keys.end_secrets(tx, key, until, now)
    keys.add_secret(tx, key, crypto.digest(pepper, secret), now)
    keys.save(tx, key)
    after = {"start": key.start, "previousUntil": clock.iso(until)}
    _note(tx, actor, "key.rotate", key, now, before={"start": before.start}, after=after)
    return Minted(key, secret)


def read_grace(grace_s: int) -> int:
    """How long a replaced secret may work on, in ms; raises INVALID."""
    if not 0 <= grace_s <= GRACE_S_MAX:
        raise invalid((["graceSeconds"], f"Must be from 0 to {GRACE_S_MAX}"))
    return grace_s * clock.SECOND_MS


def delete(
    tx: Tx,
    account_id: AccountId,
    key_id: KeyId,
    *,
    actor: Actor,
    now: int,
    grantor: Key | None = None,
) -> Key:
    """End a key for good; its secrets can never come back. Raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    key = find(tx, account_id, key_id, grantor)
    end(tx, key, actor=actor, now=now)
    return key


def end(tx: Tx, key: Key, *, actor: Actor, now: int) -> None:
    """End a key that was looked up."""
    keys.remove(tx, key, now)
    _note(tx, actor, "key.delete", key, now, before=describe(key))


def find(tx: Tx, account_id: AccountId, key_id: KeyId, grantor: Key | None = None) -> Key:
    """Look a key up that the grantor may see; raises NOT_FOUND."""
    key = keys.get(tx, account_id, key_id)
    if grantor and grantor.project_id and key.project_id != grantor.project_id:
        raise not_found("key with this id")
    return key


def grantor_of(tx: Tx, account_id: AccountId, key_id: KeyId, now: int) -> Key:
    """The calling key as it stands now, or what stands in its place: what it was admitted with may
    be older. Raises FORBIDDEN when it has ended since.
    """
    accounts.hold(tx, account_id)
    key = keys.find(tx, account_id, key_id) or standing.of_member(tx, account_id, key_id)
    if key is None or not key.enabled or (key.expires_at is not None and key.expires_at <= now):
        raise AppError(Code.FORBIDDEN, "The calling key has ended")
    return key


def describe(key: Key) -> dict[str, Any]:
    """A key as the audit log keeps it."""
    limits = key.limits
    return {
        "name": key.name,
        "format": str(key.format),
        "scopes": list(key.scopes),
        "projectId": ids.show("project", key.project_id) if key.project_id else None,
        "customerId": ids.show("customer", key.customer_id) if key.customer_id else None,
        "sendingDomain": key.sending_domain,
        "limits": None
        if limits is None
        else [{"limit": one.limit, "seconds": one.seconds} for one in limits],
        "enabled": key.enabled,
        "holdMails": key.hold_mails,
        "expiresAt": None if key.expires_at is None else clock.iso(key.expires_at),
        "allowFrom": list(key.allow_from),
        "metadata": key.metadata,
        "start": key.start,
    }


def _built(tx: Tx, new: NewKey, secret: str, now: int, grantor: Key | None) -> Key:
    accounts.get(tx, new.account_id)
    key = Key(
        id=KeyId(ids.new()),
        account_id=new.account_id,
        project_id=new.project_id,
        customer_id=new.customer_id,
        name=new.name,
        format=new.format,
        scopes=new.scopes,
        sending_domain=new.sending_domain,
        limits=new.limits,
        expires_at=new.expires_at,
        allow_from=new.allow_from,
        metadata=new.metadata,
        start=model.start_of(secret),
        created_at=now,
        updated_at=now,
    )
    if grantor is not None:
        key = _bound(tx, key, grantor)
    key = _checked(key, set(NewKey.__struct_fields__), now)
    bound = key.project_id
    if bound is not None and projects.find(tx, key.account_id, bound) is None:
        raise invalid((["projectId"], "No project with this id"))
    _check_customer(tx, key)
    _check_power(tx, key, grantor)
    return key


def _bound(tx: Tx, key: Key, grantor: Key) -> Key:
    """Let a new key start from its grantor's bounds where it names none."""
    limits = key.limits
    if limits is None and grantor.limits and not power.within(_plan(tx, key), grantor.limits):
        limits = grantor.limits
    return msgspec.structs.replace(
        key,
        project_id=key.project_id or grantor.project_id,
        customer_id=key.customer_id or grantor.customer_id,
        sending_domain=key.sending_domain or grantor.sending_domain,
        expires_at=grantor.expires_at if key.expires_at is None else key.expires_at,
        allow_from=key.allow_from or grantor.allow_from,
        limits=limits,
    )


def _checked(key: Key, given: set[str], now: int) -> Key:
    """Check the members that were given, and return the key with them in normal form."""
    if "scopes" in given:
        key = msgspec.structs.replace(key, scopes=scopes.check(key.scopes))
    problems: list[tuple[list[str | int], str]] = []
    if key.customer_id is not None and scopes.expand(key.scopes) - _CUSTOMERS:
        message = f"A key bound to a customer has the scope {Scope.USAGE_READ} alone"
        problems.append((["scopes"], message))
    if not key.name.strip() or len(key.name) > model.NAME_MAX:
        problems.append((["name"], f"Must have 1 to {model.NAME_MAX} characters"))
    if "expires_at" in given and key.expires_at is not None and key.expires_at <= now:
        problems.append((["expiresAt"], "Must be in the future"))
    if len(msgspec.json.encode(key.metadata)) > model.METADATA_BYTES_MAX:
        message = f"Must be at most {model.METADATA_BYTES_MAX} bytes of JSON"
        problems.append((["metadata"], message))
    networks, domain = key.allow_from, key.sending_domain
    try:
        model.check_limits(key.limits or ())
    except ValueError as error:
        problems.append((["limits"], _sentence(error)))
    try:
        networks = model.check_networks(networks)
    except ValueError as error:
        problems.append((["allowFrom"], _sentence(error)))
    try:
        domain = None if domain is None else model.check_domain(domain)
    except ValueError as error:
        problems.append((["sendingDomain"], _sentence(error)))
    if problems:
        raise invalid(*problems)
    return msgspec.structs.replace(key, allow_from=networks, sending_domain=domain)


def _check_customer(tx: Tx, key: Key) -> None:
    bound = key.customer_id
    if bound is not None and customers.find(tx, key.account_id, bound) is None:
        raise invalid((["customerId"], "No customer with this id"))


def _check_power(tx: Tx, key: Key, grantor: Key | None) -> None:
    if grantor is None:
        return
    plan = _plan(tx, key)
    beyond = power.excess(power.power_of(grantor, plan), power.power_of(key, plan))
    if beyond:
        (path, message), *_ = beyond
        detail = f"No key reaches beyond itself: {path[0]}: {message}"
        raise AppError(Code.FORBIDDEN, detail)


def _plan(tx: Tx, key: Key) -> tuple[Window, ...]:
    plan = plans.find(tx, accounts.get(tx, key.account_id).plan)
    return plan.key_limits if plan else ()


def _append(tx: Tx, key: Key, digest: bytes, grantor: Key | None) -> None:
    with _Named(grantor):
        keys.append(tx, key, digest)


class _Named:
    """Within: a conflict of names tells of the other key what the grantor may know of it."""

    def __init__(self, grantor: Key | None) -> None:
        self._bound = grantor.project_id if grantor else None

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, AppError):
            return
        other = error.extra.pop("existing", None)
        if isinstance(other, Key) and self._bound in {None, other.project_id}:
            error.extra["existing"] = {"id": ids.show("key", other.id), "name": other.name}


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    key: Key,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("key", key.id), key.name, key.project_id)
    audit.append(tx, key.account_id, actor, action, target, now=now, before=before, after=after)


def _changed(was: dict[str, Any], now: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in was if was[name] != now[name]]
    return {name: was[name] for name in names}, {name: now[name] for name in names}


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
