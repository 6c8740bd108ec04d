"""Time as the product counts it: whole milliseconds since the epoch, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """Read the wall clock."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Write a moment as the wire does: `2025-01-15T10:30:00.000Z`."""
    seconds, millis = divmod(at_ms, 1000)
    day, rest = divmod(seconds, 86400)
    return f"{_date(day)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}.{millis:03d}Z"


DATES_MAX = 1000
_dates: dict[int, str] = {}


def _date(day: int) -> str:
    """Format a day once: every event of that day shares the text."""
    text = _dates.get(day)
    if text is None:
        if len(_dates) > DATES_MAX:
            _dates.clear()
        text = datetime.fromtimestamp(day * 86400, UTC).strftime("%Y-%m-%d")
        _dates[day] = text
    return text


def from_datetime(moment: datetime) -> int:
    """Turn an aware datetime into milliseconds; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
