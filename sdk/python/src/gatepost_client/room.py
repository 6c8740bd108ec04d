"""How much a key is known to have left, with what was granted since and not told yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gatepost_client.bounded import Bounded
from gatepost_client.wire import Verdict, Window

Purse: TypeAlias = tuple[bytes, str | None]
"""What limits and quotas are drawn from: a key (as a digest), for a customer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How limits and quotas stood in the verdict that came at `came_at`."""

    limits: tuple[Window, ...]
    quotas: tuple[Window, ...]
    came_at: float


class Tab:
    """What keys were granted and is not settled: in checks, and in units."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[int, int]] = {}

    def of(self, key: bytes) -> tuple[int, int]:
        return self._open.get(key, (0, 0))

    def add(self, key: bytes, cost: int) -> None:
        checks, units = self.of(key)
        self._open[key] = (checks + 1, units + cost)

    def strike(self, key: bytes, cost: int) -> None:
        checks, units = self.of(key)
        self._open[key] = (checks - 1, units - cost)
        if checks <= 1:
            del self._open[key]


class Room:
    """The standings of the last `size` purses; what keys owe, and what is being asked for them."""

    def __init__(self, size: int) -> None:
        self.owed = Tab()
        self.asked = Tab()
        self._standings: Bounded[Purse, Standing] = Bounded(size)

    def learn(self, purse: Purse, verdict: Verdict, *, asked_at: float, now: float) -> None:
        """Take over how a verdict, asked for at `asked_at`, says that a purse stands.

        Of two that were under way together nobody knows which was decided last: the lesser holds.
        """
        limits, quotas = verdict.limits, verdict.quotas
        there = self._standings.get(purse)
        if there is not None and asked_at < there.came_at:
            limits, quotas = _lesser(there.limits, limits), _lesser(there.quotas, quotas)
        self._standings.put(purse, Standing(limits, quotas, now))

    def within(self, purse: Purse, cost: int) -> Standing | None:
        """How the purse stands, if there is enough left for `cost` units more.

        Limits count checks, quotas count units.
        """
        standing = self._standings.get(purse)
        if standing is None:
            return None
        owed, asked = self.owed.of(purse[0]), self.asked.of(purse[0])
        checks, units = owed[0] + asked[0], owed[1] + asked[1]
        enough = all(one.remaining > checks for one in standing.limits) and all(
            one.remaining >= units + cost for one in standing.quotas
        )
        return standing if enough else None


def _lesser(there: Sequence[Window], new: Sequence[Window]) -> tuple[Window, ...]:
    least = {one.name: one.remaining for one in there}
    return tuple(
        replace(one, remaining=min(one.remaining, least.get(one.name, one.remaining)))
        for one in new
    )
