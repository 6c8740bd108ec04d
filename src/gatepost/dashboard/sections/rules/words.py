"""What a rule says, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gatepost.dashboard.sections.rules.draft import OPS, shown

OPERATORS = {one: one.replace("_", " ") for one in ("is_set", "is_not_set")}
DAYS = {
    "mon": "Mon",
    "tue": "Tue",
    "wed": "Wed",
    "thu": "Thu",
    "fri": "Fri",
    "sat": "Sat",
    "sun": "Sun",
}


def when(rule: Mapping[str, Any]) -> str:
    """What makes it tell."""
    given = rule["when"]
    minutes = _minutes(given.get("minutes", 0))
    match given["type"]:
        case "threshold":
            of = f" of the same {given['by']}" if given.get("by") else ""
            events = "event" if given["count"] == 1 else "events"
            return f"{given['count']:,} {events}{of} within {minutes}"
        case "change":
            more, percent = (
                ("more", given["percent"]) if given["percent"] > 0 else ("less", -given["percent"])
            )
            return f"{shown(percent)} % {more} events in {minutes} than in those before"
        case "absence":
            during = f", {window(given['during'])}" if given.get("during") else ""
            return f"No event for {minutes}{during}"
        case _:
            return "Each event"


def match(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which events, as pairs of what and how; empty for all of them."""
    return list(_match(rule["match"]))


def _match(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if given.get("channels"):
        yield "Channel", _or(given["channels"])
    for name, words in (("any", "one of"), ("all", "all of"), ("none", "none of")):
        if given.get("tags", {}).get(name):
            yield "Tags", f"{words} {', '.join(given['tags'][name])}"
    for name, text in given.get("title", {}).items():
        words = {"contains": "contains", "equals": "is", "startsWith": "begins with"}.get(
            name, "is"
        )
        yield "Title", f"{words} {text if isinstance(text, str) else _or(text)}"
    if given.get("userIds"):
        yield "Person", _or(given["userIds"])
    for one in given.get("metadata", ()):
        op = "missing" if one["op"] == "exists" and not one["value"] else one["op"]
        value = "" if one["op"] == "exists" else " " + _json(one["value"])
        yield "Metadata", f"{one['path']} {OPS[op]}{value}"
    sieve = given.get("payload", {})
    for one in sieve.get("rules", ()):
        value = _json(one["value"]) if one.get("value") is not None else ""
        yield (
            f"Metadata, {sieve.get('match', 'all')} of",
            f"{one['field']} {one['operator']} {value}",
        )


def destination(one: Mapping[str, Any]) -> tuple[str, str]:
    """The kind of a destination, and where it leads."""
    ((kind, given),) = one.items()
    match kind:
        case "email":
            with_ = f", in the template {given['template']}" if given["template"] else ""
            return kind, ", ".join(given["to"]) + with_
        case "push":
            to = given.get("to", "all")
            pairs = to.items() if isinstance(to, Mapping) else ()
            return kind, ", ".join(f"{name} {whom}" for name, whom in pairs) or "all of the project"
        case "endpoint":
            return kind, str(given)
        case _:
            return kind, str(given["url"])


def told(rule: Mapping[str, Any]) -> str:
    """How soon it is told."""
    group, digest = rule["group"], rule["digest"]
    if group is not None:
        by = f" for each {group['by']}" if group["by"] else ""
        return (
            f"At most once in {_minutes(group['seconds'] / 60)}{by}, with all that came meanwhile"
        )
    if digest is not None:
        return f"Once a day at {digest['at']}, {_days(digest['days'])}{digest['timezone']}"
    return "At once"


def window(given: Mapping[str, Any]) -> str:
    """Some hours."""
    return f"{given['from']} to {given['to']}, {_days(given['days'])}{given['timezone']}"


def _days(days: list[str]) -> str:
    return " ".join(DAYS[day] for day in days) + ", " if days else ""


def _minutes(minutes: float) -> str:
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes >= size and minutes % size == 0:
            count = int(minutes // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    if minutes < 1:
        return f"{shown(round(minutes * 60, 2))} s"
    return f"{shown(minutes)} min"


def _or(names: list[str]) -> str:
    return " or ".join(names)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
