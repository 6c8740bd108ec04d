"""Checks on the wire: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import clock, ids
from gatepost.base.clock import SECOND_MS
from gatepost.base.errors import AppError
from gatepost.base.ids import NO_CUSTOMER, CustomerId
from gatepost.dialects.native import admin, envelope
from gatepost.dialects.native.gatekeywire import Metadata, shown_customer, shown_id
from gatepost.domains.gatekeys.model import SCOPE_MAX, GateKey
from gatepost.gate.check import MESSAGES, Ask, Decision, Holder, Reason
from gatepost.limiter.contract import Verdict

COST_MAX = 1_000_000
CHECKS_MAX = 100
MOMENTS = 4096


class CheckIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """May this key do this?"""

    key: Annotated[str, Meta(max_length=1000, description="The secret your user has sent you.")]
    scope: Annotated[
        Annotated[str, Meta(max_length=SCOPE_MAX)] | None,
        Meta(description="What is to be done, in your own words."),
    ] = None
    route: Annotated[
        str,
        Meta(
            max_length=200,
            description="What is called, as usage shall name it: a path's template, not the path.",
        ),
    ] = ""
    cost: Annotated[
        int, Meta(ge=0, le=COST_MAX, description="How many units of the quotas it is worth.")
    ] = 1
    customer: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(description="The customer it is done for: its id, or that as a UUID."),
    ] = None
    dry_run: Annotated[
        bool, Meta(description="Only ask: nothing is charged, counted or metered.")
    ] = False


class ChecksIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Checks to be made together, in their order."""

    checks: Annotated[list[CheckIn], Meta(min_length=1, max_length=CHECKS_MAX)]


class CheckedKeyOut(msgspec.Struct, rename="camel"):
    """Whose key it is, as far as your API may want to know."""

    id: str
    name: str
    scopes: list[str]
    metadata: Metadata
    customer_id: str | None
    expires_at: str | None


class StandingOut(msgspec.Struct, rename="camel"):
    """How a limit or a quota stands. A limit's `remaining` grows at `resetAt`, bit by bit; a
    quota's then begins anew.
    """

    name: str
    limit: int
    remaining: int
    reset_at: str


class CheckOut(msgspec.Struct, rename="camel"):
    """Whether it may. `limits` and `quotas` are told as far as the check has come to them."""

    allowed: bool
    reason: Reason | None
    message: str | None
    key: Annotated[CheckedKeyOut | None, Meta(description="Null where no key was found.")]
    limits: list[StandingOut]
    quotas: list[StandingOut]
    retry_after: Annotated[
        int | None, Meta(description="Seconds after which it may be asked again.")
    ]


class ChecksOut(msgspec.Struct):
    """The results, in the order of the checks."""

    results: list[CheckOut]


def ask(given: CheckIn) -> Ask:
    """Put a check into the gate's words."""
    customer = None if given.customer is None else read_customer(given.customer)
    return Ask(given.key, given.scope, given.route, given.cost, customer, given.dry_run)


def read_customer(text: str) -> CustomerId:
    """Read a customer's id; what is none is nobody's."""
    try:
        if text.startswith("customer_"):
            return CustomerId(ids.parse("customer", text))
        return CustomerId(ids.parse_uuid(text))
    except (AppError, ValueError):
        return NO_CUSTOMER


# A decision is written on every request: all its texts but the key are our own, and plain.
_HEADS: dict[Reason | None, str] = {
    None: '{"allowed":true,"reason":null,"message":null,"key":',
    **{
        reason: f'{{"allowed":false,"reason":"{reason}","message":"{message}","key":'
        for reason, message in MESSAGES.items()
    },
}
_moment = lru_cache(MOMENTS)(clock.iso)


def answer(decision: Decision) -> bytes:
    """Write one decision: a `CheckOut`."""
    return _answer(decision).encode()


def answers(decisions: Sequence[Decision]) -> bytes:
    """Write several: a `ChecksOut`."""
    return f'{{"results":[{",".join([_answer(one) for one in decisions])}]}}'.encode()


def show(decision: Decision) -> Any:
    """A decision as plain values."""
    return msgspec.json.decode(answer(decision))


def _answer(decision: Decision) -> str:
    checked, wait_s = decision.checked, decision.retry_after_s
    holder, verdict = checked.holder, checked.verdict
    face = "null"
    if holder is not None:
        face = holder.face or _face(holder)
    limits = "" if verdict is None else _limits(verdict, checked.now)
    quotas = ",".join(
        [_standing(one.name, one.limit, one.remaining, one.resets_at) for one in decision.left]
    )
    wait = "null" if wait_s is None else max(1, ceil(wait_s))
    head = _HEADS[decision.reason]
    return f'{head}{face},"limits":[{limits}],"quotas":[{quotas}],"retryAfter":{wait}}}'


def _face(holder: Holder) -> str:
    face = holder.face = envelope.encode(_key(holder.key)).decode()
    return face


def _limits(verdict: Verdict, now: int) -> str:
    """Limits as they stand; when they grow, in whole seconds."""
    return ",".join(
        [
            _standing(
                one.window.name,
                one.window.limit,
                one.remaining,
                ceil(now / SECOND_MS + one.reset_s) * SECOND_MS,
            )
            for one in verdict.standings
        ]
    )


def _standing(name: str, limit: int, remaining: int, at: int) -> str:
    reset = _moment(at)
    return f'{{"name":"{name}","limit":{limit},"remaining":{remaining},"resetAt":"{reset}"}}'


def _key(key: GateKey) -> CheckedKeyOut:
    return CheckedKeyOut(
        shown_id(key),
        key.name,
        list(key.scopes),
        key.metadata,
        shown_customer(key),
        admin.moment(key.expires_at),
    )
