"""Who else is told of an alert that nobody has taken notice of, and when. Pure. Moments in ms."""

from __future__ import annotations

from collections.abc import Sequence

from gatepost.base.clock import MINUTE_MS
from gatepost.domains.rules.digest import Plan


def next_at(minutes: Sequence[float], taken: int, now: int) -> int | None:
    """When the next step is due, after so many were taken and the last of them now: None after
    all of them. `minutes` count from when the alert was told first.
    """
    if taken >= len(minutes):
        return None
    between = minutes[taken] - (minutes[taken - 1] if taken else 0)
    return now + round(between * MINUTE_MS)


def put_off(plan: Plan, now: int) -> int | None:
    """Until when a step that is due waits for the end of quiet hours, None if it need not."""
    silence = plan.silence(now)
    return None if silence is None else silence.end
