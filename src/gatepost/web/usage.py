"""Reports of usage, as every dialect answers them: what is asked for, made, and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import invalid, not_found
from gatepost.base.ids import CustomerId, GateKeyId, KeyId
from gatepost.base.periods import Bucket, check_zone, period_at
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Customer
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.keys import store as keys
from gatepost.domains.usage import reads, report
from gatepost.domains.usage.reads import Single
from gatepost.domains.usage.report import Ask, Dimension, Figures, Line, Value
from gatepost.gate.once import Reply
from gatepost.gate.upkeep import METERED_EVERY_S
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call

LIMIT_MAX = 1000
CUSTOMERS_MAX = 100
Text = Annotated[str, Meta(max_length=255)]
Texts = Annotated[list[str], Meta(max_length=CUSTOMERS_MAX)]


class Granularity(StrEnum):
    """How long a period is; TOTAL makes one of the whole range."""

    TOTAL = "total"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class UsageFormat(StrEnum):
    """What a report is written in."""

    JSON = "json"
    CSV = "csv"


class UsageQuery(msgspec.Struct, frozen=True):
    """What a report's query has in every dialect. Without a range: the current month."""

    from_: (
        Annotated[Text, Meta(description="The first moment that counts: ISO 8601, or a day.")]
        | UnsetType
    ) = msgspec.field(default=UNSET, name="from")
    to: Annotated[Text, Meta(description="The first moment that counts no more.")] | UnsetType = (
        UNSET
    )
    granularity: Annotated[Granularity, Meta(description="How long a period is.")] = (
        Granularity.TOTAL
    )
    timezone: Annotated[Text, Meta(description="Whose days and months these are.")] = "UTC"
    endpoint: Annotated[
        Texts, Meta(description="Only requests of this method and path; repeatable.")
    ] = []
    format: (
        Annotated[
            UsageFormat, Meta(description="`csv` are the rows alone; so is `Accept: text/csv`.")
        ]
        | UnsetType
    ) = UNSET
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="Rows of a page.")] = 100
    cursor: (
        Annotated[str, Meta(max_length=2000, description="The cursor of the next page.")]
        | UnsetType
    ) = UNSET


class Wanted(msgspec.Struct, frozen=True):
    """Which report, from which row on, and how it is written. `ranked`: highest figures first."""

    ask: Ask
    limit: int
    after: bytes | None
    as_csv: bool
    ranked: bool = False


class Made(msgspec.Struct, frozen=True):
    """A page of a report. `adjusted` are corrections, beside what was metered; `customers`, and
    `keys` and `gatekeys` by name and the moment of their end, are those of the page's rows.
    """

    lines: list[Line]
    totals: Figures
    adjusted: Figures
    next_cursor: str | None
    data_as_of: int
    customers: dict[CustomerId, Customer]
    keys: dict[KeyId, tuple[str, int | None]]
    gatekeys: dict[GateKeyId, tuple[str, int | None]]

    def parties(self) -> dict[str, tuple[str, int | None]]:
        """All of them by their ids for the outside."""
        known = {one.id: (one.name, one.deleted_at) for one in self.customers.values()}
        return {
            **{ids.show("customer", one): told for one, told in known.items()},
            **{ids.show("key", one): told for one, told in self.keys.items()},
            **{ids.show("gatekey", one): told for one, told in self.gatekeys.items()},
        }


def wanted(
    call: Call,
    query: UsageQuery,
    group_by: Sequence[Dimension],
    chosen: Sequence[CustomerId],
    *,
    named: bool,
    ranked: bool = False,
    by_keys: Sequence[bytes] = (),
) -> Wanted:
    """Say which report is meant; raises INVALID, RANGE_TOO_LARGE, or NOT_FOUND for a customer
    that the calling key may not see.
    """
    zone = check_zone(query.timezone)
    since, until = range_of(query, zone, call.now)
    bucket = Bucket.NONE if query.granularity is Granularity.TOTAL else Bucket(query.granularity)
    ask = Ask(
        since=since,
        until=until,
        zone=zone,
        bucket=bucket,
        group_by=tuple(dict.fromkeys(group_by)),
        customers=_bound(call, chosen),
        endpoints=tuple(query.endpoint),
        keys=tuple(by_keys),
        project_id=call.caller.project_id,
        named=named,
    )
    report.check(ask, call.now)
    after = None if query.cursor is UNSET else paging.decode(str(query.cursor))
    return Wanted(ask, query.limit, after, _as_csv(call, query), ranked)


def check_bound(call: Call, customer_id: CustomerId) -> None:
    """Raise NOT_FOUND for a customer that the calling key may not see."""
    _bound(call, [customer_id])


def granularity(ask: Ask) -> Granularity:
    """How long the periods of a report are, in the words of its query."""
    return Granularity.TOTAL if ask.bucket is Bucket.NONE else Granularity(ask.bucket)


def single(
    tx: Tx, call: Call, customer_id: CustomerId, before: bytes | None, limit: int
) -> tuple[paging.Page[Single], set[bytes]]:
    """A page of one customer's requests, as long as they are kept, and which of their keys are
    keys: the others are gate keys. Raises NOT_FOUND.
    """
    account_id = call.caller.account_id
    if not customers.named(tx, account_id, [customer_id]):
        raise not_found("customer with this id")
    rows = reads.requests(
        tx,
        account_id,
        customer_id,
        project_id=call.caller.project_id,
        before=before,
        since=call.now - call.services.settings.usage_requests_days * DAY_MS,
        limit=limit + 1,
    )
    page = paging.page(rows, limit, lambda one: one.id)
    return page, set(keys.named(tx, account_id, {KeyId(one.key_id) for one in page.rows}))


def _bound(call: Call, chosen: Sequence[CustomerId]) -> tuple[CustomerId, ...]:
    """A key bound to a customer sees that one alone."""
    mine = call.caller.key.customer_id
    if mine is None:
        return tuple(chosen)
    if any(one != mine for one in chosen):
        raise not_found("customer with this id")
    return (mine,)


def range_of(query: UsageQuery, zone: str, now: int) -> tuple[int, int]:
    """The range that is asked for: a month where a bound is left out. Raises INVALID."""
    if query.from_ is UNSET and query.to is UNSET:
        return period_at(now, Bucket.MONTH, zone)
    if query.from_ is UNSET:
        until = _moment(str(query.to), "to", zone)
        return period_at(until - 1, Bucket.MONTH, zone)[0], until
    since = _moment(str(query.from_), "from", zone)
    if query.to is UNSET:
        return since, max(period_at(now, Bucket.MONTH, zone)[1], since + 1)
    return since, _moment(str(query.to), "to", zone)


def _moment(text: str, name: str, zone: str) -> int:
    """A moment, or the beginning of a day of the zone; raises INVALID."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return queries.moment(text, name, instead="a day, such as 2025-01-15")
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return queries.kept(round(at.timestamp() * 1000))


def _as_csv(call: Call, query: UsageQuery) -> bool:
    if query.format is UNSET:
        return sheet.asked_for(call.headers)
    return query.format is UsageFormat.CSV


# Making


def make(tx: Tx, call: Call, asked: Wanted) -> Made:
    """Add up what was used; raises NOT_FOUND for a customer that is not the account's."""
    account_id, ask = call.caller.account_id, asked.ask
    if len(customers.named(tx, account_id, ask.customers)) < len(set(ask.customers)):
        raise not_found("customer with this id")
    made = reads.report(tx, account_id, ask)
    lines = report.highest_first(made.lines) if asked.ranked else made.lines
    limit = len(lines) if asked.as_csv else asked.limit
    page = paging.page(_from(lines, asked), limit, _place)
    of_page = {one: _values(page.rows, ask, one) for one in (Dimension.CUSTOMER, Dimension.KEY)}
    shown = {CustomerId(raw) for raw in of_page[Dimension.CUSTOMER]}
    used = keys.named(tx, account_id, {KeyId(raw) for raw in of_page[Dimension.KEY]})
    checked = {GateKeyId(raw) for raw in of_page[Dimension.KEY] if KeyId(raw) not in used}
    return Made(
        lines=page.rows,
        totals=made.totals,
        adjusted=reads.adjusted(tx, account_id, ask),
        next_cursor=page.next_cursor,
        data_as_of=call.now - round(METERED_EVERY_S * 1000),
        customers=customers.named(tx, account_id, shown) if shown else {},
        keys=used,
        gatekeys=gatekeys.named(tx, account_id, checked),
    )


def _from(lines: list[Line], asked: Wanted) -> list[Line]:
    """The lines of a page, and one more. The cursor is the last line's period and group: its
    figures may have grown meanwhile.
    """
    if asked.as_csv:
        return lines
    start = 0
    if asked.after is not None:
        places = [_place(one) for one in lines]
        if asked.after not in places:
            raise invalid((["cursor"], "Not a cursor of this list"))
        start = places.index(asked.after) + 1
    return lines[start : start + asked.limit + 1]


def _place(line: Line) -> bytes:
    group = [one.hex() if isinstance(one, bytes) else one for one in line.group]
    return msgspec.json.encode([line.start, *group])


def _values(lines: Iterable[Line], ask: Ask, dimension: Dimension) -> set[bytes]:
    if dimension not in ask.group_by:
        return set()
    at = ask.group_by.index(dimension)
    return {value for line in lines if isinstance(value := line.group[at], bytes) and any(value)}


# Writing

Names = Callable[[Dimension, Value], str | int | None]


def key_name(made: Made, value: bytes) -> str:
    """A key's id, or a gate key's."""
    return ids.show("key" if KeyId(value) in made.keys else "gatekey", value)


def as_csv(asked: Wanted, made: Made, columns: dict[Dimension, str], show: Names) -> Reply:
    """Write the rows alone: `start,end,<groups>,requests,units,errors`, with a customer's
    identifier and name beside its id.
    """
    heads = [_heads(one, columns[one]) for one in asked.ask.group_by]
    names = [name for head in heads for name in head]
    rows = [_row(asked.ask, made, line, show) for line in made.lines]
    header = ["start", "end", *names, "requests", "units", "errors"]
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="usage.csv"'),
        (b"vary", b"accept"),
    )
    return Reply(200, sheet.write(header, rows), headers)


def _heads(dimension: Dimension, name: str) -> list[str]:
    return [name, "identifier", "name"] if dimension is Dimension.CUSTOMER else [name]


def _row(ask: Ask, made: Made, line: Line, show: Names) -> list[str | int]:
    cells: list[str | int] = [clock.iso(line.start), clock.iso(line.end)]
    for dimension, value in zip(ask.group_by, line.group, strict=True):
        shown = show(dimension, value)
        cells.append("" if shown is None else shown)
        if dimension is Dimension.CUSTOMER and isinstance(value, bytes):
            known = made.customers.get(CustomerId(value))
            cells += [known.identifier, known.name] if known else ["", ""]
    figures = line.figures
    return [*cells, figures.requests, figures.units, figures.errors]
