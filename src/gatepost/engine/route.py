"""Route: declare, change and end relayed routes. Every change is audited with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.config import SettingError, Settings
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, RelayId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.keys.scopes import Scope
from gatepost.domains.relays import model, paths, store, units
from gatepost.domains.relays.model import CustomerRule, Relay
from gatepost.storage.db import Tx

RELAYS_MAX = 1000


class NewRelay(msgspec.Struct, frozen=True, kw_only=True):
    """A route to be. A `trusted` one may reach any address."""

    method: str
    path: str
    upstream: str
    units: str = units.ONE
    scope: str = model.SCOPE
    customer: CustomerRule = CustomerRule.OPTIONAL
    timeout_ms: int = model.TIMEOUT_MS
    trusted: bool = False


class RelayChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a route; UNSET stays as it is."""

    upstream: str | UnsetType = UNSET
    units: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    customer: CustomerRule | UnsetType = UNSET
    timeout_ms: int | UnsetType = UNSET
    trusted: bool | UnsetType = UNSET


def declare(
    tx: Tx, account_id: AccountId, new: NewRelay, own: Iterable[str], actor: Actor, now: int
) -> Relay:
    """Declare a route; `own` are Gatepost's path templates. Raises INVALID, NOT_FOUND (no such
    account) and CONFLICT.
    """
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    made = Relay(
        id=RelayId(ids.new()),
        account_id=account_id,
        created_at=now,
        updated_at=now,
        **msgspec.structs.asdict(new),
    )
    check(made, own)
    if len(store.list_(tx, account_id, limit=RELAYS_MAX)) == RELAYS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {RELAYS_MAX} relays")
    store.add(tx, made)
    _note(tx, actor, "relay.create", made, now, after=_describe(made))
    return made


def change(
    tx: Tx, account_id: AccountId, relay_id: RelayId, changes: RelayChanges, actor: Actor, now: int
) -> Relay:
    """Change where a route leads, or what it asks for; raises INVALID and NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, relay_id)
    given = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    changed = msgspec.structs.replace(before, **given, updated_at=now)
    check(changed, ())
    store.save(tx, changed)
    was, is_ = _describe(before), _describe(changed)
    _note(tx, actor, "relay.update", changed, now, before=was, after=is_)
    return changed


def end(tx: Tx, account_id: AccountId, relay_id: RelayId, actor: Actor, now: int) -> Relay:
    """End a route; raises NOT_FOUND. Requests on their way are still answered."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, relay_id)
    ended = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    store.save(tx, ended)
    _note(tx, actor, "relay.delete", ended, now, before=_describe(before))
    return ended


def everybodys(settings: Settings, own: Iterable[str]) -> list[Relay]:
    """Routes that the settings declare for all accounts; raises SettingError."""
    own, found = tuple(own), []
    for line in settings.relays.replace(";", "\n").splitlines():
        if not line.strip():
            continue
        try:
            found.append(model.read_line(line))
            check(found[-1], own)
        except (ValueError, AppError) as error:
            raise SettingError(f"relays: {getattr(error, 'detail', error)}") from None
    return found


def check(relay: Relay, own: Iterable[str]) -> None:
    """Raise INVALID for a route that cannot be, CONFLICT where Gatepost answers itself."""
    model.check(relay)
    if relay.scope not in set(Scope) - {Scope.ANY}:
        raise invalid((["scope"], "Must be one scope, as data:write"))
    for path in own:
        if paths.overlaps(relay.path, path):
            detail = f"{relay.path} is in the way of Gatepost's own {path}"
            raise AppError(Code.CONFLICT, detail, extra={"path": path})


def _describe(relay: Relay) -> dict[str, Any]:
    hidden = {"id", "account_id", "created_at", "updated_at", "deleted_at"}
    described: dict[str, Any] = msgspec.to_builtins(
        {name: value for name, value in msgspec.structs.asdict(relay).items() if name not in hidden}
    )
    return described


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    relay: Relay,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("relay", relay.id), relay.name)
    audit.append(tx, relay.account_id, actor, action, target, now=now, before=before, after=after)
