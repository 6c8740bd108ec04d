"""What a customer is, and its quota."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import msgspec

from gatepost.base.ids import AccountId, CustomerId
from gatepost.base.periods import Bucket, period_at, slot_of

IDENTIFIER_MAX = 255
NAME_MAX = 255
METADATA_MAX = 50
METADATA_KEY_MAX = 40
METADATA_VALUE_MAX = 500
THRESHOLDS_MAX = 10
THRESHOLD_MAX = 1000
AMOUNT_MAX = 10**15
PERIODS_KEPT = 4096


class Status(StrEnum):
    """An inactive customer's requests are refused; what it used stays."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Metric(StrEnum):
    """What a quota counts: requests, or the units they are worth."""

    REQUESTS = "requests"
    UNITS = "units"


class Mode(StrEnum):
    """SOFT: what is beyond is counted and told. HARD: it is refused."""

    SOFT = "soft"
    HARD = "hard"


class CustomerQuota(msgspec.Struct, frozen=True, kw_only=True):
    """At most `limit` of a metric in each day or month of a time zone.

    Each of the `thresholds` (percent) is told once per period, when it is reached.
    """

    metric: Metric
    limit: int
    period: Bucket
    timezone: str = "UTC"
    mode: Mode = Mode.SOFT
    thresholds: tuple[int, ...] = ()

    def bounds(self, now: int) -> tuple[int, int]:
        """The start and the end (ms) of the period a moment lies in."""
        return _bounds(slot_of(now), self.period, self.timezone)


# Periods begin where slots do, so all moments of a slot are in one.
_bounds = lru_cache(PERIODS_KEPT)(period_at)


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an account's business that usage is attributed to: a team, a client, a project.

    `identifier` is the account's own name for it, of which there is one at a time. Times in ms.
    """

    id: CustomerId
    account_id: AccountId
    identifier: str
    name: str
    metadata: dict[str, str]
    status: Status
    created_at: int
    updated_at: int
    deleted_at: int | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold (percent) that a customer's quota has reached in a period. Times in ms."""

    account_id: AccountId
    customer_id: CustomerId
    quota: CustomerQuota
    start: int
    threshold: int
    used: int
    at: int


def slot_name(customer_id: CustomerId, quota: CustomerQuota) -> str:
    """What the quota's counter is called; another metric or period is another counter."""
    return f"customer:{customer_id.hex()}:{quota.metric}:{quota.period}"


def reached(quota: CustomerQuota, before: int, after: int) -> list[int]:
    """The thresholds that lie between two figures of what is used. Of a limit of nothing the first
    one reaches all.
    """
    return [
        threshold
        for threshold in quota.thresholds
        if before * 100 < max(quota.limit * threshold, 1) <= after * 100
    ]
