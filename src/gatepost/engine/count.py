"""Count: events that are only counted, by name and tags. A vector verb, as `track` is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gatepost.base.ids import AccountId, AggregatorId
from gatepost.base.periods import slot_of
from gatepost.domains.aggregators import counts
from gatepost.domains.aggregators import store as aggregators
from gatepost.domains.aggregators.model import Tally
from gatepost.storage.db import Tx

METER = "count"


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Whose event it is, and when it came in (ms)."""

    account_id: AccountId
    now: int


class Count(msgspec.Struct, frozen=True, gc=False):
    """One event to count; the tags are sorted, each of them once."""

    aggregator_id: AggregatorId
    name: str
    tags: tuple[str, ...]


def open_for(
    tx: Tx, wanted: Sequence[tuple[AccountId, AggregatorId]]
) -> set[tuple[AccountId, AggregatorId]]:
    """Which of these aggregators take events from these accounts: their own, not archived."""
    by_account: dict[AccountId, set[AggregatorId]] = defaultdict(set)
    for account_id, aggregator_id in wanted:
        by_account[account_id].add(aggregator_id)
    return {
        (account_id, found)
        for account_id, mine in sorted(by_account.items())
        for found in aggregators.open_ones(tx, account_id, mine)
    }


def count(tx: Tx, senders: Sequence[Sender], commands: Sequence[Count]) -> None:
    """Count events in aggregators that are open for them."""
    amounts: dict[Tally, int] = defaultdict(int)
    for sender, command in zip(senders, commands, strict=True):
        account_id, now = sender.account_id, sender.now
        tally = Tally(account_id, command.aggregator_id, slot_of(now), command.name, command.tags)
        amounts[tally] += 1
    counts.add(tx, amounts)
