"""How often a delivery is tried, and when: pure decisions, as data."""

from __future__ import annotations

from random import Random

import msgspec

from gatepost.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

JITTER = 0.1
RETRY_AFTER_MS_MAX = DAY_MS
DELAYS_MAX = 30
DELAY_MS_MAX = 7 * DAY_MS


class Policy(msgspec.Struct, frozen=True):
    """`delays_ms` are the waits before the second attempt, the third, …; `jitter` is the share
    that may be added to each. `obey` says whether a receiver's Retry-After counts; `client_errors`
    whether a 4xx answer is tried again.
    """

    name: str
    delays_ms: tuple[int, ...]
    jitter: float = JITTER
    obey: bool = True
    client_errors: bool = True

    @property
    def attempts_max(self) -> int:
        """How many attempts there are at most."""
        return len(self.delays_ms) + 1


STANDARD = Policy(
    "standard",
    (
        5 * SECOND_MS,
        5 * MINUTE_MS,
        30 * MINUTE_MS,
        2 * HOUR_MS,
        5 * HOUR_MS,
        10 * HOUR_MS,
        14 * HOUR_MS,
        20 * HOUR_MS,
        24 * HOUR_MS,
    ),
)
"""Standard Webhooks 1.0.0, "Retry schedule": about three days."""

PRESETS = {
    one.name: one
    for one in (
        STANDARD,
        Policy("notifykit", (2 * MINUTE_MS, 4 * MINUTE_MS), 0.0, obey=False, client_errors=False),
        Policy(
            "emailit",
            (5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, *6 * (12 * HOUR_MS,)),
        ),
        Policy("short", (30 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS)),
        Policy("once", ()),
    )
}


def custom(delays_s: tuple[float, ...]) -> Policy:
    """A schedule of one's own, in seconds; raises ValueError for one that cannot be."""
    delays = tuple(round(one * 1000) for one in delays_s)
    if len(delays) > DELAYS_MAX or any(not 0 <= one <= DELAY_MS_MAX for one in delays):
        raise ValueError(f"At most {DELAYS_MAX} waits of at most {DELAY_MS_MAX // DAY_MS} days")
    return Policy("custom", delays)


def next_at(
    policy: Policy, attempts: int, now: int, *, retry_after_ms: int | None = None, random: Random
) -> int | None:
    """When to try again after so many attempts (ms), None for never.

    A receiver may ask for more time, never for less than the schedule gives.
    """
    if attempts >= policy.attempts_max:
        return None
    delay = policy.delays_ms[attempts - 1]
    wait = delay + round(delay * policy.jitter * random.random())
    if policy.obey and retry_after_ms is not None:
        wait = max(wait, min(retry_after_ms, RETRY_AFTER_MS_MAX))
    return now + wait
