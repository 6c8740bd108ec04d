"""What relayed requests are charged and metered: reserved before they are forwarded, settled by
what the upstream answers. Each is a vector verb; between them a reservation stands in the database,
so that a crash gives it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId
from gatepost.domains.plans.model import Meter
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Slot
from gatepost.domains.relays import holds
from gatepost.domains.relays.holds import Hold, Taken
from gatepost.domains.usage import store as usage
from gatepost.domains.usage.model import ERROR_FROM, Metered, Sums
from gatepost.gate.admit import Caller
from gatepost.gate.budget import Budget, Left, Payer, Take, of_customer, of_plan
from gatepost.gate.once import COLUMNS, TTL_MS, Claim
from gatepost.gate.tables import REPLIES
from gatepost.storage import sql
from gatepost.storage.db import Tx
from gatepost.storage.digests import Mark


class Order(msgspec.Struct, frozen=True):
    """One relayed request: what it takes of quotas, and its idempotency key.

    `id` (16 bytes) names its reservation. Times in ms.
    """

    id: bytes
    account_id: AccountId
    takes: tuple[Take, ...]
    claim: Claim | None
    now: int

    @property
    def is_limited(self) -> bool:
        """Whether any quota may refuse it."""
        return any(take.limit is not None for take in self.takes)


class Reserved(msgspec.Struct, frozen=True):
    """What was reserved. A `repeat` takes nothing: it was counted before."""

    repeat: bool
    left: Left | None


class Asked(NamedTuple):
    """A request that may be done, until a moment (ms)."""

    order: Order
    expires_at: int


class Done(NamedTuple):
    """A request that was answered. `metered` has the units that it is worth if it succeeded."""

    order: Order
    reserved: Reserved | None
    metered: Metered


class Settled(NamedTuple):
    """How the customer's hard quota stands after a request."""

    left: Left | None


def takes(caller: Caller, payer: Payer | None, units: int, now: int) -> tuple[Take, ...]:
    """What a data request takes of its plan's quotas and of its customer's."""
    found = [
        of_plan(one, caller.account_id, units, now)
        for one in caller.allowances
        if Meter.DATA in one.counts
    ]
    own = None if payer is None else of_customer(payer, units, now)
    return (*found, own) if own is not None else tuple(found)


def reserve(tx: Tx, asked: Sequence[Asked]) -> list[Reserved | AppError]:
    """Take what requests need; QUOTA_EXCEEDED for those there is not enough for."""
    known = _counted(tx, (one.order for one in asked))
    fresh = [one for one in asked if _mark(one.order) not in known]
    budget = Budget(tx)
    budget.open(take for one in fresh for take in one.order.takes)
    outcomes: dict[bytes, Reserved | AppError] = {}
    for order, expires_at in fresh:
        refusal = budget.charge(order.takes, order.now)
        if refusal is None:
            holds.add(tx, Hold(order.account_id, order.id, _taken(order.takes)), expires_at)
        outcomes[order.id] = refusal or Reserved(repeat=False, left=_left(budget, order))
    if fresh:
        budget.write(fresh[0].order.now, tell=False)
    repeat = Reserved(repeat=True, left=None)
    return [outcomes.get(one.order.id, repeat) for one in asked]


def spent(tx: Tx, found: Sequence[Take], now: int) -> AppError | None:
    """QUOTA_EXCEEDED where a quota has not enough left; nothing is charged."""
    budget = Budget(tx)
    budget.open(found)
    return budget.charge(found, now)


def settle(tx: Tx, done: Sequence[Done]) -> list[Settled | AppError]:
    """Keep what was reserved for those that succeeded, and give it back for the others.

    A repeat is neither charged nor metered again. QUOTA_EXCEEDED where a reservation has ended
    and there is not enough left.
    """
    counted = _counted(tx, (one.order for one in done))
    standing = {one.order.id: _release(tx, one) for one in done}
    firsts = _firsts(done, counted)
    budget = Budget(tx)
    fresh = [one for one in firsts if standing[one.order.id] is None]
    budget.open(take for one in firsts for take in one.order.takes)
    outcomes: dict[bytes, Settled | AppError] = {}
    for one in fresh:
        refusal = budget.charge(one.order.takes, one.order.now)
        outcomes[one.order.id] = refusal or Settled(_left(budget, one.order))
    kept = [one for one in firsts if not isinstance(outcomes.get(one.order.id), AppError)]
    budget.write(done[0].order.now)
    for one in kept:
        if standing[one.order.id] is not None:
            budget.confirm(one.order.takes, one.order.now)
    _return(tx, done, kept, standing)
    _meter(tx, done, kept)
    _remember(tx, [one.order for one in kept])
    for one in done:
        outcomes.setdefault(one.order.id, Settled(_after(one, kept=one in kept)))
    return [outcomes[one.order.id] for one in done]


def release(tx: Tx, order: Order) -> None:
    """Give a reservation back."""
    taken = holds.remove(tx, order.account_id, order.id)
    if taken is not None:
        quotas.add(tx, _amounts(order.account_id, taken))


def _firsts(done: Sequence[Done], counted: dict[Mark, int]) -> list[Done]:
    """Those that succeeded, of the same idempotency key the first one alone."""
    found, seen = [], set(counted)
    for one in done:
        mark = _mark(one.order)
        if one.metered.status < ERROR_FROM and mark not in seen:
            found.append(one)
            if mark is not None:
                seen.add(mark)
    return found


def _release(tx: Tx, one: Done) -> Taken | None:
    """End a reservation; None where there is none."""
    if one.reserved is None or one.reserved.repeat:
        return None
    return holds.remove(tx, one.order.account_id, one.order.id)


def _return(
    tx: Tx, done: Sequence[Done], kept: Sequence[Done], standing: dict[bytes, Taken | None]
) -> None:
    """Let quotas have back what is not kept."""
    amounts: dict[Slot, int] = {}
    keep = {one.order.id for one in kept}
    for one in done:
        taken = standing[one.order.id]
        if taken is not None and one.order.id not in keep:
            for slot, units in _amounts(one.order.account_id, taken).items():
                amounts[slot] = amounts.get(slot, 0) + units
    if amounts:
        quotas.add(tx, amounts)


def _after(one: Done, *, kept: bool) -> Left | None:
    """How the quota stands that was reserved of."""
    left = None if one.reserved is None else one.reserved.left
    if left is None or kept:
        return left
    remaining = min(left.remaining + one.order.takes[-1].units, left.limit)
    return msgspec.structs.replace(left, remaining=remaining)


def _left(budget: Budget, order: Order) -> Left | None:
    """How the customer's quota stands, which comes last."""
    last = order.takes[-1] if order.takes else None
    return budget.left(last) if last is not None and last.payer is not None else None


def _taken(found: Sequence[Take]) -> Taken:
    return {(take.slot.quota, take.slot.period): take.units for take in found}


def _amounts(account_id: AccountId, taken: Taken) -> dict[Slot, int]:
    return {Slot(account_id, *where): -units for where, units in taken.items()}


def _meter(tx: Tx, done: Sequence[Done], kept: Sequence[Done]) -> None:
    """Meter what was kept with its units, and what failed without any."""
    sums = Sums()
    for one in kept:
        sums.add(one.metered)
    for one in done:
        if one.metered.status >= ERROR_FROM:
            sums.add(msgspec.structs.replace(one.metered, units=0))
    usage.add(tx, sums)


def _mark(order: Order) -> Mark | None:
    return None if order.claim is None else (order.claim.scope, order.claim.claim)


def _counted(tx: Tx, orders: Iterable[Order]) -> dict[Mark, int]:
    """Which idempotency keys have been counted, and until when (ms) that is remembered.

    Whoever comes with one of them meanwhile waits. Those past their time are forgotten.
    """
    orders = list(orders)
    marks = [mark for order in orders if (mark := _mark(order)) is not None]
    now = max((order.now for order in orders), default=0)
    sql.lock(tx, [scope + claim for scope, claim in marks])
    found = {mark: ends_at for mark, (ends_at,) in REPLIES.find(tx, ("expires_at",), marks).items()}
    over = [mark for mark, ends_at in found.items() if ends_at <= now]
    REPLIES.remove(tx, over)
    for mark in over:
        del found[mark]
    return found


def _remember(tx: Tx, orders: Sequence[Order]) -> None:
    """Note that requests with these keys are counted; there is no reply to be kept."""
    rows = [
        (
            bytearray(claim.scope),
            bytearray(claim.claim),
            bytearray(claim.fingerprint),
            0,
            None,
            order.now + TTL_MS,
        )
        for order in orders
        if (claim := order.claim) is not None
    ]
    REPLIES.add(tx, COLUMNS, rows)
