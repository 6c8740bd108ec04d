"""What fields of forms mean: moments, lines of text, limits, pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from gatepost.dashboard.forms import Fields

TYPED = "%Y-%m-%dT%H:%M"
"""How a browser writes what was typed into a field for a moment, and wants it back."""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))
SPANS = {1: "a second", 60: "a minute", 3_600: "an hour", 86_400: "a day"}
GRACES = (
    ("0", "At once"),
    ("3600", "After an hour"),
    ("86400", "After a day"),
    ("604800", "After seven days"),
)
SOON = timedelta(days=7)


def moment(text: str, zone: tzinfo) -> str | None:
    """A moment as the API takes it: what was typed without a zone is in the viewer's own one. What
    is none stays as it is, for the API to refuse.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text or None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def typed(iso: str | None, zone: tzinfo) -> str:
    """A moment of the API's as a field shows it, "" for none."""
    return "" if iso is None else datetime.fromisoformat(iso).astimezone(zone).strftime(TYPED)


def lines(text: str) -> list[str]:
    """What was typed into several lines, or with commas between."""
    return [one for raw in text.replace(",", "\n").splitlines() if (one := raw.strip())]


def pairs(text: str) -> dict[str, str]:
    """Lines of `name = value`."""
    found = (line.partition("=") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in found}


def typed_pairs(values: Mapping[str, str]) -> str:
    """The same lines back."""
    return "\n".join(f"{name} = {value}" for name, value in values.items())


def whole(fields: Fields, name: str) -> int | str | None:
    """A whole number; what is none stays as it is, for the API to refuse."""
    text = fields.get(name)
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() else text or None


def limits_typed(limits: Sequence[Mapping[str, int]] | None) -> str:
    """Limits as `2/1s,5000/1d`: "" for those of the plan, `off` for none."""
    if limits is None:
        return ""
    return ",".join(f"{one['limit']}/{_span(one['seconds'])}" for one in limits) or "off"


def limits_words(limits: Sequence[Mapping[str, int]]) -> str:
    """Limits for people: `100 a minute, 5,000 a day`."""
    return ", ".join(f"{one['limit']:,} {_words(one['seconds'])}" for one in limits) or "none"


def _span(seconds: int) -> str:
    unit = next(((size, name) for size, name in UNITS if seconds % size == 0), (1, "s"))
    return f"{seconds // unit[0]}{unit[1]}"


def _words(seconds: int) -> str:
    if seconds in SPANS:
        return SPANS[seconds]
    size = max(size for size in SPANS if seconds % size == 0)
    return f"in {seconds // size} {SPANS[size].split()[1]}s"


def state(key: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """How a key stands: words, and the tone of their badge."""
    ends = key["expiresAt"]
    if ends is not None and datetime.fromisoformat(ends) <= now:
        return "Expired", "bad"
    if not key["enabled"]:
        return "Disabled", "warn"
    if ends is not None and datetime.fromisoformat(ends) <= now + SOON:
        return "Ends soon", "warn"
    return "Active", "good"
