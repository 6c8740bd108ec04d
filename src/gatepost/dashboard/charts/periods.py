"""How periods are called: in full, and under a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo

import msgspec


class Label(msgspec.Struct, frozen=True):
    """The name of a period: `full` by itself, `tick` among its neighbours."""

    full: str
    tick: str


def labels(starts: Iterable[str], bucket: str, zone: tzinfo) -> tuple[Label, ...]:
    """Names of periods by where they start (ISO 8601); a bucket is hour, day, week or month."""
    name = NAMES.get(bucket, _moment)
    return tuple(name(datetime.fromisoformat(one).astimezone(zone)) for one in starts)


def _hour(at: datetime) -> Label:
    return Label(f"{at:%a %-d %b %Y, %H:%M}", f"{at:%-d %b}" if at.hour == 0 else f"{at:%H:%M}")


def _day(at: datetime) -> Label:
    return Label(f"{at:%a %-d %b %Y}", f"{at:%-d %b}")


def _week(at: datetime) -> Label:
    return Label(f"Week of {at:%-d %b %Y}", f"{at:%-d %b}")


def _month(at: datetime) -> Label:
    return Label(f"{at:%B %Y}", f"{at:%b}" if at.month > 1 else f"{at:%Y}")


def _moment(at: datetime) -> Label:
    return Label(f"{at:%-d %b %Y, %H:%M}", f"{at:%-d %b}")


NAMES: dict[str, Callable[[datetime], Label]] = {
    "hour": _hour,
    "day": _day,
    "week": _week,
    "month": _month,
}
