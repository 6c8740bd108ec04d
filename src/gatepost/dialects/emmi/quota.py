"""`/customers/{customer_id}/quota`: how much a customer may use."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import CustomerId
from gatepost.base.periods import Bucket
from gatepost.dialects.emmi import manage, wire
from gatepost.dialects.emmi.customers import parse_id
from gatepost.dialects.emmi.envelope import reply
from gatepost.domains.customers import model
from gatepost.domains.customers.model import CustomerQuota, Metric, Mode
from gatepost.engine import enroll
from gatepost.engine.enroll import QuotaStanding
from gatepost.gate.once import Reply
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/customers/{customer_id}/quota"
THRESHOLDS = (50, 80, 100)


class QuotaPeriod(StrEnum):
    """How long a period is."""

    DAY = "day"
    MONTH = "month"


MetricOf = Annotated[Metric, Meta(description="What is counted.")]
Amount = Annotated[
    int, Meta(ge=0, le=model.AMOUNT_MAX, description="How much of it, in each period.")
]
Period = Annotated[QuotaPeriod, Meta(description="How long a period of the time zone is.")]
Zone = Annotated[str, Meta(description="Whose days and months these are.")]
ModeOf = Annotated[Mode, Meta(description="`hard` refuses what is beyond, `soft` counts it.")]
Thresholds = Annotated[
    list[Annotated[int, Meta(ge=1, le=model.THRESHOLD_MAX)]],
    Meta(max_length=model.THRESHOLDS_MAX, description="Percent; each is told once in a period."),
]


class QuotaIn(msgspec.Struct):
    """How much a customer may use."""

    metric: MetricOf
    limit: Amount
    period: Period
    timezone: Zone = "UTC"
    mode: ModeOf = Mode.SOFT
    thresholds: Thresholds = msgspec.field(default_factory=lambda: list(THRESHOLDS))


class QuotaOut(msgspec.Struct):
    """How much a customer may use, and what it has used of the running period."""

    metric: MetricOf
    limit: Amount
    period: Period
    timezone: Zone
    mode: ModeOf
    thresholds: Thresholds
    used: int
    remaining: int
    overage: int
    resets_at: str


class NewQuota(msgspec.Struct, frozen=True):
    """How much which customer may use."""

    customer_id: CustomerId
    quota: CustomerQuota


_body = Body(QuotaIn)


def parse(call: Call, body: bytes) -> NewQuota:
    """Read a quota; raises UNSUPPORTED_TYPE, INVALID or NOT_FOUND."""
    customer_id = wire.customer_in_path(call)
    given: QuotaIn = wire.decode(call, body, _body)
    quota = CustomerQuota(
        metric=given.metric,
        limit=given.limit,
        period=Bucket(given.period),
        timezone=given.timezone,
        mode=given.mode,
        thresholds=tuple(given.thresholds),
    )
    return NewQuota(customer_id, quota)


def put(tx: Tx, call: Call, new: NewQuota) -> Reply:
    """Say how much a customer may use."""
    manage.check_key(tx, call)
    account_id = call.caller.account_id
    standing = enroll.set_quota(tx, account_id, new.customer_id, new.quota, call.actor, call.now)
    manage.changed(tx, call)
    return reply(_show(standing))


def get(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """How much a customer may use, and has used."""
    standing = enroll.standing(tx, call.caller.account_id, customer_id, call.now)
    if standing is None:
        raise _none()
    return reply(_show(standing))


def delete(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """Let a customer use what it likes."""
    manage.check_key(tx, call)
    account_id = call.caller.account_id
    if enroll.standing(tx, account_id, customer_id, call.now) is None:
        raise _none()
    enroll.remove_quota(tx, account_id, customer_id, call.actor, call.now)
    manage.changed(tx, call)
    return Reply(204, b"")


def _none() -> AppError:
    return wire.refusal(Code.NOT_FOUND, wire.NO_QUOTA, "This customer has no quota")


def _show(standing: QuotaStanding) -> QuotaOut:
    quota = standing.quota
    return QuotaOut(
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
    )


ENDPOINTS = (
    manage.endpoint(
        "setQuota",
        "PUT",
        PATH,
        summary="Say how much a customer may use",
        description="What it has used of the running period counts.",
        parse=parse,
        run=put,
        request=QuotaIn,
        response=QuotaOut,
        example={"metric": "units", "limit": 10_000, "period": "month", "mode": "hard"},
        errors=(Code.UNSUPPORTED_TYPE,),
    ),
    manage.endpoint(
        "getQuota",
        "GET",
        PATH,
        summary="Read how much a customer may use, and has used",
        parse=parse_id,
        run=get,
        response=QuotaOut,
    ),
    manage.endpoint(
        "removeQuota",
        "DELETE",
        PATH,
        summary="Let a customer use what it likes",
        parse=parse_id,
        run=delete,
        status=204,
        response=None,
    ),
)
