"""What the operations below `/api/v1/user/` have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.dialects.notifykit import rules
from gatepost.engine import keyring
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free

PREFIX = "/api/v1/user/"
PLANS = "notifykit-"


class DoneOut(msgspec.Struct):
    """What was done, in words."""

    message: str


def plan(call: Call) -> str:
    """The account's plan as NotifyKit names it: FREE, INDIE, STARTUP, or its own name."""
    return call.caller.plan.removeprefix(PLANS).upper()


def is_free(call: Call) -> bool:
    """Whether the account is on the free plan."""
    return call.caller.plan == rules.FREE


def check_key(tx: Tx, call: Call) -> None:
    """Raise FORBIDDEN if the calling key has ended."""
    keyring.grantor_of(tx, call.caller.account_id, call.caller.key_id, call.now)


def parse_nothing(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    """An operation on the calling key's account: free, and its refusals are audited."""
    given = {"parse": parse_nothing, "tag": "Account", **more}
    return Endpoint(
        operation=operation,
        method=method,
        path=PREFIX + path,
        charge=free,
        writes=method != "GET",
        project=False,
        admin=True,
        **given,
    )
