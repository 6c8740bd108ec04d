"""`/api/v1/user/usage`: what an account has used of its present cycle."""

from __future__ import annotations

import msgspec

from gatepost.base import clock
from gatepost.base.periods import slot_of
from gatepost.dialects.notifykit import user
from gatepost.dialects.notifykit.envelope import ok
from gatepost.domains.accounts import store as accounts
from gatepost.domains.plans.model import Meter
from gatepost.domains.quotas import model as quota
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Allowance
from gatepost.domains.usage import reads
from gatepost.domains.usage.report import Ask
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

EMAIL = "POST /api/v1/notifications/email"
WEBHOOK = "POST /api/v1/notifications/webhook"


class UsageOut(msgspec.Struct, rename="camel"):
    """What the present cycle allows, and what was sent in it; null where nothing is limited."""

    plan: str
    monthly_limit: int | None
    usage_count: int
    emails_sent: int
    remaining: int | None
    usage_percentage: str
    usage_reset_at: str
    billing_cycle_start_at: str


def get(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell what was used."""
    allowance = _allowance(call)
    cycle = allowance or _cycle(tx, call)
    resets_at = quota.resets_at(cycle, call.now)
    began_at = quota.resets_at(cycle, call.now) - quota.PERIOD_MS
    used = _used(tx, call, allowance, began_at)
    limit = None if allowance is None else allowance.limit
    shown = UsageOut(
        user.plan(call),
        limit,
        used,
        _sent(tx, call, [EMAIL], began_at),
        None if limit is None else max(limit - used, 0),
        percentage(used, limit),
        clock.iso(resets_at),
        clock.iso(began_at),
    )
    return ok(call, shown)


def percentage(used: int, limit: int | None) -> str:
    """How much of a limit is used, of 100, with two digits after the point at most."""
    if limit is None:
        return "0"
    share = min(used / limit * 100, 100) if limit else 100
    return f"{share:.2f}".rstrip("0").rstrip(".")


def _allowance(call: Call) -> Allowance | None:
    """The quota that counts webhooks: on a free plan it counts mails as well."""
    return next((one for one in call.caller.allowances if Meter.WEBHOOK in one.counts), None)


def _cycle(tx: Tx, call: Call) -> Allowance:
    """Thirty days from the account's creation on, also where nothing is limited."""
    anchor = accounts.get(tx, call.caller.account_id).created_at
    return Allowance("", 0, frozenset(), anchor)


def _used(tx: Tx, call: Call, allowance: Allowance | None, began_at: int) -> int:
    if allowance is None:
        return _sent(tx, call, [EMAIL, WEBHOOK], began_at)
    period = quota.period(allowance, call.now)
    return quotas.used(tx, call.caller.account_id, allowance.name, period)


def _sent(tx: Tx, call: Call, routes: list[str], since: int) -> int:
    ask = Ask(since=slot_of(since), until=call.now + 1, endpoints=tuple(routes))
    return reads.report(tx, call.caller.account_id, ask).totals.requests


ENDPOINTS = (
    user.endpoint(
        "getUsage",
        "GET",
        "usage",
        scope=Scope.MESSAGES_READ,
        summary="Read what was used of the present cycle",
        run=get,
        response=UsageOut,
    ),
)
