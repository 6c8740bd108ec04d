"""Mint: make, change, rotate and end gate keys. Every change is audited with it.

`bound` is the project the calling key is bound to: of other projects it knows nothing. After any
of these a process has to forget its cached gate keys.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import clock, crypto, ids
from gatepost.base.errors import AppError, invalid, not_found
from gatepost.base.ids import AccountId, CustomerId, GateKeyId, ProjectId
from gatepost.base.periods import check_zone
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.customers import store as customers
from gatepost.domains.gatekeys import model, store
from gatepost.domains.gatekeys.model import GateKey, GateQuota
from gatepost.domains.keys.model import PREFIXES, check_limits, overlap_until
from gatepost.domains.projects import store as projects
from gatepost.engine import keyring
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx

NOUN = "gatekey"
PREFIX = "key"
UTC = "UTC"

Problem = tuple[list[str | int], str]


class NewGateKey(msgspec.Struct, frozen=True, kw_only=True):
    """A gate key to be. `prefix` is what its secrets begin with. Times in ms."""

    account_id: AccountId
    project_id: ProjectId
    name: str
    prefix: str = PREFIX
    scopes: tuple[str, ...] = ()
    limits: tuple[Window, ...] = ()
    quota: GateQuota | None = None
    metadata: dict[str, Any] = {}
    customer_id: CustomerId | None = None
    expires_at: int | None = None


class GateKeyChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a gate key; UNSET stays as it is."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    scopes: tuple[str, ...] | UnsetType = UNSET
    limits: tuple[Window, ...] | UnsetType = UNSET
    quota: GateQuota | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    customer_id: CustomerId | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The members that are set."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


class Minted(msgspec.Struct, frozen=True):
    """A gate key and its new secret, which is known here and nowhere else."""

    key: GateKey
    secret: str


def create(tx: Tx, new: NewGateKey, *, pepper: bytes, actor: Actor, now: int) -> Minted:
    """Make a gate key; raises INVALID."""
    accounts.hold(tx, new.account_id)
    _check_prefix(new.prefix)
    secret = model.mint(new.prefix)
    key = GateKey(
        id=GateKeyId(ids.new()),
        start=model.start_of(secret),
        created_at=now,
        updated_at=now,
        **msgspec.structs.asdict(new),
    )
    if projects.find(tx, key.account_id, key.project_id) is None:
        raise invalid((["projectId"], "No project with this id"))
    key = _checked(tx, key, set(NewGateKey.__struct_fields__), now)
    store.append(tx, key, crypto.digest(pepper, secret))
    _note(tx, actor, "gate-key.create", key, now, after=describe(key))
    return Minted(key, secret)


def update(
    tx: Tx,
    account_id: AccountId,
    key_id: GateKeyId,
    changes: GateKeyChanges,
    *,
    actor: Actor,
    now: int,
    bound: ProjectId | None = None,
) -> GateKey:
    """Change, disable or enable a gate key; raises NOT_FOUND and INVALID."""
    accounts.hold(tx, account_id)
    before = find(tx, account_id, key_id, bound)
    given = {
        name: value for name, value in changes.given().items() if value != getattr(before, name)
    }
    if not given:
        return before
    key = msgspec.structs.replace(before, **given, updated_at=now)
    key = _checked(tx, key, set(given), now)
    store.save(tx, key)
    was, is_ = describe(before), describe(key)
    names = [name for name in was if was[name] != is_[name]]
    was, is_ = {name: was[name] for name in names}, {name: is_[name] for name in names}
    _note(tx, actor, "gate-key.update", key, now, before=was, after=is_)
    return key


def rotate(
    tx: Tx,
    account_id: AccountId,
    key_id: GateKeyId,
    *,
    grace_s: int = 0,
    pepper: bytes,
    actor: Actor,
    now: int,
    bound: ProjectId | None = None,
) -> Minted:
    """Give a gate key a new secret. The one before works on for `grace_s` (0…604800), never past
    the key's expiry; any older one ends now. What it has used stays.

    Raises NOT_FOUND and INVALID.
    """
    grace_ms = keyring.read_grace(grace_s)
    accounts.hold(tx, account_id)
    before = find(tx, account_id, key_id, bound)
    secret = model.mint(before.prefix)
    key = msgspec.structs.replace(before, start=model.start_of(secret), updated_at=now)
    until = overlap_until(now, grace_ms, key.expires_at)
    store.end_secrets(tx, key, until, now)
    store.add_secret(tx, key, crypto.digest(pepper, secret), now)
    store.save(tx, key)
    after = {"start": key.start, "previousUntil": clock.iso(until)}
    _note(tx, actor, "gate-key.rotate", key, now, before={"start": before.start}, after=after)
    return Minted(key, secret)


def delete(
    tx: Tx,
    account_id: AccountId,
    key_id: GateKeyId,
    *,
    actor: Actor,
    now: int,
    bound: ProjectId | None = None,
) -> GateKey:
    """End a gate key for good; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    key = find(tx, account_id, key_id, bound)
    end(tx, key, actor=actor, now=now)
    return key


def end(tx: Tx, key: GateKey, *, actor: Actor, now: int) -> None:
    """End a gate key that was looked up."""
    store.remove(tx, key, now)
    _note(tx, actor, "gate-key.delete", key, now, before=describe(key))


def find(
    tx: Tx, account_id: AccountId, key_id: GateKeyId, bound: ProjectId | None = None
) -> GateKey:
    """Look a gate key up, of the project a caller is bound to; raises NOT_FOUND."""
    key = store.get(tx, account_id, key_id)
    if bound is not None and key.project_id != bound:
        raise not_found("gate key with this id")
    return key


def describe(key: GateKey) -> dict[str, Any]:
    """A gate key as the audit log keeps it."""
    return {
        "name": key.name,
        "projectId": ids.show("project", key.project_id),
        "scopes": list(key.scopes),
        "limits": [{"limit": one.limit, "seconds": one.seconds} for one in key.limits],
        "quota": None if key.quota is None else msgspec.to_builtins(key.quota),
        "metadata": key.metadata,
        "customerId": ids.show("customer", key.customer_id) if key.customer_id else None,
        "enabled": key.enabled,
        "expiresAt": None if key.expires_at is None else clock.iso(key.expires_at),
        "start": key.start,
    }


def _check_prefix(prefix: str) -> None:
    if not model.PREFIX.fullmatch(prefix):
        message = f"1 to {model.PREFIX_MAX} lower-case letters, digits and underscores"
        raise invalid((["prefix"], message))
    # A leaked secret shall show whose it is.
    if f"{prefix}_".startswith(tuple(PREFIXES.values())):
        raise invalid((["prefix"], "Gatepost's own keys begin so"))


def _checked(tx: Tx, key: GateKey, given: set[str], now: int) -> GateKey:
    """Check the members that were given, and return the key with them in normal form."""
    problems = _problems(key, given, now)
    bound = key.customer_id if "customer_id" in given else None
    if bound is not None and customers.find(tx, key.account_id, bound) is None:
        problems.append((["customerId"], "No customer with this id"))
    if problems:
        raise invalid(*problems)
    return msgspec.structs.replace(key, scopes=tuple(dict.fromkeys(key.scopes)))


def _problems(key: GateKey, given: set[str], now: int) -> list[Problem]:
    problems: list[Problem] = []
    if not key.name.strip() or len(key.name) > model.NAME_MAX:
        problems.append((["name"], f"Must have 1 to {model.NAME_MAX} characters"))
    if "expires_at" in given and key.expires_at is not None and key.expires_at <= now:
        problems.append((["expiresAt"], "Must be in the future"))
    if len(msgspec.json.encode(key.metadata)) > model.METADATA_BYTES_MAX:
        message = f"Must be at most {model.METADATA_BYTES_MAX} bytes of JSON"
        problems.append((["metadata"], message))
    if len(key.scopes) > model.SCOPES_MAX:
        problems.append((["scopes"], f"At most {model.SCOPES_MAX}"))
    problems += [
        (["scopes", at], "Lower-case letters, digits and :._*/-, at most 64")
        for at, one in enumerate(key.scopes)
        if not model.SCOPE.fullmatch(one)
    ]
    try:
        check_limits(key.limits)
    except ValueError as error:
        problems.append((["limits"], str(error).capitalize()))
    try:
        check_zone(key.quota.timezone if key.quota else UTC)
    except AppError as error:
        problems.append((["quota", "timezone"], error.detail))
    return problems


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    key: GateKey,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show(NOUN, key.id), key.name, key.project_id)
    audit.append(tx, key.account_id, actor, action, target, now=now, before=before, after=after)
