"""Reckon: what the counter of a customer's quota must say."""

from __future__ import annotations

from gatepost.base.ids import AccountId, CustomerId
from gatepost.domains.customers import allowances, model
from gatepost.domains.customers.model import CustomerQuota, Metric, Notice
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Slot
from gatepost.domains.relays import holds
from gatepost.domains.usage import sums
from gatepost.storage.db import Tx


def settle(
    tx: Tx, account_id: AccountId, customer_id: CustomerId, quota: CustomerQuota, now: int
) -> None:
    """Let the counter of the running period say what was metered and corrected in it, and note
    the thresholds that this reaches. Who charges the quota waits meanwhile.
    """
    start = quota.bounds(now)[0]
    slot = Slot(account_id, model.slot_name(customer_id, quota), start)
    quotas.hold(tx, [slot])
    # Who gives back what it had taken holds no slot, but needs the row.
    quotas.add(tx, {slot: 0})
    used = _used(tx, slot, customer_id, quota, now)
    quotas.put(tx, slot, used)
    notices = [
        Notice(
            account_id=account_id,
            customer_id=customer_id,
            quota=quota,
            start=start,
            threshold=threshold,
            used=used,
            at=now,
        )
        for threshold in model.reached(quota, 0, used)
    ]
    allowances.note(tx, notices)


def _used(tx: Tx, slot: Slot, customer_id: CustomerId, quota: CustomerQuota, now: int) -> int:
    """What was metered and corrected, and what relayed requests on their way have taken."""
    place = (slot.account_id, customer_id, *quota.bounds(now))
    which = 0 if quota.metric is Metric.REQUESTS else 1
    on_their_way = holds.held(tx, *slot)
    while True:
        settled = sums.used(tx, *place)[which] + sums.adjusted(tx, *place)[which]
        before, on_their_way = on_their_way, holds.held(tx, *slot)
        # One that has ended between these statements might be in both figures, or in none.
        if before == on_their_way:
            return max(settled, 0) + on_their_way
