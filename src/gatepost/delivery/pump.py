"""The pump: adopts queues, takes out what is due, sends it, settles how it went.

Everything it knows is in the database; what it has in memory may be lost at any moment. A delivery
is logged after it was sent, so after a crash the ones that were under way are sent again, with the
same message id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

from gatepost.base import ids, log
from gatepost.base.clock import SECOND_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.base.metrics import Metrics
from gatepost.base.outgoing import OK
from gatepost.delivery.contract import Sender
from gatepost.delivery.line import Line
from gatepost.delivery.turns import turns
from gatepost.domains.outbox import attempts, queues
from gatepost.domains.outbox.claims import Ended
from gatepost.domains.outbox.model import Fault, Outcome, Queue, State, Transport
from gatepost.domains.outbox.queues import Place
from gatepost.domains.outbox.rewind import rewind
from gatepost.engine import dispatch
from gatepost.engine.jobs import Claimed, Job, Sent
from gatepost.signals.contract import OUTBOX, Bell, Signals
from gatepost.storage.db import Database, Tx

LEASE_MS = 8 * SECOND_MS
BEAT_S = 2.0
STALE_S = 5.0
"""So long after its last heartbeat a pump sends no more: others may be about to take over."""
POLL_S = 1.0
IDLE_MS = 30 * SECOND_MS
ADOPT = 500
GATHER_S = 0.005
"""Deliveries become due and end one by one: so long the next ones may join the first."""
STEP_MS = SECOND_MS
"""A clock that was set back by less has hardly moved."""
DRAIN_S = 10.0
AGAIN_S = 0.5

_log = log.get("delivery")


class Kit(Protocol):
    """What a pump needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def signals(self) -> Signals: ...


class Pump:
    """Sends what is due, one queue by one owner."""

    def __init__(self, kit: Kit, senders: Mapping[Transport, Sender], *, alone: bool) -> None:
        """Hold what it needs; `alone` says that there can be no other pump."""
        self._kit = kit
        self._senders = senders
        self._alone = alone
        self._id = ids.random()
        self._lines: dict[Place, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._freed = asyncio.Event()
        self._beaten = 0.0
        self._closing = False
        self._doubt = False
        self._latest = 0
        kit.metrics.gauge("gatepost_deliveries_under_way", lambda: float(len(self._tasks)))

    async def start(self) -> None:
        """Begin; what a former process left behind is free where there can be only one."""
        now = self._kit.clock()
        await self._kit.database.write(lambda tx: attempts.make_parts(tx, now))
        if self._alone:
            await self._kit.database.write(queues.release_all)
        self._beaten = monotonic()
        self._loops = [asyncio.create_task(one) for one in (self._run(), self._beat())]

    async def close(self) -> None:
        """Take nothing more, wait for what is under way, let go of the queues."""
        self._closing = True
        self._freed.set()
        for loop in self._loops[:1]:
            await asyncio.wait({loop}, timeout=DRAIN_S)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        for task in (*self._loops, *self._tasks):
            task.cancel()
        await asyncio.gather(*self._loops, *self._tasks, return_exceptions=True)
        with contextlib.suppress(AppError):  # the lease ends by itself
            await self._release()
        for sender in set(self._senders.values()):
            await sender.close()

    # The loops

    async def _run(self) -> None:
        with self._kit.signals.listen(OUTBOX) as bell:
            looking = True
            while not self._closing:
                try:
                    looking = await self._round(bell, looking=looking)
                except Exception:  # noqa: BLE001 # the database may be away; it will be back
                    self._kit.metrics.add("gatepost_delivery_faults")
                    _log.exception("a round of deliveries failed")
                    looking = self._doubt = True
                    await asyncio.sleep(AGAIN_S)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if not self._lines:
                self._beaten = monotonic()
                continue
            try:
                await self._extend(self._kit.clock() + LEASE_MS)
            except AppError:
                continue  # others take over
            except Exception:  # noqa: BLE001 # without a heartbeat nothing is ever sent again
                _log.exception("a heartbeat failed")

    async def _extend(self, until: int) -> None:
        await self._kit.database.write(lambda tx: queues.extend(tx, self._id, until))
        self._beaten = monotonic()

    async def _round(self, bell: Bell, *, looking: bool) -> bool:
        """Adopt, take out, send, let go, wait; returns whether to look for what is due."""
        self._freed.clear()
        await self._heed_clock()
        if self._doubt:
            await self._begin_anew()
        if looking:
            await self._look(self._kit.clock())
            await self._forget(self._kit.clock())
        await self._fill(self._kit.clock())
        self._go(self._kit.clock())
        return await self._wait(bell)

    async def _heed_clock(self) -> None:
        """Where the clock was set back, wait for nothing that it has yet to reach again."""
        now, before = self._kit.clock(), self._latest
        self._latest = now
        if now < before - STEP_MS:
            until = now + LEASE_MS
            await self._kit.database.write(lambda tx: rewind(tx, now, before, until))
            self._doubt = True

    async def _begin_anew(self) -> None:
        """Let go of everything: it is not known what of the last round has been committed."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        await self._release()
        self._doubt = False

    async def _release(self) -> None:
        now = self._kit.clock()
        await self._kit.database.write(lambda tx: queues.release(tx, self._id, now))
        self._lines.clear()

    async def _look(self, now: int) -> None:
        """Learn which queues have something due, and adopt those that are nobody's."""
        free, mine = await self._kit.database.read(lambda tx: _due(tx, self._id, now))
        for queue in mine:
            line = self._lines.get(Place(queue.account_id, queue.id))
            if line is not None and queue.due_at is not None:
                line.next_at = min(queue.due_at, line.next_at or queue.due_at)
                line.refresh(queue)
        if free:
            until = now + LEASE_MS
            write = self._kit.database.write
            adopted = await write(lambda tx: queues.adopt(tx, free, self._id, now, until))
            for queue in adopted:
                line = Line(queue, now)
                self._lines[line.place] = line

    async def _fill(self, now: int) -> None:
        """Take out what is due of the lines that have room."""
        rooms = [room for line in self._lines.values() if (room := line.room(now))]
        if not rooms:
            return
        write = self._kit.database.write
        claimed = await write(lambda tx: dispatch.claim(tx, self._id, rooms, now))
        self._keep(claimed, {room.place for room in rooms}, now)

    def _keep(self, claimed: list[Claimed], asked: set[Place], now: int) -> None:
        for found in claimed:
            place = Place(found.queue.account_id, found.queue.id)
            asked.discard(place)
            line = self._lines[place]
            line.refresh(found.queue)
            line.put(found.jobs, found.next_at, now)
        for place in asked:  # somebody else has taken them over
            self._lines.pop(place, None)

    def _go(self, now: int) -> None:
        """Begin as many as there is room for."""
        if not self._alone and monotonic() - self._beaten > STALE_S:
            return
        slots = self._kit.settings.deliveries_at_once - len(self._tasks)
        for line in turns(self._lines.values(), slots, now):
            task = asyncio.create_task(self._send(line, line.take(now)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forget(self, now: int) -> None:
        """Let go of lines that have had nothing to do for a while."""
        idle = [place for place, line in self._lines.items() if line.is_idle(now, IDLE_MS)]
        if idle:
            await self._kit.database.write(lambda tx: queues.rest(tx, self._id, idle))
            for place in idle:
                del self._lines[place]

    async def _wait(self, bell: Bell) -> bool:
        """Wait until there may be something to do; returns whether it may be in other lines than
        those that have just finished something.
        """
        now = self._kit.clock()
        if self._closing or any(line.room(now) for line in self._lines.values()):
            return False
        moments = [at for line in self._lines.values() if (at := line.wake_at(now))]
        soon = min(moments, default=now + POLL_S * 1000)
        timeout_s = min(max(soon - now, 1) / 1000, POLL_S)
        rung = asyncio.ensure_future(bell.wait(timeout_s))
        freed = asyncio.ensure_future(self._freed.wait())
        await asyncio.wait((rung, freed), return_when=asyncio.FIRST_COMPLETED)
        looking = rung.done()
        for task in (rung, freed):
            task.cancel()
        await asyncio.gather(rung, freed, return_exceptions=True)
        await asyncio.sleep(GATHER_S)
        return looking

    # One delivery

    async def _send(self, line: Line, job: Job) -> None:
        at, manual = self._kit.clock(), job.delivery.manual
        outcome = await self._try(job, at)
        now = self._kit.clock()
        line.answered(now, reached=outcome.reached, manual=manual)
        self._freed.set()
        ended = await self._settle(Sent(job, outcome, self._id, at, now, ids.new_at(at)))
        if ended is None and self._lines.get(line.place) is line:
            del self._lines[line.place]
        line.settled(_next_at(ended, job))
        self._count(job, outcome, at)
        if job.heard and ended is not None and ended.done_at is not None:
            self._kit.signals.ring(OUTBOX)  # somebody is told how it ended
        self._freed.set()

    def _count(self, job: Job, outcome: Outcome, at: int) -> None:
        one = job.delivery
        first = not one.attempts and not one.manual
        result = OK if outcome.ok else (outcome.fault or "unknown")
        waited = at - one.due_at if first else None
        count = self._kit.metrics.outgoing.attempt
        count(one.transport.value, result, outcome.duration_ms, waited)

    async def _try(self, job: Job, now: int) -> Outcome:
        expires_at = job.message.expires_at
        if expires_at is not None and expires_at <= now:
            why = "Its time was over before it could be delivered"
            return Outcome(ok=False, fault=Fault.EXPIRED, error=why, permanent=True)
        try:
            return await self._senders[job.delivery.transport].send(job)
        except Exception as fault:  # noqa: BLE001 # one delivery may fail, never the pump
            _log.exception("a delivery failed", exc_info=fault)
            return Outcome(ok=False, fault=Fault.CONFIGURATION, error="Internal error")

    async def _settle(self, sent: Sent) -> Ended | None:
        """Write how it went; until that is possible nothing else is sent in its place."""
        while True:
            try:
                ended: Ended | None = await self._kit.database.submit(dispatch.settle, sent)
            except Exception as fault:  # noqa: BLE001 # it was sent: that must not be forgotten
                if not isinstance(fault, AppError):
                    _log.exception("an attempt cannot be logged", exc_info=fault)
                sent = sent._replace(again=True)
                await asyncio.sleep(AGAIN_S)
            else:
                return ended


def _next_at(ended: Ended | None, job: Job) -> int | None:
    """When there is something due after a job: it may be tried again, or have let another go."""
    if ended is None:
        return None
    if ended.state is State.PENDING:
        return ended.due_at
    return ended.done_at if job.delivery.ordering_key is not None else None


def _due(tx: Tx, owner: bytes, now: int) -> tuple[list[Place], list[Queue]]:
    return queues.adoptable(tx, now, ADOPT), queues.owned_due(tx, owner, now)
