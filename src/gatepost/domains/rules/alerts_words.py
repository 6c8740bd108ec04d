"""What has happened, in words and in numbers. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base import clock
from gatepost.base.clock import MINUTE_MS
from gatepost.base.ids import AlertId
from gatepost.domains.rules.model import TITLE_MAX, Absence, Change, Threshold
from gatepost.domains.rules.timing import Changed, Crossed, Missed

KEY_MAX = 200


class Kind(StrEnum):
    """What an alert tells of."""

    EVENT = "event"
    THRESHOLD = "threshold"
    CHANGE = "change"
    ABSENCE = "absence"
    RECOVERY = "recovery"
    SUMMARY = "summary"


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, when (ms), in words and in numbers."""

    kind: Kind
    at: int
    title: str
    body: str = ""
    facts: dict[str, Any] = {}


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told with others: the event's outside id, if it is about one, and the alert it has
    opened, if it has.
    """

    words: Words
    event: str = ""
    alert: AlertId | None = None


def of_threshold(name: str, when: Threshold, key: str, crossed: Crossed) -> Words:
    """There were enough."""
    of = f" ({when.by} {key})" if when.by else ""
    facts: dict[str, Any] = {"count": crossed.count, "minutes": when.minutes}
    if when.by:
        facts |= {"by": when.by, "value": key}
    title = f"{name}: {crossed.count} within {when.minutes:g} min{of}"
    return Words(Kind.THRESHOLD, crossed.at, title[:TITLE_MAX], facts=facts)


def of_change(name: str, when: Change, changed: Changed) -> Words:
    """A period has more, or less, than the one before."""
    percent = _percent(changed)
    rise = "" if percent is None else f" ({percent:+g} %)"
    title = f"{name}: {changed.count} after {changed.previous} in {when.minutes:g} min{rise}"
    facts = {
        "count": changed.count,
        "previous": changed.previous,
        "percent": percent,
        "minutes": when.minutes,
    }
    return Words(Kind.CHANGE, changed.at, title[:TITLE_MAX], facts=facts)


def of_absence(name: str, when: Absence, missed: Missed) -> Words:
    """There was nothing."""
    title = f"{name}: nothing for {when.minutes:g} min"
    facts = {"minutes": when.minutes, "since": clock.iso(missed.since)}
    return Words(Kind.ABSENCE, missed.at, title[:TITLE_MAX], facts=facts)


def of_recovery(name: str, at: int, since: int) -> Words:
    """There is something again."""
    minutes = round((at - since) / MINUTE_MS, 2)
    facts = {"minutes": minutes, "since": clock.iso(since)}
    return Words(Kind.RECOVERY, at, f"{name}: back after {minutes:g} min"[:TITLE_MAX], facts=facts)


def of_items(name: str, count: int, items: tuple[Item, ...], at: int) -> Words:
    """Several, told in one piece."""
    lines = [f"{clock.iso(one.words.at)} {one.words.title}" for one in items]
    if count > len(items):
        lines.append(f"… and {count - len(items)} more")
    facts = {"count": count, "items": [_shown(one) for one in items]}
    return Words(Kind.SUMMARY, at, f"{name}: {count}"[:TITLE_MAX], "\n".join(lines), facts)


def key_of(value: Any) -> str | None:
    """Write a value that events are told apart by; None where there is none."""
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text[:KEY_MAX]


def _percent(changed: Changed) -> float | None:
    if not changed.previous:
        return None
    return round((changed.count - changed.previous) * 100 / changed.previous, 1)


def _shown(item: Item) -> dict[str, Any]:
    words = item.words
    shown = {"at": clock.iso(words.at), "kind": words.kind.value, "title": words.title}
    return shown | {
        name: text for name, text in (("body", words.body), ("eventId", item.event)) if text
    }
