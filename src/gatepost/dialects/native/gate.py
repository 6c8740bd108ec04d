"""`POST /v1/gate/check`: may a key of the caller's own end user do this?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from gatepost.base.errors import Code
from gatepost.dialects.native.envelope import envelope
from gatepost.dialects.native.gatewire import (
    CheckIn,
    CheckOut,
    ChecksIn,
    ChecksOut,
    answer,
    answers,
    ask,
)
from gatepost.gate.check import Checked, Decision, settle
from gatepost.gate.checker import Looking
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

_one_body = Body(CheckIn)
_many_body = Body(ChecksIn)

Several = tuple[Checked, ...]


def parse(_call: Call, body: bytes) -> CheckIn:
    """Read one check; raises INVALID."""
    given: CheckIn = _one_body.decode(body)
    return given


def prepare(call: Call, given: CheckIn) -> Checked | Looking:
    """Look one check up."""
    checker = call.services.admission.checker
    return checker.look(call.caller, ask(given), call.now, call.request_id)


def check(tx: Tx, calls: Sequence[Call], found: Sequence[Checked]) -> list[Reply]:
    """Decide checks of several requests together."""
    decisions = settle(tx, found)
    return [
        Reply(200, envelope(call.request_id, answer(one)))
        for call, one in zip(calls, decisions, strict=True)
    ]


def parse_many(_call: Call, body: bytes) -> ChecksIn:
    """Read several checks; raises INVALID."""
    given: ChecksIn = _many_body.decode(body)
    return given


async def prepare_many(call: Call, given: ChecksIn) -> Several:
    """Look several checks up."""
    checker = call.services.admission.checker
    asks = [ask(one) for one in given.checks]
    return tuple(await checker.look_all(call.caller, asks, call.now, call.request_id))


def check_many(tx: Tx, calls: Sequence[Call], commands: Sequence[Several]) -> list[Reply]:
    """Decide all the checks of several requests together."""
    decisions = iter(settle(tx, [one for several in commands for one in several]))
    return [_reply(call, several, decisions) for call, several in zip(calls, commands, strict=True)]


def _reply(call: Call, several: Several, decisions: Iterator[Decision]) -> Reply:
    mine = list(islice(decisions, len(several)))
    return Reply(200, envelope(call.request_id, answers(mine)))


KEY = "acme_2mfN6dV0xq8RkT4yB1cHsZ5wEu3aP7gJ"
REPEATED = (
    "With an `Idempotency-Key` the first answer is given again, refusals too, and no quota is "
    "charged twice; the key's limits count the repetition."
)

ENDPOINTS = (
    Endpoint(
        operation="checkKey",
        method="POST",
        path="/v1/gate/check",
        scope=Scope.GATE_CHECK,
        summary="May a key do this?",
        description="Always 200: `allowed` says whether, `reason` why not. What is allowed is "
        "charged to the quotas of the key and of the customer, to both or to neither, and metered, "
        f"before the answer is sent. {REPEATED}",
        tag="Gate",
        parse=parse,
        prepare=prepare,
        run=check,
        charge=free,
        writes=True,
        vector=True,
        light=True,
        project=False,
        request=CheckIn,
        response=CheckOut,
        example={"key": KEY, "scope": "estimates:write", "route": "POST /estimates", "cost": 3},
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
    Endpoint(
        operation="checkKeys",
        method="POST",
        path="/v1/gate/check/batch",
        scope=Scope.GATE_CHECK,
        summary="Make up to 100 checks at once",
        description="One after the other, in one transaction: what the first ones are granted, "
        f"the later ones find used. {REPEATED}",
        tag="Gate",
        parse=parse_many,
        prepare=prepare_many,
        run=check_many,
        charge=free,
        writes=True,
        vector=True,
        project=False,
        request=ChecksIn,
        response=ChecksOut,
        example={"checks": [{"key": KEY, "scope": "estimates:write"}, {"key": KEY, "cost": 0}]},
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
)
