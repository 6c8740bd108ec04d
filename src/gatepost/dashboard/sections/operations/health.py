"""How the whole installation fares, for superusers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.render import number, size
from gatepost.dashboard.sections.operations import common
from gatepost.dashboard.visit import Visit

NONE = "\u2013"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NAMES = {
    "oldest_due_high": ("Oldest delivery that is due, high priority", "Whatever keeps it"),
    "oldest_due_normal": ("Oldest delivery that is due, normal", "Whatever keeps it"),
    "oldest_due_low": ("Oldest delivery that is due, low", "Whatever keeps it"),
    "commit_p99": ("Commits, 99 in a hundred", "Up to the sync of the disk"),
    "request_p99": ("Requests, 99 in a hundred", "From the head to the last byte"),
    "tell_lag": ("Events that rules have not seen yet", "They follow within a second"),
    "search_lag": ("Events that the search has not reached", "They are found all the same"),
    "disk_free": ("Room on the disk", "Of the data folder"),
}
"""What each objective is, and a few more words."""


class Judged(msgspec.Struct, frozen=True):
    """An objective in words."""

    name: str
    about: str
    actual: str
    target: str
    met: bool


async def show(visit: Visit) -> Response:
    """Show it."""
    common.check(visit)
    found = await visit.api.get("/v1/operations")
    judged = [_judged(one) for one in found["objectives"]]
    return visit.page(
        "operations/health.html",
        found=found,
        judged=judged,
        missed=sum(not one.met for one in judged),
        duration=duration,
        tabs=common.tabs(visit, "health"),
    )


def _judged(one: Mapping[str, Any]) -> Judged:
    name, about = NAMES.get(one["name"], (one["name"], ""))
    actual, target = one["actual"], _amount(one["target"], one["unit"])
    return Judged(
        name,
        about,
        NONE if actual is None else _amount(actual, one["unit"]),
        f"{'at least' if one['atLeast'] else 'at most'} {target}",
        one["met"],
    )


def _amount(value: float, unit: str) -> str:
    if unit == "seconds":
        return duration(value)
    return size(round(value)) if unit == "bytes" else number(round(value))


def duration(seconds: float | None) -> str:
    """A time for people: 12 ms, 4.2 s, 3 min, 2 h, 5 d."""
    if seconds is None:
        return NONE
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h" if seconds < DAY_S else f"{seconds / DAY_S:.0f} d"
