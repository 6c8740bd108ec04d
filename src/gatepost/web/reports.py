"""Reports of aggregators, as every dialect answers them: what is asked for, made, and as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import invalid
from gatepost.base.ids import AggregatorId
from gatepost.base.periods import Bucket, check_zone
from gatepost.domains.aggregators import counts, report, store
from gatepost.domains.aggregators.report import Ask, Filter, GroupBy, Line, Report
from gatepost.gate.once import Reply
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call

DEFAULT_DAYS = 30
COLUMNS: Mapping[GroupBy, tuple[str, ...]] = {
    GroupBy.NONE: (),
    GroupBy.EVENT: ("event",),
    GroupBy.TAG: ("tag",),
    GroupBy.PREFIX: ("tag",),
    GroupBy.PAIR: ("event", "tag"),
}
Text = Annotated[str, Meta(max_length=255)]
Texts = Annotated[list[str], Meta(max_length=50)]
Group = Annotated[GroupBy, Meta(description="What is told apart.")]
TagAll = Annotated[Texts, Meta(description="Only events with this tag; repeatable.")]
TagAny = Annotated[Texts, Meta(description="Only events with one of these tags; repeatable.")]
TagNone = Annotated[Texts, Meta(description="No events with this tag; repeatable.")]


class ReportFormat(StrEnum):
    """What a report is written in."""

    JSON = "json"
    CSV = "csv"


class Against(StrEnum):
    """What a report is held against: as much time, just before."""

    PREVIOUS = "previous"


class RangeQuery(msgspec.Struct, frozen=True):
    """What a report's query has in every dialect. Without a range: the last thirty days."""

    from_: (
        Annotated[Text, Meta(description="The first moment that counts, ISO 8601.")] | UnsetType
    ) = msgspec.field(default=UNSET, name="from")
    to: (
        Annotated[Text, Meta(description="The first moment that counts no more, ISO 8601.")]
        | UnsetType
    ) = UNSET
    bucket: Annotated[Bucket, Meta(description="How long a period is.")] = Bucket.NONE
    timezone: (
        Annotated[Text, Meta(description="Whose days these are; the aggregator's if not given.")]
        | UnsetType
    ) = UNSET
    event: Annotated[Texts, Meta(description="Only events of this name; repeatable.")] = []
    format: (
        Annotated[
            ReportFormat, Meta(description="`csv` are the rows alone; so is `Accept: text/csv`.")
        ]
        | UnsetType
    ) = UNSET
    compare: (
        Annotated[Against, Meta(description="Adds the total of as much time, just before.")]
        | UnsetType
    ) = UNSET


class Wanted(msgspec.Struct, frozen=True):
    """Which report of which aggregator; no zone means its own. One `of_project` has none."""

    aggregator_id: AggregatorId
    ask: Ask
    zone: str | None
    compare: bool
    as_csv: bool
    of_project: bool = False
    top: int | None = None


class Made(msgspec.Struct, frozen=True):
    """A report, what it was asked for, and the total of as much time before where that was."""

    ask: Ask
    report: Report
    previous_total: int | UnsetType


class ReportLineOut(msgspec.Struct, gc=False):
    """The events of one period, and of one name or tag where these are told apart; of both with
    `event_tag`.
    """

    start: str
    end: str
    count: int
    event: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    other: (
        Annotated[bool, Meta(description="Set on the line of all that are not told apart.")]
        | UnsetType
    ) = UNSET


def wanted(
    call: Call, aggregator_id: AggregatorId, query: RangeQuery, by: GroupBy, chosen: Filter
) -> Wanted:
    """Say which report is meant; raises INVALID."""
    since, until = _range(call, query)
    zone = None if query.timezone is UNSET else check_zone(str(query.timezone))
    compare, as_csv = query.compare is not UNSET, _as_csv(call, query)
    if compare and as_csv:
        raise invalid((["compare"], "A CSV has the rows alone: compare needs format=json"))
    ask = Ask(since=since, until=until, bucket=query.bucket, group_by=by, filter=chosen)
    return Wanted(aggregator_id, ask, zone, compare, as_csv)


def _range(call: Call, query: RangeQuery) -> tuple[int, int]:
    until = call.now + 1 if query.to is UNSET else queries.moment(str(query.to), "to")
    since = until - DEFAULT_DAYS * DAY_MS
    if query.from_ is not UNSET:
        since = queries.moment(str(query.from_), "from")
    if since >= until:
        raise invalid((["from"], "Must be before to"))
    return since, until


def _as_csv(call: Call, query: RangeQuery) -> bool:
    if query.format is UNSET:
        return sheet.asked_for(call.headers)
    return query.format is ReportFormat.CSV


def make(tx: Tx, call: Call, asked: Wanted) -> Made:
    """Add up what was counted; raises NOT_FOUND, and INVALID for too many periods."""
    place = (call.caller.account_id, asked.aggregator_id)
    zone = "UTC" if asked.of_project else store.get(tx, *place).timezone
    ask = msgspec.structs.replace(asked.ask, zone=asked.zone or zone)
    made = counts.report(tx, place, ask)
    if asked.top is not None:
        made = report.top(made, asked.top)
    before = counts.report(tx, place, report.before(ask)).total if asked.compare else UNSET
    return Made(ask, made, before)


def lines(made: Made) -> list[ReportLineOut]:
    """Write the lines for the wire."""
    return [_line(made.ask.group_by, line) for line in made.report.lines]


def _line(by: GroupBy, line: Line) -> ReportLineOut:
    start, end = clock.iso(line.start), clock.iso(line.end)
    if line.other:
        return ReportLineOut(start, end, line.events, other=True)
    given: dict[str, Any] = dict(zip(COLUMNS[by], (line.group, line.tag), strict=False))
    return ReportLineOut(start, end, line.events, **given)


def as_csv(asked: Wanted, made: Made) -> Reply:
    """Write the rows alone: `start,end,count`, with `event` or `tag` or both before the count;
    these are empty in the row of all that are not told apart.
    """
    columns = COLUMNS[made.ask.group_by]
    rows = (_row(line, len(columns)) for line in made.report.lines)
    file = ids.show("aggregator", asked.aggregator_id) + ".csv"
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{file}"'.encode()),
        (b"vary", b"accept"),
    )
    return Reply(200, sheet.write(["start", "end", *columns, "count"], rows), headers)


def _row(line: Line, groups: int) -> list[str | int]:
    group = (line.group, line.tag)[:groups]
    return [clock.iso(line.start), clock.iso(line.end), *group, line.events]
