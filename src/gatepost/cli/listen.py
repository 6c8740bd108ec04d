"""`gatepost listen`: what endpoints would be told goes to a program on one's own machine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatepost.cli.common import COMMON, OK, USAGE, Common, Failure, put, put_json

if TYPE_CHECKING:
    from gatepost.cli.local import Local
    from gatepost.delivery.nearby import Nearby
    from gatepost.domains.outbox.model import Outcome
    from gatepost.engine.jobs import Job, Sent
    from gatepost.engine.listen import Listener

POLL_S = 0.2
BEAT_S = 5.0
AT_ONCE = 8

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Project = Annotated[
    str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
]


def listen(
    *,
    forward_to: Annotated[str, Parameter(help="Where each delivery goes: a URL of your program.")],
    types: Annotated[
        tuple[str, ...],
        Parameter(
            name="--type",
            negative="",
            help="As `event.orders` or `message.*`; repeatable. Else all.",
        ),
    ] = ("*",),
    account: Account = None,
    project: Project = None,
    common: Common = COMMON,
) -> int:
    """Forward what an endpoint would be told to a program of your own, until interrupted.

    It needs a running server that works on the same data, and no open port. Requests are signed
    with a secret that stays the same; each is tried once, and can be replayed by the id shown.
    """
    from gatepost.base.clock import now_ms
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.delivery import signing
    from gatepost.delivery.nearby import Nearby
    from gatepost.domains.endpoints import model
    from gatepost.engine import listen as verbs
    from gatepost.engine.enlist import Safe

    if not forward_to.startswith(("http://", "https://")):
        raise Failure("--forward-to: Must be an http or https URL", USAGE)
    model.refuse(model.check_types(types))
    local = open_folder(common)
    safe, secret = Safe(local.pepper), signing.new_secret()
    with local.write() as tx:
        target = find.project(tx, account, project)
        whose, who = (target.account_id, target.id), local.actor
        listener = verbs.begin(tx, *whose, types, secret, safe, who, local.now())
    stable = safe.secrets(listener.endpoint)[0].text
    _greet(common, listener, forward_to, stable)
    sender = Nearby(local.settings, forward_to, stable, now_ms)
    asyncio.run(_Forwarding(local, listener, sender, common).run())
    return OK


class _Forwarding:
    """One listener at work."""

    def __init__(self, local: Local, listener: Listener, sender: Nearby, common: Common) -> None:
        self._local = local
        self._listener = listener
        self._sender = sender
        self._common = common
        self._stop = asyncio.Event()

    async def run(self) -> None:
        from gatepost.engine import listen as verbs

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        beat = asyncio.create_task(self._beat())
        try:
            while not self._stop.is_set():
                if not await self._some():
                    await self._rest(POLL_S)
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            await self._sender.close()
            with self._local.write() as tx:
                verbs.end(tx, self._listener, self._local.actor, self._local.now())

    async def _beat(self) -> None:
        from gatepost.engine import listen as verbs

        while True:
            await asyncio.sleep(BEAT_S)
            with self._local.write() as tx:
                self._listener = verbs.stay(tx, self._listener, self._local.now())

    async def _rest(self, for_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), for_s)

    async def _some(self) -> int:
        """Forward what is due; returns how many it was."""
        from gatepost.engine import dispatch

        jobs = self._claim()
        sent = await asyncio.gather(*map(self._one, jobs))
        if sent:
            with self._local.write() as tx:
                dispatch.settle(tx, sent)
        for one in sent:
            self._tell(one.job, one.outcome)
        return len(sent)

    def _claim(self) -> list[Job]:
        from gatepost.domains.outbox import queues
        from gatepost.engine import dispatch
        from gatepost.engine.jobs import Room

        one, now = self._listener, self._local.now()
        with self._local.read() as tx:
            if not queues.owned_due(tx, one.owner, now):
                return []
        with self._local.write() as tx:
            found = dispatch.claim(tx, one.owner, [Room(one.place, one.fence, AT_ONCE)], now)
        return [job for claimed in found for job in claimed.jobs]

    async def _one(self, job: Job) -> Sent:
        from gatepost.base import ids
        from gatepost.engine.jobs import Sent

        at = self._local.now()
        outcome = await self._sender.send(job)
        now, owner = self._local.now(), self._listener.owner
        return Sent(job, outcome, owner, at, now, attempt_id=ids.new_at(at))

    def _tell(self, job: Job, how: Outcome) -> None:
        from gatepost.base import clock, ids
        from gatepost.cli import show

        delivery = ids.show("delivery", job.delivery.id)
        if self._common.json:
            put_json(
                {
                    "deliveryId": delivery,
                    "messageId": ids.show("message", job.message.id),
                    "type": job.message.type,
                    "ok": how.ok,
                    "status": how.status,
                    "durationMs": how.duration_ms,
                    "error": how.error,
                }
            )
            return
        at = clock.iso(self._local.now())
        end = how.status if how.ok else how.error
        words = (at, job.message.type, "->", str(end), f"{how.duration_ms} ms", delivery)
        put(show.printable("  ".join(words)))


def _greet(common: Common, listener: Listener, to: str, secret: str) -> None:
    from gatepost.base import ids

    if common.json:
        endpoint_id = ids.show("endpoint", listener.endpoint.id)
        put_json({"endpointId": endpoint_id, "forwardTo": to, "secret": secret})
        return
    put(f"Forwarding to {to}, signed with {secret}")
