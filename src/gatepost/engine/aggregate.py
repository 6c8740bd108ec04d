"""Aggregate: make, change and delete aggregators. Every change is audited with it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, AggregatorId
from gatepost.base.periods import check_zone
from gatepost.domains.accounts import store as accounts
from gatepost.domains.aggregators import store as aggregators
from gatepost.domains.aggregators.model import (
    DESCRIPTION_MAX,
    NAME_MAX,
    Aggregator,
)
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.storage.db import Tx

AGGREGATORS_MAX = 1000


class AggregatorChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of an aggregator; UNSET stays as it is."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


def create_aggregator(
    tx: Tx,
    account_id: AccountId,
    name: str,
    actor: Actor,
    now: int,
    *,
    description: str = "",
    timezone: str = "UTC",
) -> Aggregator:
    """Make an aggregator; raises INVALID, NOT_FOUND (no such account) and CONFLICT."""
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    _check(name, description, timezone)
    if len(aggregators.list_(tx, account_id, limit=AGGREGATORS_MAX)) == AGGREGATORS_MAX:
        detail = f"An account has at most {AGGREGATORS_MAX} aggregators"
        raise AppError(Code.CONFLICT, detail)
    made = aggregators.create(tx, account_id, name, description, timezone, now)
    _note(tx, actor, "aggregator.create", made, now, after=_describe(made))
    return made


def update_aggregator(
    tx: Tx,
    account_id: AccountId,
    aggregator_id: AggregatorId,
    changes: AggregatorChanges,
    actor: Actor,
    now: int,
) -> Aggregator:
    """Rename, describe, archive or revive one; raises INVALID, NOT_FOUND and CONFLICT."""
    accounts.hold(tx, account_id)
    before = aggregators.get(tx, account_id, aggregator_id)
    changed = _changed(before, changes, now)
    _check(changed.name, changed.description, changed.timezone)
    aggregators.save(tx, changed)
    was, is_ = _describe(before), _describe(changed)
    _note(tx, actor, "aggregator.update", changed, now, before=was, after=is_)
    return changed


def delete_aggregator(
    tx: Tx, account_id: AccountId, aggregator_id: AggregatorId, actor: Actor, now: int
) -> Aggregator:
    """End an aggregator and forget its counts; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = aggregators.get(tx, account_id, aggregator_id)
    deleted = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    aggregators.save(tx, deleted)
    _note(tx, actor, "aggregator.delete", deleted, now, before=_describe(before))
    return deleted


def _changed(before: Aggregator, changes: AggregatorChanges, now: int) -> Aggregator:
    given: dict[str, Any] = {
        name: value
        for name, value in msgspec.structs.asdict(changes).items()
        if value is not UNSET and name != "archived"
    }
    archived_at = before.archived_at
    if changes.archived is not UNSET:
        archived_at = (archived_at or now) if changes.archived else None
    return msgspec.structs.replace(before, **given, archived_at=archived_at, updated_at=now)


def _check(name: str, description: str, timezone: str) -> None:
    if not name.strip() or len(name) > NAME_MAX:
        raise invalid((["name"], f"Must have 1 to {NAME_MAX} characters"))
    if len(description) > DESCRIPTION_MAX:
        raise invalid((["description"], f"At most {DESCRIPTION_MAX} characters"))
    check_zone(timezone)


def _describe(aggregator: Aggregator) -> dict[str, Any]:
    return {
        "name": aggregator.name,
        "description": aggregator.description,
        "timezone": aggregator.timezone,
        "archived": aggregator.archived_at is not None,
    }


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    aggregator: Aggregator,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("aggregator", aggregator.id), aggregator.name)
    audit.append(
        tx, aggregator.account_id, actor, action, target, now=now, before=before, after=after
    )
