"""Enrol: register, change and end customers, and say how much each may use. Every change is
audited with it. After any of these a process has to forget its cached customers.

A customer's account is held before a slot of its quota. That is the other way round than
elsewhere, but what is charged holds no account.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import invalid, not_found
from gatepost.base.ids import AccountId, AdjustmentId, CustomerId
from gatepost.base.periods import Bucket, check_zone, slot_of
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.customers import allowances, model
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Customer, CustomerQuota, Status
from gatepost.domains.keys import store as keys
from gatepost.domains.quotas import store as quotas
from gatepost.domains.usage import adjustments as corrections
from gatepost.domains.usage.model import Adjustment
from gatepost.engine import keyring, reckon
from gatepost.storage.db import Tx

ADJUSTMENT_MAX = 10**12
REASON_MAX = 500

Problem = tuple[list[str | int], str]


class NewCustomer(msgspec.Struct, frozen=True):
    """A customer to be. Without a name it is called by its identifier."""

    identifier: str
    name: str | None = None
    metadata: dict[str, str] = {}


class CustomerChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a customer; UNSET stays as it is, metadata is replaced whole."""

    identifier: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class NewAdjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A correction of what a customer used at a moment (ms): what to add, or to take away."""

    at: int
    requests: int = 0
    units: int = 0
    reason: str


class QuotaStanding(msgspec.Struct, frozen=True):
    """How a customer's quota stands: what is used of its period, left of it and beyond it, when
    it resets (ms), and which thresholds (percent) were reached in the period.
    """

    quota: CustomerQuota
    used: int
    remaining: int
    overage: int
    resets_at: int
    reached: list[int]


def register(tx: Tx, account_id: AccountId, new: NewCustomer, actor: Actor, now: int) -> Customer:
    """Register a customer; raises INVALID, NOT_FOUND (no such account) and CONFLICT, which has
    the one of the same identifier as `customer` in `extra`.
    """
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    identifier = new.identifier.strip()
    made = Customer(
        id=CustomerId(ids.random()),
        account_id=account_id,
        identifier=identifier,
        name=identifier if new.name is None else new.name,
        metadata=new.metadata,
        status=Status.ACTIVE,
        created_at=now,
        updated_at=now,
    )
    _check(made)
    customers.add(tx, made)
    _note(tx, actor, "customer.create", made, now, after=_describe(made))
    return made


def change(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    changes: CustomerChanges,
    actor: Actor,
    now: int,
) -> Customer:
    """Rename, describe, stop or revive one; raises INVALID, NOT_FOUND, and CONFLICT as above."""
    accounts.hold(tx, account_id)
    before = customers.get(tx, account_id, customer_id)
    given = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    if "identifier" in given:
        given["identifier"] = given["identifier"].strip()
    changed = msgspec.structs.replace(before, **given, updated_at=now)
    _check(changed)
    customers.save(tx, changed)
    was, is_ = _describe(before), _describe(changed)
    _note(tx, actor, "customer.update", changed, now, before=was, after=is_)
    return changed


def end(tx: Tx, account_id: AccountId, customer_id: CustomerId, actor: Actor, now: int) -> Customer:
    """End a customer, its quota and the keys bound to it; raises NOT_FOUND.

    Its identifier is free again. What it used stays, and can be reported.
    """
    accounts.hold(tx, account_id)
    before = customers.get(tx, account_id, customer_id)
    for key in keys.of_customer(tx, account_id, customer_id):
        keyring.end(tx, key, actor=actor, now=now)
    allowances.remove(tx, account_id, customer_id)
    ended = msgspec.structs.replace(before, status=Status.INACTIVE, updated_at=now, deleted_at=now)
    customers.save(tx, ended)
    _note(tx, actor, "customer.delete", ended, now, before=_describe(before))
    return ended


def set_quota(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    quota: CustomerQuota,
    actor: Actor,
    now: int,
) -> QuotaStanding:
    """Say how much a customer may use; raises INVALID and NOT_FOUND.

    What it has used of the running period counts. Requests that were admitted before the quota
    was known are not charged to it; `recount` counts them once all of them have ended.
    """
    accounts.hold(tx, account_id)
    customer = customers.get(tx, account_id, customer_id)
    quota = _checked(quota)
    before = allowances.find(tx, account_id, customer_id)
    allowances.put(tx, account_id, customer_id, quota, now)
    reckon.settle(tx, account_id, customer_id, quota, now)
    was = None if before is None else _quota(before)
    _note(tx, actor, "quota.set", customer, now, before=was, after=_quota(quota))
    return _standing(tx, account_id, customer_id, quota, now)


def remove_quota(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, actor: Actor, now: int
) -> None:
    """Let a customer use what it likes; raises NOT_FOUND, also where it has no quota."""
    accounts.hold(tx, account_id)
    customer = customers.get(tx, account_id, customer_id)
    before = allowances.find(tx, account_id, customer_id)
    if before is None:
        raise not_found("quota of this customer")
    allowances.remove(tx, account_id, customer_id)
    _note(tx, actor, "quota.remove", customer, now, before=_quota(before))


def standing(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, now: int
) -> QuotaStanding | None:
    """How a customer's quota stands, None where it has none; raises NOT_FOUND."""
    customers.get(tx, account_id, customer_id)
    quota = allowances.find(tx, account_id, customer_id)
    return None if quota is None else _standing(tx, account_id, customer_id, quota, now)


def recount(tx: Tx, account_id: AccountId, customer_id: CustomerId, now: int) -> None:
    """Count again what a customer has used of its quota's running period."""
    accounts.hold(tx, account_id)
    quota = allowances.find(tx, account_id, customer_id)
    if quota is not None:
        reckon.settle(tx, account_id, customer_id, quota, now)


def adjust(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    new: NewAdjustment,
    actor: Actor,
    now: int,
) -> Adjustment:
    """Correct what a customer used; raises INVALID and NOT_FOUND.

    Its quota counts it where the moment lies in the running period. Less than nothing counts as
    nothing.
    """
    accounts.hold(tx, account_id)
    customer = customers.get(tx, account_id, customer_id)
    _check_adjustment(new, now)
    made = Adjustment(
        id=AdjustmentId(ids.new()),
        account_id=account_id,
        customer_id=customer_id,
        slot=slot_of(new.at),
        requests=new.requests,
        units=new.units,
        reason=new.reason.strip(),
        actor=actor.name,
        created_at=now,
    )
    corrections.append(tx, made)
    quota = allowances.find(tx, account_id, customer_id)
    if quota is not None and made.slot >= quota.bounds(now)[0]:
        reckon.settle(tx, account_id, customer_id, quota, now)
    _note(tx, actor, "usage.adjust", customer, now, after=_correction(made))
    return made


def adjustments(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    since: int,
    until: int,
    *,
    after: corrections.Place | None = None,
    limit: int | None = None,
) -> list[Adjustment]:
    """What was corrected of a stretch of time (ms, `until` outside), in the order of time, from
    after a place on; raises NOT_FOUND.
    """
    customers.get(tx, account_id, customer_id)
    return corrections.list_(tx, account_id, customer_id, since, until, after=after, limit=limit)


def _standing(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, quota: CustomerQuota, now: int
) -> QuotaStanding:
    start, end_ = quota.bounds(now)
    used = quotas.used(tx, account_id, model.slot_name(customer_id, quota), start)
    found = {
        notice.threshold
        for notice in allowances.reached(tx, account_id, customer_id, start)
        if (notice.quota.metric, notice.quota.period) == (quota.metric, quota.period)
    }
    return QuotaStanding(
        quota=quota,
        used=used,
        remaining=max(quota.limit - used, 0),
        overage=max(used - quota.limit, 0),
        resets_at=end_,
        reached=sorted(found),
    )


def _check(customer: Customer) -> None:
    problems: list[Problem] = []
    if not 1 <= len(customer.identifier) <= model.IDENTIFIER_MAX:
        message = f"Must have 1 to {model.IDENTIFIER_MAX} characters"
        problems.append((["identifier"], message))
    if len(customer.name) > model.NAME_MAX:
        problems.append((["name"], f"At most {model.NAME_MAX} characters"))
    if len(customer.metadata) > model.METADATA_MAX:
        problems.append((["metadata"], f"At most {model.METADATA_MAX} members"))
    for key, value in customer.metadata.items():
        if not 1 <= len(key) <= model.METADATA_KEY_MAX:
            message = f"Keys must have 1 to {model.METADATA_KEY_MAX} characters"
            problems.append((["metadata", key[: model.METADATA_KEY_MAX]], message))
        if len(value) > model.METADATA_VALUE_MAX:
            message = f"At most {model.METADATA_VALUE_MAX} characters"
            problems.append((["metadata", key[: model.METADATA_KEY_MAX]], message))
    if problems:
        raise invalid(*problems)


def _checked(quota: CustomerQuota) -> CustomerQuota:
    """Return the quota with its thresholds in order, each once; raises INVALID."""
    problems: list[Problem] = []
    if not 0 <= quota.limit <= model.AMOUNT_MAX:
        problems.append((["limit"], f"Must be from 0 to {model.AMOUNT_MAX:,}"))
    if quota.period not in {Bucket.DAY, Bucket.MONTH}:
        problems.append((["period"], "Must be day or month"))
    if len(quota.thresholds) > model.THRESHOLDS_MAX:
        problems.append((["thresholds"], f"At most {model.THRESHOLDS_MAX}"))
    problems += [
        (["thresholds", index], f"Must be from 1 to {model.THRESHOLD_MAX}")
        for index, threshold in enumerate(quota.thresholds)
        if not 1 <= threshold <= model.THRESHOLD_MAX
    ]
    if problems:
        raise invalid(*problems)
    check_zone(quota.timezone)
    return msgspec.structs.replace(quota, thresholds=tuple(sorted(set(quota.thresholds))))


def _check_adjustment(new: NewAdjustment, now: int) -> None:
    problems: list[Problem] = []
    if not 0 <= new.at <= now:
        problems.append((["at"], "Must be after 1969 and not in the future"))
    if not new.requests and not new.units:
        problems.append((["requests"], "Requests and units must not both be 0"))
    problems += [
        ([name], f"Must be from -{ADJUSTMENT_MAX:,} to {ADJUSTMENT_MAX:,}")
        for name, amount in (("requests", new.requests), ("units", new.units))
        if abs(amount) > ADJUSTMENT_MAX
    ]
    if not new.reason.strip() or len(new.reason) > REASON_MAX:
        problems.append((["reason"], f"Must have 1 to {REASON_MAX} characters"))
    if problems:
        raise invalid(*problems)


def _describe(customer: Customer) -> dict[str, Any]:
    return {
        "identifier": customer.identifier,
        "name": customer.name,
        "metadata": customer.metadata,
        "status": str(customer.status),
    }


def _quota(quota: CustomerQuota) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(quota)
    return described


def _correction(made: Adjustment) -> dict[str, Any]:
    return {
        "at": clock.iso(made.slot),
        "requests": made.requests,
        "units": made.units,
        "reason": made.reason,
    }


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    customer: Customer,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("customer", customer.id), customer.name)
    audit.append(
        tx, customer.account_id, actor, action, target, now=now, before=before, after=after
    )
