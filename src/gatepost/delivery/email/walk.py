"""Several carriers, one after the other, until one takes the letter."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.delivery.email.letter import Carried, Carrier, Letter
from gatepost.domains.outbox.model import Fault, Outcome


async def walk(carriers: Sequence[Carrier], letter: Letter) -> Carried:
    """Ask them in their order, at least one; whoever says that there is no such recipient is the
    last one asked.
    """
    refused: list[Outcome] = []
    for carrier in carriers:
        carried = await carrier.carry(letter)
        if carried.outcome.ok or carried.bounced:
            whole = _whole([*refused, carried.outcome], bounced=carried.bounced)
            return Carried(whole, carried.bounced)
        refused.append(carried.outcome)
    return Carried(_whole(refused))


def _whole(tried: Sequence[Outcome], *, bounced: bool = False) -> Outcome:
    """What one attempt came to: how the last one went, after as long as all of it took. Another
    one is in vain where each was, or there is no such recipient.
    """
    last = tried[-1]
    waits = [one.retry_after_ms for one in tried if one.retry_after_ms is not None]
    everybody = len(waits) == len(tried)
    return msgspec.structs.replace(
        last,
        fault=Fault.BOUNCED if bounced and not last.ok else last.fault,
        duration_ms=sum(one.duration_ms for one in tried),
        reached=any(one.reached for one in tried),
        permanent=not last.ok and (bounced or all(one.permanent for one in tried)),
        retry_after_ms=min(waits) if waits and everybody else None,
    )
