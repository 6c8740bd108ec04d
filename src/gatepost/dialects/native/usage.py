"""`/v1/usage`: who used how much, by customer, endpoint, method, status, key or project."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import CustomerId
from gatepost.dialects.native import sheets
from gatepost.dialects.native.admin import read_cursor
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.usage.reads import Single
from gatepost.domains.usage.report import Dimension, Figures, Value
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet, usage
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.usage import Granularity, Made, UsageQuery, Wanted

GroupBy = Annotated[
    list[Dimension], Meta(max_length=6, description="What is told apart; repeatable.")
]


KEYS_MAX = 100


class CustomerGroup(StrEnum):
    """What else can be told apart of one customer."""

    ENDPOINT = "endpoint"
    METHOD = "method"
    STATUS = "status"
    KEY = "key"
    PROJECT = "project"


class OfCustomerQuery(UsageQuery, rename="camel", frozen=True):
    """What of a customer's usage is asked for."""

    group_by: Annotated[
        list[CustomerGroup], Meta(max_length=5, description="What is told apart; repeatable.")
    ] = msgspec.field(default_factory=list)


class AllQuery(UsageQuery, rename="camel", frozen=True):
    """What of the account's usage is asked for."""

    customer: Annotated[
        list[str],
        Meta(max_length=usage.CUSTOMERS_MAX, description="Only of this customer; repeatable."),
    ] = msgspec.field(default_factory=list)


class ReportQuery(AllQuery, rename="camel", frozen=True):
    """What of the account's usage is asked for, and what is told apart."""

    key: Annotated[
        list[Annotated[str, Meta(max_length=255)]],
        Meta(max_length=KEYS_MAX, description="Only by this key or gate key; repeatable."),
    ] = msgspec.field(default_factory=list)
    group_by: GroupBy = msgspec.field(default_factory=list)


class FiguresOut(msgspec.Struct):
    """Requests that succeeded, the units they were worth, and requests that failed."""

    requests: int
    units: int
    errors: int


class CorrectionOut(msgspec.Struct):
    """What corrections add to the figures, or take away; these stay as they were metered."""

    requests: int
    units: int


class UsageLineOut(msgspec.Struct):
    """The figures of one period, and of one group where something is told apart."""

    start: str
    end: str
    group: Annotated[
        dict[str, str | int | None],
        Meta(description="A value for each dimension; no `customer` is null."),
    ]
    requests: int
    units: int
    errors: int


class UsageOut(msgspec.Struct, rename="camel"):
    """A report. `totals` are of the whole range, not of the page."""

    from_: str = msgspec.field(name="from")
    to: str
    timezone: str
    granularity: Granularity
    group_by: list[Dimension]
    totals: FiguresOut
    adjustments: CorrectionOut
    rows: list[UsageLineOut]
    names: Annotated[
        dict[str, str], Meta(description="How the customers and keys of the rows are called.")
    ]
    ended: Annotated[dict[str, str], Meta(description="Those of them that have ended, and when.")]
    next_cursor: str | None
    data_as_of: Annotated[str, Meta(description="What came before is in the figures.")]


class UsedOut(msgspec.Struct, rename="camel"):
    """One request that was done for a customer."""

    at: str
    endpoint: str
    status: int
    units: int
    key_id: str
    response_bytes: int | None
    duration_ms: int
    request_id: str


class UsedRequestsOut(msgspec.Struct, rename="camel"):
    """A page of requests, latest first; `next_cursor` is null on the last one."""

    requests: list[UsedOut]
    next_cursor: str | None


class Requests(msgspec.Struct, frozen=True):
    """Which page of whose requests."""

    customer_id: CustomerId
    after: bytes | None
    limit: int


def parse(call: Call, _body: bytes) -> Wanted:
    """Read a query for the account's usage; raises INVALID, RANGE_TOO_LARGE or NOT_FOUND."""
    query: ReportQuery = queries.read(call, ReportQuery)
    chosen = [_customer(text) for text in query.customer]
    by = [_key(text) for text in query.key]
    return usage.wanted(call, query, query.group_by, chosen, named=False, by_keys=by)


def parse_ranking(call: Call, _body: bytes) -> Wanted:
    """Read a query for a ranking of customers; raises as `parse` does."""
    query: AllQuery = queries.read(call, AllQuery)
    chosen = [_customer(text) for text in query.customer]
    by = [Dimension.CUSTOMER]
    return usage.wanted(call, query, by, chosen, named=True, ranked=True)


def parse_customer(call: Call, _body: bytes) -> Wanted:
    """Read a query for one customer's usage; raises as `parse` does."""
    query: OfCustomerQuery = queries.read(call, OfCustomerQuery)
    by = [Dimension(one) for one in query.group_by]
    return usage.wanted(call, query, by, [_customer(call.params["id"])], named=True)


def _customer(text: str) -> CustomerId:
    return CustomerId(ids.parse("customer", text))


def _key(text: str) -> bytes:
    """Read the id of a key or of a gate key; raises NOT_FOUND."""
    return ids.parse("gatekey" if text.startswith("gatekey_") else "key", text)


def run(tx: Tx, call: Call, wanted: Wanted) -> Reply:
    """Add up what was used."""
    made = usage.make(tx, call, wanted)

    def show(dimension: Dimension, value: Value) -> str | int | None:
        return _shown(made, dimension, value)

    if wanted.as_csv:
        return usage.as_csv(wanted, made, {one: str(one) for one in Dimension}, show)
    ask, parties = wanted.ask, made.parties()
    rows = [
        UsageLineOut(
            clock.iso(line.start),
            clock.iso(line.end),
            {
                str(one): show(one, value)
                for one, value in zip(ask.group_by, line.group, strict=True)
            },
            line.figures.requests,
            line.figures.units,
            line.figures.errors,
        )
        for line in made.lines
    ]
    shown = UsageOut(
        clock.iso(ask.since),
        clock.iso(ask.until),
        ask.zone,
        usage.granularity(ask),
        list(ask.group_by),
        _figures(made.totals),
        CorrectionOut(made.adjusted.requests, made.adjusted.units),
        rows,
        {one: name for one, (name, _) in parties.items()},
        {one: clock.iso(at) for one, (_, at) in parties.items() if at is not None},
        made.next_cursor,
        clock.iso(made.data_as_of),
    )
    return ok(call, shown)


def _figures(figures: Figures) -> FiguresOut:
    return FiguresOut(figures.requests, figures.units, figures.errors)


def _shown(made: Made, dimension: Dimension, value: Value) -> str | int | None:
    if not isinstance(value, bytes):
        return value
    if not any(value):
        return None
    if dimension is Dimension.KEY:
        return usage.key_name(made, value)
    return ids.show(str(dimension), value)


def parse_requests(call: Call, _body: bytes) -> Requests:
    """Read which page of whose requests; raises INVALID or NOT_FOUND."""
    customer_id = _customer(call.params["id"])
    usage.check_bound(call, customer_id)
    query: SheetQuery = queries.read(call, SheetQuery)
    return Requests(customer_id, read_cursor(query.cursor), sheets.length(call, query.limit))


def list_requests(tx: Tx, call: Call, command: Requests) -> Reply:
    """A page of one customer's requests, as long as they are kept."""
    page, known = usage.single(tx, call, command.customer_id, command.after, command.limit)
    found = [_used(one, known) for one in page.rows]
    return sheets.reply(call, UsedRequestsOut(found, page.next_cursor))


def _used(one: Single, known: set[bytes]) -> UsedOut:
    return UsedOut(
        clock.iso(one.at),
        one.route,
        one.status,
        one.units,
        ids.show("key" if one.key_id in known else "gatekey", one.key_id),
        one.response_bytes,
        one.duration_ms,
        one.request_id,
    )


def _endpoint(operation: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.USAGE_READ,
        tag="Usage",
        charge=free,
        writes=False,
        project=False,
        **more,
    )


FIGURES = (
    "`requests` are those that succeeded, `errors` those that did not, which are worth no units. "
    "Half-open: `from` is inside, `to` is outside. Periods are those of the time zone's clocks "
    "and calendar; ungrouped, those without usage are there as well. Quarters of an hour are "
    "kept for 60 days, hours for 400, days (UTC) for ever: a range that would cut through what is "
    "kept together is refused. As CSV all rows come at once, and a text that a spreadsheet would "
    "take for a formula begins with an apostrophe."
)

ENDPOINTS: Sequence[Endpoint] = (
    _endpoint(
        "getUsage",
        "/v1/usage",
        summary="What the account used",
        description=FIGURES,
        parse=parse,
        run=run,
        query=ReportQuery,
        response=UsageOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND, Code.RANGE_TOO_LARGE),
    ),
    _endpoint(
        "rankCustomers",
        "/v1/usage/customers",
        summary="Customers by what they used, highest first",
        description=FIGURES,
        parse=parse_ranking,
        run=run,
        query=AllQuery,
        response=UsageOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND, Code.RANGE_TOO_LARGE),
    ),
    _endpoint(
        "getCustomerUsage",
        "/v1/customers/{id}/usage",
        summary="What one customer used",
        description=FIGURES,
        parse=parse_customer,
        run=run,
        query=OfCustomerQuery,
        response=UsageOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND, Code.RANGE_TOO_LARGE),
    ),
    _endpoint(
        "listCustomerRequests",
        "/v1/customers/{id}/usage/requests",
        summary="One customer's latest requests",
        description="Single requests are kept for as many days as `usage_requests_days` says.",
        parse=parse_requests,
        run=list_requests,
        query=SheetQuery,
        response=UsedRequestsOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
)
