"""Reports: counts by period, name or tag, in any time zone. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby

import msgspec

from gatepost.base.periods import Bucket, periods
from gatepost.domains.aggregators.model import Tags


class GroupBy(StrEnum):
    """What is told apart. PREFIX: tags up to their first `:` or `-` are one dimension. PAIR: every
    tag of every name.
    """

    NONE = "none"
    EVENT = "event"
    TAG = "tag"
    PREFIX = "prefix"
    PAIR = "event_tag"


Group = tuple[str, str]
"""A name or tag, and nothing; of a PAIR, a name and a tag."""
ONE: Group = ("", "")


class Row(msgspec.Struct, frozen=True, gc=False):
    """Events of one slot; name and tags where they were asked for."""

    slot: int
    events: int
    name: str = ""
    tags: Tags = ()


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events count: of any of these names, with all, any and none of these tags."""

    names: tuple[str, ...] = ()
    tag_all: tuple[str, ...] = ()
    tag_any: tuple[str, ...] = ()
    tag_none: tuple[str, ...] = ()

    @property
    def about_tags(self) -> bool:
        """Whether tags decide."""
        return bool(self.tag_all or self.tag_any or self.tag_none)

    def holds(self, tags: Iterable[str]) -> bool:
        """Whether events with these tags count."""
        mine = set(tags)
        return (
            mine.issuperset(self.tag_all)
            and not mine.intersection(self.tag_none)
            and (not self.tag_any or bool(mine.intersection(self.tag_any)))
        )


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked for: moments in ms, `since` inside, `until` outside."""

    since: int
    until: int
    zone: str = "UTC"
    bucket: Bucket = Bucket.NONE
    group_by: GroupBy = GroupBy.NONE
    filter: Filter = Filter()


def before(ask: Ask) -> Ask:
    """Ask for the events of as much time, just before, all in one line."""
    since = ask.since - (ask.until - ask.since)
    return msgspec.structs.replace(
        ask, since=since, until=ask.since, bucket=Bucket.NONE, group_by=GroupBy.NONE
    )


class Line(msgspec.Struct, frozen=True, gc=False):
    """Events of one period and group; `tag` is the second half of a PAIR. `other` are all groups
    that are not told apart.
    """

    start: int
    end: int
    group: str
    events: int
    tag: str = ""
    other: bool = False


class Report(msgspec.Struct, frozen=True):
    """All lines, and the events of the whole range, each of them once."""

    lines: list[Line]
    total: int


def report(ask: Ask, rows: Iterable[Row], starts: Sequence[int] = ()) -> Report:
    """Add rows up. Without groups every period has a line; an event with several tags is in the
    line of each of them. `starts` are those of the periods, where they are known.
    """
    starts = starts or periods(ask.since, ask.until, ask.bucket, ask.zone)
    ends = [*starts[1:], ask.until]
    sums: dict[tuple[int, Group], int] = defaultdict(int)
    total = 0
    chosen = ask.filter.about_tags
    for row in rows:
        if chosen and not ask.filter.holds(row.tags):
            continue
        total += row.events
        at = bisect_right(starts, row.slot) - 1
        for group in _groups(ask.group_by, row):
            sums[at, group] += row.events
    if ask.group_by is GroupBy.NONE:
        lines = [
            Line(start, end, "", sums.get((at, ONE), 0))
            for at, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]
    else:
        lines = [
            Line(starts[at], ends[at], group, sums[at, (group, tag)], tag)
            for at, (group, tag) in sorted(sums)
        ]
    return Report(lines, total)


def top(made: Report, most: int) -> Report:
    """The same with only so many groups, those of the most events; the others of each period
    are one line after it.
    """
    sums: dict[Group, int] = defaultdict(int)
    for line in made.lines:
        sums[line.group, line.tag] += line.events
    kept = set(sorted(sums, key=lambda one: (-sums[one], one))[:most])
    if len(kept) == len(sums):
        return made
    lines: list[Line] = []
    for (start, end), mine in groupby(made.lines, lambda one: (one.start, one.end)):
        here = list(mine)
        told = [one for one in here if (one.group, one.tag) in kept]
        rest = sum(one.events for one in here) - sum(one.events for one in told)
        lines += told
        if rest:
            lines.append(Line(start, end, "", rest, other=True))
    return Report(lines, made.total)


def _groups(by: GroupBy, row: Row) -> Iterable[Group]:
    if by is GroupBy.NONE:
        return (ONE,)
    if by is GroupBy.EVENT:
        return ((row.name, ""),)
    if by is GroupBy.TAG:
        return [(tag, "") for tag in row.tags]
    if by is GroupBy.PAIR:
        return [(row.name, tag) for tag in row.tags]
    return {(_prefix(tag), "") for tag in row.tags}


def _prefix(tag: str) -> str:
    cuts = [at for at in (tag.find(":"), tag.find("-")) if at > 0]
    return tag[: min(cuts)] if cuts else tag


# What there is


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A name or tag: its events, and the first and the last slot (ms) that has any."""

    text: str
    events: int
    first: int
    last: int


def seen_tags(sets: Iterable[tuple[Tags, int, int, int]]) -> list[Seen]:
    """Tell tags apart, given events, first and last slot of sets of them; sorted."""
    found: dict[str, Seen] = {}
    for tags, events, first, last in sets:
        for tag in tags:
            known = found.get(tag, Seen(tag, 0, first, last))
            found[tag] = more(known, events, first, last)
    return [found[tag] for tag in sorted(found)]


def more(known: Seen, events: int, first: int, last: int) -> Seen:
    """Add events of some slots to what is known of a name or tag."""
    span = (min(known.first, first), max(known.last, last))
    return Seen(known.text, known.events + events, *span)
