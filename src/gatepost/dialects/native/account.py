"""`/v1/account`: the account a key belongs to, its plan, and what is left of its quotas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock, ids
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.keywire import LimitOut
from gatepost.dialects.native.meta import nothing
from gatepost.dialects.native.standing import QuotaOut, show_quota
from gatepost.domains.accounts import store as accounts
from gatepost.domains.plans import store as plans
from gatepost.domains.plans.model import Plan
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free


class PlanOut(msgspec.Struct, rename="camel"):
    """What an account may do. No limits in a list are none at all."""

    name: str
    title: Annotated[str, Meta(description="In a few words, for people.")]
    key_limits: Annotated[
        list[LimitOut], Meta(description="Of each key that has no limits of its own.")
    ]
    account_limits: Annotated[list[LimitOut], Meta(description="Of all keys together.")]
    mail_limits: Annotated[
        list[LimitOut], Meta(description="Of recipients of mails, whichever way they are sent.")
    ]


class AccountOut(msgspec.Struct, rename="camel"):
    """An account, its plan, and its quotas in their present periods."""

    id: str
    name: str
    plan: PlanOut
    limited: Annotated[
        bool, Meta(description="Whether limits count at all: the setting `rate_limit`.")
    ]
    quotas: list[QuotaOut]
    created_at: str


def run(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell how the account stands."""
    caller = call.caller
    account = accounts.get(tx, caller.account_id)
    plan = plans.find(tx, account.plan) or Plan(account.plan, "")
    shown = AccountOut(
        ids.show("account", account.id),
        account.name,
        PlanOut(
            plan.name,
            plan.title,
            _limits(plan.key_limits),
            _limits(plan.account_limits),
            _limits(plan.mail_limits),
        ),
        call.services.settings.rate_limit == "on",
        [show_quota(tx, call, allowance) for allowance in caller.allowances],
        clock.iso(account.created_at),
    )
    return ok(call, shown)


def _limits(windows: Sequence[Window]) -> list[LimitOut]:
    return [LimitOut(one.limit, one.seconds) for one in windows]


ENDPOINTS = (
    Endpoint(
        operation="getAccount",
        method="GET",
        path="/v1/account",
        scope=Scope.ANY,
        summary="Read the account, its plan and what is left of its quotas",
        tag="Meta",
        parse=nothing,
        run=run,
        charge=free,
        writes=False,
        project=False,
        response=AccountOut,
    ),
)
