"""`/v1/keys/current`: the calling key, and what it has left."""

from __future__ import annotations

import math

import msgspec

from gatepost.base import clock
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.keywire import KeyOut, show
from gatepost.dialects.native.meta import nothing
from gatepost.domains.keys import store as keys
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Allowance, period, resets_at
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free


class WindowOut(msgspec.Struct, rename="camel"):
    """A limit that holds for this key: its own (`key`), or shared with the account's others."""

    per: str
    limit: int
    seconds: int
    remaining: int
    resets_at: str


class QuotaOut(msgspec.Struct, rename="camel"):
    """A quota of the account in its present period. `counts` names what it counts."""

    name: str
    counts: list[str]
    limit: int
    used: int
    remaining: int
    resets_at: str


class CurrentKeyOut(KeyOut, rename="camel", kw_only=True):
    """The calling key. `rate_limits` are after this very request."""

    plan: str
    rate_limits: list[WindowOut]
    quotas: list[QuotaOut]


def run(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell how the calling key stands."""
    caller = call.caller
    shown = show(keys.get(tx, caller.account_id, caller.key_id))
    members = {name: getattr(shown, name) for name in KeyOut.__struct_fields__}
    current = CurrentKeyOut(
        **members,
        plan=caller.plan,
        rate_limits=_windows(call),
        quotas=[show_quota(tx, call, allowance) for allowance in caller.allowances],
    )
    return ok(call, current)


def _windows(call: Call) -> list[WindowOut]:
    if call.verdict is None:
        return []
    own = len(call.caller.key_limits)
    return [
        WindowOut(
            "key" if index < own else "account",
            standing.window.limit,
            standing.window.seconds,
            standing.remaining,
            clock.iso(call.now + math.ceil(standing.reset_s * 1000)),
        )
        for index, standing in enumerate(call.verdict.standings)
    ]


def show_quota(tx: Tx, call: Call, allowance: Allowance) -> QuotaOut:
    """A quota of the account as it stands."""
    used = quotas.used(tx, call.caller.account_id, allowance.name, period(allowance, call.now))
    return QuotaOut(
        allowance.name,
        sorted(allowance.counts),
        allowance.limit,
        used,
        max(0, allowance.limit - used),
        clock.iso(resets_at(allowance, call.now)),
    )


ENDPOINTS = (
    Endpoint(
        operation="currentKey",
        method="GET",
        path="/v1/keys/current",
        scope=Scope.ANY,
        summary="Read the calling key, its limits and its quotas",
        tag="Keys",
        parse=nothing,
        run=run,
        charge=free,
        writes=False,
        project=False,
        response=CurrentKeyOut,
    ),
)
