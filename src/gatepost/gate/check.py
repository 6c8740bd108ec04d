"""Checks: whether a key of a caller's own end user may do what it asks for.

They are looked up and held to limits on the event loop (`gate/checker.py`), charged and metered
inside the transaction (`settle`). Reasons are told in the order of `Reason`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from gatepost.base.ids import NO_CUSTOMER, AccountId, CustomerId, ProjectId
from gatepost.base.periods import slot_of
from gatepost.domains.gatekeys import model
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.gatekeys.model import GateKey, GateQuota, Granted
from gatepost.domains.quotas.model import Slot
from gatepost.domains.usage import store as usage
from gatepost.domains.usage.model import Metered, Sums
from gatepost.gate.budget import Budget, Left, Payer, Take, of_customer
from gatepost.limiter.contract import Subject, Verdict
from gatepost.storage.db import Tx

ALLOWED, FORBIDDEN, EXCEEDED = 200, 403, 429
"""The statuses that checks are metered with."""


class Reason(StrEnum):
    """Why a check is refused, in the order they are looked for."""

    KEY_NOT_FOUND = "key_not_found"
    KEY_DISABLED = "key_disabled"
    KEY_EXPIRED = "key_expired"
    SCOPE_MISSING = "scope_missing"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    CUSTOMER_INACTIVE = "customer_inactive"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"


MESSAGES = {
    Reason.KEY_NOT_FOUND: "There is no such key",
    Reason.KEY_DISABLED: "This key is switched off",
    Reason.KEY_EXPIRED: "This key has expired",
    Reason.SCOPE_MISSING: "This key lacks the scope",
    Reason.CUSTOMER_NOT_FOUND: "The key has no such customer",
    Reason.CUSTOMER_INACTIVE: "This customer is not active",
    Reason.RATE_LIMITED: "Too many requests with this key",
    Reason.QUOTA_EXCEEDED: "A quota is used up",
}
_EXCEEDING = frozenset({Reason.RATE_LIMITED, Reason.QUOTA_EXCEEDED})


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What is asked: may this secret do this, at this cost, for this customer?

    NO_CUSTOMER stands for one that nobody can be. A `dry` ask changes nothing.
    """

    secret: str
    scope: str | None = None
    route: str = ""
    cost: int = 1
    customer: CustomerId | None = None
    dry: bool = False


class Holder(msgspec.Struct):
    """A gate key with all that a check must know of it. Its secret ends at `valid_until` (ms).

    `face` is how a dialect shows it, `take` what was last taken of its quota: both are kept here
    once they were made.
    """

    key: GateKey
    valid_until: int | None
    granted: Granted
    subjects: tuple[Subject, ...]
    face: str = ""
    take: Take | None = None


class Client(msgspec.Struct, frozen=True, gc=False):
    """A customer as checks know it."""

    payer: Payer
    active: bool


class Asker(Protocol):
    """Who asks, and when."""

    @property
    def account_id(self) -> AccountId: ...
    @property
    def project_id(self) -> ProjectId | None: ...


class Checked(msgspec.Struct, gc=False):
    """An ask that was looked up: whose key it is, for whom, and how its limits stand.

    With a `reason` it is refused already. `touch` has the key's last use noted.
    """

    ask: Ask
    now: int
    request_id: str
    holder: Holder | None = None
    payer: Payer | None = None
    reason: Reason | None = None
    verdict: Verdict | None = None
    touch: bool = False


class Decision(msgspec.Struct, gc=False):
    """What became of a check. `left` are the hard quotas it came to, as they stand now."""

    checked: Checked
    reason: Reason | None
    left: Sequence[Left] = ()
    retry_after_s: float | None = None


def judge(asker: Asker, one: Checked) -> CustomerId | None:
    """Find what is wrong with a key by itself; returns the customer that is left to look up."""
    ask, holder = one.ask, one.holder
    if holder is None or _foreign(asker, holder, one.now):
        one.holder, one.reason = None, Reason.KEY_NOT_FOUND
        return None
    key = holder.key
    if not key.enabled:
        one.reason = Reason.KEY_DISABLED
    elif key.expires_at is not None and one.now >= key.expires_at:
        one.reason = Reason.KEY_EXPIRED
    elif ask.scope is not None and not holder.granted.holds(ask.scope):
        one.reason = Reason.SCOPE_MISSING
    elif ask.customer is None or key.customer_id is None or ask.customer == key.customer_id:
        return ask.customer or key.customer_id
    else:
        one.reason = Reason.CUSTOMER_NOT_FOUND
    return None


def admit(one: Checked, client: Client | None) -> None:
    """Note for whom a check is, if that may be."""
    if client is None:
        one.reason = Reason.CUSTOMER_NOT_FOUND
        return
    one.payer = client.payer
    if not client.active:
        one.reason = Reason.CUSTOMER_INACTIVE


def settle(tx: Tx, found: Sequence[Checked]) -> list[Decision]:
    """Charge quotas, each check's together or not at all, and meter what became of each."""
    budget, sums, used = Budget(tx), Sums(), {}
    takes = [[] if one.reason else _takes(one) for one in found]
    budget.open(take for those in takes for take in those)
    decisions = []
    for one, wanted in zip(found, takes, strict=True):
        decision = _decide(budget, one, wanted)
        decisions.append(decision)
        holder = one.holder
        if holder is None or one.ask.dry:
            continue
        _count(sums, holder.key, decision)
        if one.touch and decision.reason is None:
            used[holder.key.account_id, holder.key.id] = one.now
    if sums.lines:
        budget.write(found[0].now)
        usage.add(tx, sums)
        gatekeys.touch(tx, used)
    return decisions


def _foreign(asker: Asker, holder: Holder, now: int) -> bool:
    """Whether a key is not the asker's to ask about, or its secret has ended."""
    key, bound = holder.key, asker.project_id
    if key.account_id != asker.account_id or (bound is not None and bound != key.project_id):
        return True
    return holder.valid_until is not None and now >= holder.valid_until


def _decide(budget: Budget, one: Checked, takes: Sequence[Take]) -> Decision:
    if one.reason is not None:
        verdict = one.verdict
        return Decision(one, one.reason, (), verdict.retry_after_s if verdict else None)
    refusal = budget.charge(takes, one.now)
    if refusal is not None:
        left = _left(budget, takes)
        return Decision(one, Reason.QUOTA_EXCEEDED, left, refusal.retry_after_s)
    if one.ask.dry:
        budget.undo(takes)
    return Decision(one, None, _left(budget, takes))


def _left(budget: Budget, takes: Sequence[Take]) -> list[Left]:
    return [left for take in takes if (left := budget.left(take)) is not None]


def _takes(one: Checked) -> list[Take]:
    """What a check takes: of its key's quota, and of its customer's."""
    found, holder, cost = [], one.holder, one.ask.cost
    if holder is not None and holder.key.quota is not None:
        take = holder.take
        if take is None or take.units != cost or not take.slot.period <= one.now < take.resets_at:
            take = holder.take = _take(holder.key, holder.key.quota, cost, one.now)
        found.append(take)
    own = None if one.payer is None else of_customer(one.payer, cost, one.now)
    if own is not None:
        found.append(own)
    return found


def _take(key: GateKey, quota: GateQuota, cost: int, now: int) -> Take:
    start, end = quota.bounds(now)
    slot = Slot(key.account_id, model.slot_name(key.id, quota), start)
    return Take(slot, "key", cost, quota.limit, end)


def _count(sums: Sums, key: GateKey, decision: Decision) -> None:
    """Meter a check, with its units where it was allowed."""
    one, reason = decision.checked, decision.reason
    units = one.ask.cost if reason is None else 0
    mark = (key.id, one.ask.route, reason, slot_of(one.now))
    if one.payer is not None or not sums.again(mark, units):
        sums.add(_metered(key, decision, units), mark)


def _metered(key: GateKey, decision: Decision, units: int) -> Metered:
    one, reason = decision.checked, decision.reason
    route = one.ask.route
    return Metered(
        account_id=key.account_id,
        customer_id=NO_CUSTOMER if one.payer is None else one.payer.customer_id,
        project_id=key.project_id,
        key_id=key.id,
        route=f"gate:{route}" if route else "gate",
        status=ALLOWED if reason is None else EXCEEDED if reason in _EXCEEDING else FORBIDDEN,
        units=units,
        at=one.now,
        request_id=one.request_id,
    )
