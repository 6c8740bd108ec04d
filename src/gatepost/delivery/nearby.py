"""Deliveries to a program on the same machine or beside it, wherever that is."""

from __future__ import annotations

from time import monotonic

import msgspec

from gatepost.base import ids
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.delivery import signing, webhook
from gatepost.delivery.safehttp import Failed, SafeHttp
from gatepost.domains.endpoints.model import Shape
from gatepost.domains.outbox.model import Fault, Outcome
from gatepost.engine.jobs import Job

ANYWHERE = "0.0.0.0/0,::/0"


class Nearby:
    """Sends to one URL what an endpoint would get; whoever runs it has chosen the URL."""

    def __init__(self, settings: Settings, to: str, secret: str, clock: Clock) -> None:
        """Open nothing yet."""
        open_ = {"delivery_networks": ANYWHERE, "delivery_http": "on"}
        self._http = SafeHttp(msgspec.structs.replace(settings, **open_))
        self._to = to
        self._secret = secret
        self._clock = clock

    async def send(self, job: Job) -> Outcome:
        """Try once."""
        if job.message.body is None:
            why = "What the message said has been erased"
            return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)
        began, body = monotonic(), job.message.body.encode()
        message_id, at_s = ids.show("message", job.message.id), self._clock() // 1000
        sent = {
            "Content-Type": "application/json",
            "User-Agent": signing.AGENTS[Shape.STANDARD],
            **signing.headers(Shape.STANDARD, [self._secret], message_id, at_s, body),
        }
        shown = msgspec.json.encode(sent).decode()
        try:
            answer = await self._http.ask("POST", self._to, sent, body)
        except Failed as failed:
            took = round((monotonic() - began) * 1000)
            why = str(failed)
            return Outcome(ok=False, duration_ms=took, fault=failed.fault, error=why, headers=shown)
        return webhook.read(answer, job, shown, round((monotonic() - began) * 1000), self._clock())

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()
