"""`/v1/customers/{id}/quota` and `…/adjustments`: how much a customer may use, and what of its
usage was corrected.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, invalid, not_found
from gatepost.base.ids import CustomerId
from gatepost.base.periods import Bucket, check_zone
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.customers import endpoint, parse_id, position, read_place
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.customers import model
from gatepost.domains.customers.model import CustomerQuota, Metric, Mode
from gatepost.domains.usage.model import Adjustment
from gatepost.engine import enroll
from gatepost.engine.enroll import NewAdjustment, QuotaStanding
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet, usage
from gatepost.web.contract import Call
from gatepost.web.validate import Body

THRESHOLDS = (50, 80, 100)
TIME_MAX = 2**53


class QuotaPeriod(StrEnum):
    """When a quota begins anew: with each day or month of its time zone."""

    DAY = "day"
    MONTH = "month"


MetricOf = Annotated[Metric, Meta(description="What it counts.")]
Amount = Annotated[int, Meta(ge=0, le=model.AMOUNT_MAX, description="At most so many a period.")]
PeriodOf = Annotated[QuotaPeriod, Meta(description="When it begins anew.")]
Zone = Annotated[str, Meta(description="Whose days and months these are: an IANA time zone.")]
ModeOf = Annotated[
    Mode, Meta(description="`soft`: what is beyond is counted and told. `hard`: it is refused.")
]
Thresholds = Annotated[
    list[Annotated[int, Meta(ge=1, le=model.THRESHOLD_MAX)]],
    Meta(
        max_length=model.THRESHOLDS_MAX,
        description="Percentages; each is told once a period, when it is reached.",
    ),
]
Correction = Annotated[
    int,
    Meta(
        ge=-enroll.ADJUSTMENT_MAX,
        le=enroll.ADJUSTMENT_MAX,
        description="How many to add, or to take away.",
    ),
]
Reason = Annotated[str, Meta(min_length=1, max_length=enroll.REASON_MAX)]


class CustomerQuotaIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """How much a customer may use."""

    metric: MetricOf
    limit: Amount
    period: PeriodOf
    timezone: Zone = "UTC"
    mode: ModeOf = Mode.SOFT
    thresholds: Thresholds = msgspec.field(default_factory=lambda: list(THRESHOLDS))


class CustomerQuotaOut(msgspec.Struct, rename="camel"):
    """A customer's quota in its running period. `reached` are the thresholds that were."""

    metric: MetricOf
    limit: Amount
    period: PeriodOf
    timezone: Zone
    mode: ModeOf
    thresholds: Thresholds
    used: int
    remaining: int
    overage: int
    resets_at: str
    reached: list[int]


class QuotaRemovedOut(msgspec.Struct, rename="camel"):
    """Whose quota was removed."""

    customer_id: str
    deleted: bool = True


class NewAdjustmentIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A correction: what to add to a customer's usage, or to take away from it."""

    reason: Reason
    requests: Correction = 0
    units: Correction = 0
    at: Annotated[datetime, Meta(tz=True, description="When it was used; now.")] | UnsetType = UNSET


class AdjustmentOut(msgspec.Struct, rename="camel"):
    """A correction. `at` is the quarter of an hour it belongs to."""

    id: str
    at: str
    requests: Correction
    units: Correction
    reason: Reason
    actor: str
    created_at: str


class AdjustmentsQuery(SheetQuery, frozen=True):
    """Which corrections, and which page of them. Without a range: all."""

    from_: (
        Annotated[str, Meta(max_length=255, description="The first moment, ISO 8601.")] | UnsetType
    ) = msgspec.field(default=UNSET, name="from")
    to: (
        Annotated[str, Meta(max_length=255, description="The first moment after them, ISO 8601.")]
        | UnsetType
    ) = UNSET


class AdjustmentsOut(msgspec.Struct, rename="camel"):
    """A page of corrections; `next_cursor` is null on the last one."""

    adjustments: list[AdjustmentOut]
    next_cursor: str | None


class SetQuota(msgspec.Struct, frozen=True):
    """Which quota is whose."""

    customer_id: CustomerId
    quota: CustomerQuota


class Adjust(msgspec.Struct, frozen=True):
    """What to correct of whose usage; without `at` (ms) that of now."""

    customer_id: CustomerId
    at: int | None
    requests: int
    units: int
    reason: str


class Listing(msgspec.Struct, frozen=True):
    """Which corrections are asked for; `after` is where the page before ended."""

    customer_id: CustomerId
    since: int
    until: int
    after: tuple[int, bytes] | None
    limit: int


_quota_body = Body(CustomerQuotaIn)
_adjustment_body = Body(NewAdjustmentIn)


def parse_quota(call: Call, body: bytes) -> SetQuota:
    """Read a quota; raises INVALID, or NOT_FOUND."""
    customer_id = parse_id(call, body)
    given: CustomerQuotaIn = _quota_body.decode(body)
    quota = CustomerQuota(
        metric=given.metric,
        limit=given.limit,
        period=Bucket(given.period),
        timezone=check_zone(given.timezone),
        mode=given.mode,
        thresholds=tuple(given.thresholds),
    )
    return SetQuota(customer_id, quota)


def put(tx: Tx, call: Call, command: SetQuota) -> Reply:
    """Set a customer's quota."""
    admin.grantor(tx, call)
    admin.changed(tx, call)
    set_ = enroll.set_quota(
        tx,
        call.caller.account_id,
        command.customer_id,
        command.quota,
        call.actor,
        call.now,
    )
    return ok(call, show(set_))


def parse_own(call: Call, body: bytes) -> CustomerId:
    """Read the id in the path; raises NOT_FOUND, also for one the key may not see."""
    customer_id = parse_id(call, body)
    usage.check_bound(call, customer_id)
    return customer_id


def get(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """Tell how a customer's quota stands."""
    found = enroll.standing(tx, call.caller.account_id, customer_id, call.now)
    if found is None:
        raise not_found("quota of this customer")
    return ok(call, show(found))


def delete(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """Remove a customer's quota."""
    admin.grantor(tx, call)
    admin.changed(tx, call)
    enroll.remove_quota(tx, call.caller.account_id, customer_id, call.actor, call.now)
    return ok(call, QuotaRemovedOut(ids.show("customer", customer_id)))


def parse_adjustment(call: Call, body: bytes) -> Adjust:
    """Read a correction; raises INVALID, or NOT_FOUND."""
    customer_id = parse_id(call, body)
    given: NewAdjustmentIn = _adjustment_body.decode(body)
    at = None if given.at is UNSET else clock.from_datetime(given.at)
    return Adjust(customer_id, at, given.requests, given.units, given.reason)


def adjust(tx: Tx, call: Call, command: Adjust) -> Reply:
    """Correct what a customer used."""
    admin.grantor(tx, call)
    new = NewAdjustment(
        at=call.now if command.at is None else command.at,
        requests=command.requests,
        units=command.units,
        reason=command.reason,
    )
    account_id = call.caller.account_id
    made = enroll.adjust(tx, account_id, command.customer_id, new, call.actor, call.now)
    return ok(call, show_adjustment(made), 201)


def parse_list(call: Call, body: bytes) -> Listing:
    """Read which corrections; raises INVALID, or NOT_FOUND."""
    customer_id = parse_own(call, body)
    query: AdjustmentsQuery = queries.read(call, AdjustmentsQuery)
    since = 0 if query.from_ is UNSET else queries.moment(str(query.from_), "from")
    until = TIME_MAX if query.to is UNSET else queries.moment(str(query.to), "to")
    if since >= until:
        raise invalid((["from"], "Must be before to"))
    after = None if query.cursor is UNSET else read_place(str(query.cursor))
    return Listing(customer_id, since, until, after, sheets.length(call, query.limit))


def list_(tx: Tx, call: Call, asked: Listing) -> Reply:
    """A page of a customer's corrections."""
    found = enroll.adjustments(
        tx,
        call.caller.account_id,
        asked.customer_id,
        asked.since,
        asked.until,
        after=asked.after,
        limit=asked.limit + 1,
    )
    page = paging.page(found, asked.limit, lambda one: position(one.slot, one.id))
    shown = [show_adjustment(one) for one in page.rows]
    return sheets.reply(call, AdjustmentsOut(shown, page.next_cursor))


def show(standing: QuotaStanding) -> CustomerQuotaOut:
    """Write a quota for the wire."""
    quota = standing.quota
    return CustomerQuotaOut(
        quota.metric,
        quota.limit,
        QuotaPeriod(quota.period),
        quota.timezone,
        quota.mode,
        list(quota.thresholds),
        standing.used,
        standing.remaining,
        standing.overage,
        clock.iso(standing.resets_at),
        standing.reached,
    )


def show_adjustment(made: Adjustment) -> AdjustmentOut:
    """Write a correction for the wire."""
    return AdjustmentOut(
        ids.show("adjustment", made.id),
        clock.iso(made.slot),
        made.requests,
        made.units,
        made.reason,
        made.actor,
        clock.iso(made.created_at),
    )


ENDPOINTS = (
    endpoint(
        "putCustomerQuota",
        "PUT",
        "/v1/customers/{id}/quota",
        Scope.CUSTOMERS_WRITE,
        summary="Say how much a customer may use",
        description="What it has used of the running period counts. True when the call returns: "
        "no request that begins later is admitted on the old terms.",
        parse=parse_quota,
        run=put,
        request=CustomerQuotaIn,
        response=CustomerQuotaOut,
        example={"metric": "requests", "limit": 10_000, "period": "month", "mode": "hard"},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    endpoint(
        "getCustomerQuota",
        "GET",
        "/v1/customers/{id}/quota",
        Scope.USAGE_READ,
        summary="Read a customer's quota, and what is left of it",
        parse=parse_own,
        run=get,
        response=CustomerQuotaOut,
        errors=(Code.NOT_FOUND,),
    ),
    endpoint(
        "deleteCustomerQuota",
        "DELETE",
        "/v1/customers/{id}/quota",
        Scope.CUSTOMERS_WRITE,
        summary="Let a customer use what it likes",
        parse=parse_id,
        run=delete,
        response=QuotaRemovedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    endpoint(
        "createAdjustment",
        "POST",
        "/v1/customers/{id}/adjustments",
        Scope.USAGE_WRITE,
        summary="Correct what a customer used",
        description="What was metered stays as it is: reports show corrections beside it. Those "
        "of the running period change what is left of the customer's quota.",
        parse=parse_adjustment,
        run=adjust,
        status=201,
        request=NewAdjustmentIn,
        response=AdjustmentOut,
        example={"requests": -20, "reason": "Retries of the outage in the morning"},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    endpoint(
        "listAdjustments",
        "GET",
        "/v1/customers/{id}/adjustments",
        Scope.USAGE_READ,
        summary="What was corrected of a customer's usage",
        description="Oldest first.",
        parse=parse_list,
        run=list_,
        query=AdjustmentsQuery,
        response=AdjustmentsOut,
        also=(sheet.CSV,),
        errors=(Code.NOT_FOUND,),
    ),
)
