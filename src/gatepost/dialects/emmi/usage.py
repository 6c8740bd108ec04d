"""`/usage` and `/customers/{customer_id}/usage`: who used how much."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, invalid
from gatepost.base.ids import CustomerId
from gatepost.dialects.emmi import manage, wire
from gatepost.dialects.emmi.envelope import reply
from gatepost.dialects.emmi.manage import PageQuery
from gatepost.domains.usage.reads import Single
from gatepost.domains.usage.report import Dimension, Figures, Line, Value
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet, usage
from gatepost.web.contract import Call, Endpoint
from gatepost.web.usage import Granularity, Made, UsageQuery, Wanted

GROUPS = {
    "customer": Dimension.CUSTOMER,
    "endpoint": Dimension.ENDPOINT,
    "method": Dimension.METHOD,
    "status": Dimension.STATUS,
    "api_key": Dimension.KEY,
}
NAMES = {dimension: name for name, dimension in GROUPS.items()}
COLUMNS = {**NAMES, Dimension.CUSTOMER: "customer_id"}

GroupBy = Annotated[
    str,
    Meta(
        max_length=200,
        description=f"What is told apart, with commas between: {', '.join(GROUPS)}.",
    ),
]
Chosen = Annotated[
    list[str],
    Meta(max_length=usage.CUSTOMERS_MAX, description="Only of this customer; repeatable."),
]


class OfCustomerQuery(UsageQuery, frozen=True):
    """What of a customer's usage is asked for."""

    group_by: GroupBy = ""


class RankingQuery(UsageQuery, frozen=True):
    """What of the customers' usage is asked for."""

    customer_id: Chosen = msgspec.field(default_factory=list)


class AllUsageQuery(RankingQuery, frozen=True):
    """What of the customers' usage is asked for, and what is told apart."""

    group_by: GroupBy = ""


class FiguresOut(msgspec.Struct):
    """Requests that succeeded, the units they were worth, and requests that failed."""

    requests: int
    units: int
    errors: int


class CorrectionOut(msgspec.Struct):
    """What corrections add to the figures, or take away; these stay as they were metered."""

    requests: int
    units: int


class GroupOut(msgspec.Struct, omit_defaults=True):
    """What the figures are of, as far as that is told apart."""

    customer: str | UnsetType = UNSET
    identifier: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    status: int | UnsetType = UNSET
    api_key: str | UnsetType = UNSET


class UsageLineOut(msgspec.Struct):
    """The figures of one period, and of one group where something is told apart."""

    start: str
    end: str
    group: GroupOut
    requests: int
    units: int
    errors: int


class UsageOut(msgspec.Struct):
    """A report. `totals` are of the whole range, not of the page."""

    from_: str = msgspec.field(name="from")
    to: str
    timezone: str
    granularity: Granularity
    group_by: list[str]
    totals: FiguresOut
    adjustments: CorrectionOut
    data: list[UsageLineOut]
    next_cursor: str | None
    data_as_of: Annotated[str, Meta(description="What came before is in the figures.")]


class RequestOut(msgspec.Struct):
    """One data request."""

    received_at: str
    method: str
    endpoint: str
    status: int
    units: int
    api_key: str
    response_bytes: int | None
    duration_ms: int
    request_id: str


class RequestsOut(msgspec.Struct):
    """A page of requests, latest first."""

    data: list[RequestOut]
    next_cursor: str | None
    has_more: bool


class Requests(msgspec.Struct, frozen=True):
    """Which page of whose requests."""

    customer_id: CustomerId
    after: bytes | None
    limit: int


# Asking


def parse(call: Call, _body: bytes) -> Wanted:
    """Read a query for all usage; raises INVALID, RANGE_TOO_LARGE or NOT_FOUND."""
    query: AllUsageQuery = queries.read(call, AllUsageQuery)
    chosen = [wire.a_customer(text) for text in query.customer_id]
    return usage.wanted(call, query, _dimensions(query.group_by), chosen, named=True)


def parse_ranking(call: Call, _body: bytes) -> Wanted:
    """Read a query for a ranking of customers; raises as `parse` does."""
    query: RankingQuery = queries.read(call, RankingQuery)
    chosen = [wire.a_customer(text) for text in query.customer_id]
    return usage.wanted(call, query, [Dimension.CUSTOMER], chosen, named=True, ranked=True)


def parse_customer(call: Call, _body: bytes) -> Wanted:
    """Read a query for one customer's usage; raises as `parse` does."""
    chosen = [wire.customer_in_path(call)]
    query: OfCustomerQuery = queries.read(call, OfCustomerQuery)
    return usage.wanted(call, query, _dimensions(query.group_by), chosen, named=True)


def parse_requests(call: Call, _body: bytes) -> Requests:
    """Read which page of whose requests; raises INVALID or NOT_FOUND."""
    customer_id = wire.customer_in_path(call)
    usage.check_bound(call, customer_id)
    query: PageQuery = queries.read(call, PageQuery)
    after = None if query.cursor is UNSET else paging.decode_id(str(query.cursor))
    return Requests(customer_id, after, query.limit)


def _dimensions(text: str) -> list[Dimension]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if any(name not in GROUPS for name in names):
        raise invalid((["group_by"], f"Known are {', '.join(GROUPS)}"))
    return [GROUPS[name] for name in names]


# Answering


def run(tx: Tx, call: Call, wanted: Wanted) -> Reply:
    """Add up what was used."""
    made = usage.make(tx, call, wanted)
    if wanted.as_csv:
        return usage.as_csv(wanted, made, COLUMNS, lambda one, value: _shown(made, one, value))
    ask = wanted.ask
    shown = UsageOut(
        clock.iso(ask.since),
        clock.iso(ask.until),
        ask.zone,
        usage.granularity(ask),
        [NAMES[one] for one in ask.group_by],
        _figures(made.totals),
        CorrectionOut(made.adjusted.requests, made.adjusted.units),
        [_line(made, ask.group_by, line) for line in made.lines],
        made.next_cursor,
        clock.iso(made.data_as_of),
    )
    return reply(shown)


def _line(made: Made, by: tuple[Dimension, ...], line: Line) -> UsageLineOut:
    group: dict[str, Any] = {}
    for dimension, value in zip(by, line.group, strict=True):
        group[NAMES[dimension]] = _shown(made, dimension, value)
        if dimension is Dimension.CUSTOMER and isinstance(value, bytes):
            known = made.customers.get(CustomerId(value))
            group |= {"identifier": known.identifier, "name": known.name} if known else {}
    figures = line.figures
    return UsageLineOut(
        clock.iso(line.start),
        clock.iso(line.end),
        GroupOut(**group),
        figures.requests,
        figures.units,
        figures.errors,
    )


def _shown(made: Made, dimension: Dimension, value: Value) -> str | int:
    if not isinstance(value, bytes):
        return value
    if dimension is Dimension.CUSTOMER:
        return wire.show_id(CustomerId(value))
    return usage.key_name(made, value)


def _figures(figures: Figures) -> FiguresOut:
    return FiguresOut(figures.requests, figures.units, figures.errors)


def list_requests(tx: Tx, call: Call, command: Requests) -> Reply:
    """A page of one customer's requests, as long as they are kept."""
    page, known = usage.single(tx, call, command.customer_id, command.after, command.limit)
    shown = [_request(one, known) for one in page.rows]
    return reply(RequestsOut(shown, page.next_cursor, page.next_cursor is not None))


def _request(one: Single, known: set[bytes]) -> RequestOut:
    return RequestOut(
        clock.iso(one.at),
        one.route.partition(" ")[0],
        one.route,
        one.status,
        one.units,
        ids.show("key" if one.key_id in known else "gatekey", one.key_id),
        one.response_bytes,
        one.duration_ms,
        one.request_id,
    )


def _reading(operation: str, path: str, **more: Any) -> Endpoint:
    about: dict[str, Any] = {"scope": Scope.USAGE_READ, "tag": "Usage", "admin": False}
    return manage.endpoint(operation, "GET", path, **about | more)


FIGURES = (
    "`requests` are those that succeeded, `errors` those that did not, which are worth no units. "
    "Half-open: `from` is inside, `to` is outside; without them it is the current month. Periods "
    "are those of the time zone's clocks and calendar; ungrouped, those without usage are there "
    "as well. As CSV all rows come at once, and a text that a spreadsheet would take for a "
    "formula begins with an apostrophe."
)
REPORT: dict[str, Any] = {
    "description": FIGURES,
    "run": run,
    "response": UsageOut,
    "also": (sheet.CSV,),
    "errors": (Code.NOT_FOUND, Code.RANGE_TOO_LARGE),
}

ENDPOINTS = (
    _reading(
        "getUsage",
        "/usage",
        summary="What all customers used",
        parse=parse,
        query=AllUsageQuery,
        **REPORT,
    ),
    _reading(
        "rankCustomers",
        "/usage/customers",
        summary="Customers by what they used, highest first",
        parse=parse_ranking,
        query=RankingQuery,
        **REPORT,
    ),
    _reading(
        "getCustomerUsage",
        "/customers/{customer_id}/usage",
        summary="What one customer used",
        parse=parse_customer,
        query=OfCustomerQuery,
        **REPORT,
    ),
    _reading(
        "listCustomerRequests",
        "/customers/{customer_id}/usage/requests",
        summary="One customer's latest data requests",
        description="Single requests are kept for as many days as `usage_requests_days` says.",
        parse=parse_requests,
        run=list_requests,
        query=PageQuery,
        response=RequestsOut,
    ),
)
