"""How often a rule has told something lately. Pure."""

from __future__ import annotations

import msgspec

from gatepost.base.clock import DAY_MS

DAYS = 7


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """When it told last (ms), and how often on which day, counted from 1970 (UTC)."""

    last: int = 0
    days: dict[int, int] = {}


def counted(told: Told, number: int, now: int) -> Told:
    """After it has told so often; days that count no more are left out."""
    today = now // DAY_MS
    days = {day: count for day, count in told.days.items() if today - DAYS < day}
    days[today] = days.get(today, 0) + number
    return Told(max(told.last, now), days)


def lately(told: Told, now: int) -> int:
    """How often it told in the last days, today's included."""
    today = now // DAY_MS
    return sum(count for day, count in told.days.items() if today - DAYS < day <= today)
