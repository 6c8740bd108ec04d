"""Time as the product counts it: whole milliseconds since the epoch, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], int]

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SECONDS = 4096


def now_ms() -> int:
    """Read the wall clock."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Write a moment as the wire does: `2025-01-15T10:30:00.000Z`."""
    second, millis = divmod(at_ms, 1000)
    return f"{_second(second)}.{millis:03d}Z"


@lru_cache(SECONDS)
def _second(second: int) -> str:
    """Write a second once: all events of that second share the text."""
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def from_datetime(moment: datetime) -> int:
    """Turn an aware datetime into milliseconds; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
