"""What is metered of a request. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import msgspec

from gatepost.base.ids import NO_CUSTOMER, AccountId, AdjustmentId, CustomerId, ProjectId
from gatepost.base.periods import slot_of

ERROR_FROM = 300
"""Answers with this status or a higher one are no success, and worth no units."""


Mark = tuple[Hashable, ...]
"""What tells one line from another, as far as it differs among what is added up together."""


class Line(NamedTuple):
    """What is added up apart. `key_id` is a key's or a gate key's, `route` a method and a path
    template, `slot` the start of a quarter of an hour (ms).
    """

    account_id: AccountId
    customer_id: CustomerId
    slot: int
    project_id: ProjectId
    key_id: bytes
    route: str
    status: int


class Metered(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One request that was answered: for whom, by which key, where, how, and what it is worth.

    `at` is when it came (ms). Without `response_bytes` the answer was streamed.
    """

    account_id: AccountId
    customer_id: CustomerId
    project_id: ProjectId
    key_id: bytes
    route: str
    status: int
    units: int
    at: int
    request_id: str = ""
    response_bytes: int | None = None
    duration_ms: int = 0

    @property
    def line(self) -> Line:
        """Where it is added up."""
        return Line(
            self.account_id,
            self.customer_id,
            slot_of(self.at),
            self.project_id,
            self.key_id,
            self.route,
            self.status,
        )


class Sums:
    """Requests added up by line; those for a customer are kept one by one besides."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.lines: dict[Line, list[int]] = {}
        self.single: list[Metered] = []
        self._alike: dict[Mark, list[int]] = {}

    def add(self, metered: Metered, mark: Mark | None = None) -> None:
        """Count a request, and its units. More with the same `mark` are counted by `again`."""
        sums = self.lines.setdefault(metered.line, [0, 0])
        sums[0] += 1
        sums[1] += metered.units
        if metered.customer_id != NO_CUSTOMER:
            self.single.append(metered)
        elif mark is not None:
            self._alike[mark] = sums

    def again(self, mark: Mark, units: int) -> bool:
        """Count a request like one that was added, which most of a group are; False: none was."""
        sums = self._alike.get(mark)
        if sums is None:
            return False
        sums[0] += 1
        sums[1] += units
        return True

    def merge(self, other: Sums) -> None:
        """Count all of the others."""
        for line, (requests, units) in other.lines.items():
            sums = self.lines.setdefault(line, [0, 0])
            sums[0] += requests
            sums[1] += units
        self.single += other.single


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A correction of what a customer used, of the slot (ms) it belongs to: requests and units
    to add, or to take away where negative. What was metered stays as it is.
    """

    id: AdjustmentId
    account_id: AccountId
    customer_id: CustomerId
    slot: int
    requests: int
    units: int
    reason: str
    actor: str
    created_at: int
