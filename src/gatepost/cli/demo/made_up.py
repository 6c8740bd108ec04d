"""How tries of the demo went: made up. Pure."""

from __future__ import annotations

from random import Random

from gatepost.base.clock import DAY_MS
from gatepost.cli.demo.cast import maybe
from gatepost.domains.outbox.model import Fault, Outcome

BROKEN = "CRM"
BROKEN_FOR_MS = 3 * DAY_MS
"""One endpoint has not answered for so long."""
HICCUP = 0.05
BOUNCE = 0.015
SENT = '{"Content-Type":"application/json","User-Agent":"Gatepost"}'


def outcome(random: Random, way: str, attempts: int, ago_ms: int) -> Outcome:
    """How a try went that was made so long ago, after so many others; `way` names an endpoint or
    a rule, and what is neither is a mail.
    """
    if way == BROKEN and ago_ms < BROKEN_FOR_MS:
        return _broken(random)
    if way in {BROKEN, "Fulfilment", "Deploy board"}:
        return _webhook(random, attempts)
    return _mail(random, attempts)


def _broken(random: Random) -> Outcome:
    if maybe(random, 0.3):
        error = "No answer within 10 seconds"
        return Outcome(
            ok=False, duration_ms=10_003, fault=Fault.TIMEOUT, error=error, headers=SENT,
            reached=False,
        )  # fmt: skip
    return Outcome(
        ok=False,
        duration_ms=random.randint(120, 900),
        status=500,
        fault=Fault.STATUS,
        error="The receiver answered 500",
        headers=SENT,
        response='{"error":"database is locked"}',
    )


def _webhook(random: Random, attempts: int) -> Outcome:
    if attempts == 0 and maybe(random, HICCUP):
        return Outcome(
            ok=False,
            duration_ms=random.randint(20, 200),
            status=503,
            fault=Fault.STATUS,
            error="The receiver answered 503",
            headers=SENT,
            response="Service Unavailable",
        )
    took = random.randint(30, 420)
    return Outcome(ok=True, duration_ms=took, status=200, headers=SENT, response='{"ok":true}')


def _mail(random: Random, attempts: int) -> Outcome:
    if attempts == 0 and maybe(random, BOUNCE):
        return Outcome(
            ok=False,
            duration_ms=random.randint(200, 1500),
            fault=Fault.BOUNCED,
            error="550 5.1.1 No such user here",
            permanent=True,
        )
    return Outcome(ok=True, duration_ms=random.randint(2, 30), via="catcher")
