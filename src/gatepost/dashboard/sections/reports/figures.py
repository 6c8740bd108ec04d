"""What a report's page shows, made of the API's reports. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from gatepost.dashboard import charts
from gatepost.dashboard.charts import Chart, Line
from gatepost.dashboard.sections.reports.asked import NAMED, OTHERS

TOP = 7
GRID_EVENTS = 20
GRID_TAGS = 15
HEATS = 5
OTHER_WORDS = "All others"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An event or a tag in a table. `before` is None where that is not known."""

    name: str
    count: int
    share: float
    before: int | None = None
    first: str | None = None
    last: str | None = None
    other: bool = False

    @property
    def change(self) -> int | None:
        """By how many percent there are more than before."""
        return change(self.count, self.before)


class Grid(msgspec.Struct, frozen=True):
    """Events of names by tags: `cells` are counts, a row for each name; `heats` are 0 to 5."""

    events: list[str]
    tags: list[str]
    cells: list[list[int]]
    heats: list[list[int]]
    left_out: bool


def change(count: int, before: int | None) -> int | None:
    """By how many percent a count is more than it was; None of nothing."""
    return round(100 * (count - before) / before) if before else None


def chart(
    title: str,
    periods: Any,
    grouped: Any | None,
    zone: tzinfo,
    *,
    hide: Sequence[str] = (),
    before: Sequence[int] = (),
) -> Chart:
    """Lines of a grouped report over the periods of one that is not."""
    starts = [row["start"] for row in periods["rows"]]
    if grouped is None:
        values = tuple(row["count"] for row in periods["rows"])
        lines: tuple[Line, ...] = (Line("Events", values),)
    else:
        lines = tuple(one for one in _lines(starts, grouped) if token(one) not in hide)
    labels = charts.labels(starts, periods["bucket"], zone)
    fitted = (*before, *[0] * len(starts))[: len(starts)] if before else ()
    totals = tuple(row["count"] for row in periods["rows"])
    return Chart(title=title, labels=labels, lines=lines, before=fitted, all=totals)


def token(line: Line) -> str:
    """How a line is named in an address where it is hidden."""
    return OTHERS if line.other else NAMED + line.name


def hidden(hide: Sequence[str]) -> list[tuple[str, str]]:
    """Names of what is hidden, and how each is named in an address."""
    return [(OTHER_WORDS if one == OTHERS else one.removeprefix(NAMED), one) for one in hide]


def _lines(starts: Sequence[str], grouped: Any) -> list[Line]:
    """A line for each group, the greatest at the bottom, what is not told apart on top."""
    found: dict[tuple[bool, str], dict[str, int]] = defaultdict(dict)
    for row in grouped["rows"]:
        other = row.get("other", False)
        name = OTHER_WORDS if other else row.get("event", row.get("tag"))
        found[other, name][row["start"]] = row["count"]
    ranked = sorted(found, key=lambda one: (one[0], -sum(found[one].values()), one[1]))
    return [
        Line(name, tuple(found[other, name].get(start, 0) for start in starts), other, at)
        for at, (other, name) in enumerate(ranked)
    ]


def table(now: Any, before: Any, seen: Sequence[Mapping[str, Any]], member: str) -> list[Row]:
    """Names or tags by how often they were counted, with what is known of them besides."""
    was = {row[member]: row["count"] for row in before["rows"] if member in row}
    spans = {one[member]: one for one in seen}
    rows = [_row(row, now["total"], member, was, spans) for row in now["rows"]]
    return sorted(rows, key=lambda one: (one.other, -one.count, one.name))


def _row(
    row: Mapping[str, Any],
    total: int,
    member: str,
    was: Mapping[str, int],
    spans: Mapping[str, Mapping[str, Any]],
) -> Row:
    share = row["count"] / total if total else 0.0
    if row.get("other"):
        return Row(name=OTHER_WORDS, count=row["count"], share=share, other=True)
    name = row[member]
    span = spans.get(name, {})
    return Row(
        name=name,
        count=row["count"],
        share=share,
        before=was.get(name, 0),
        first=span.get("firstSeen"),
        last=span.get("lastSeen"),
    )


def grid(made: Any) -> Grid:
    """The most frequent names by the most frequent tags."""
    cells = {(row["event"], row["tag"]): row["count"] for row in made["rows"]}
    by_event: dict[str, int] = defaultdict(int)
    by_tag: dict[str, int] = defaultdict(int)
    for (event, tag), count in cells.items():
        by_event[event] += count
        by_tag[tag] += count
    events, tags = _most(by_event, GRID_EVENTS), _most(by_tag, GRID_TAGS)
    counts = [[cells.get((event, tag), 0) for tag in tags] for event in events]
    most = max((one for row in counts for one in row), default=0)
    heats = [[-(-one * HEATS // most) if most else 0 for one in row] for row in counts]
    left_out = (len(events), len(tags)) != (len(by_event), len(by_tag))
    return Grid(events, tags, counts, heats, left_out)


def _most(sums: Mapping[str, int], most: int) -> list[str]:
    return sorted(sums, key=lambda one: (-sums[one], one))[:most]
