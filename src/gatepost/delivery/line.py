"""A queue as its owner has it in memory: what was taken out of it, and what may go now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gatepost.domains.outbox.circuit import Circuit, after
from gatepost.domains.outbox.model import HEAD_START_MS, Queue
from gatepost.domains.outbox.queues import Place
from gatepost.engine.jobs import Job, Room

CAP = 8
AHEAD = 4
"""How many times what may be under way is taken out at once."""


class Line:
    """One queue. Moments in ms."""

    def __init__(self, queue: Queue, now: int) -> None:
        """Know nothing of what is due yet."""
        self.place = Place(queue.account_id, queue.id)
        self.fence = queue.fence
        self.jobs: deque[Job] = deque()
        self.under_way = 0
        self.unsettled = 0
        self.next_at: int | None = now
        self.active_at = now
        self._tokens = 1.0
        self._filled_at = now
        self.refresh(queue)

    def refresh(self, queue: Queue) -> None:
        """Take over what the database says of the destination."""
        self.circuit = Circuit(queue.failures, queue.open_until)
        self.cap = queue.cap or CAP
        self.rate = queue.rate

    def room(self, now: int) -> Room | None:
        """How many more should be taken out now, None for none."""
        if self.next_at is None or self.next_at > now or self.circuit.is_open(now):
            return None
        slots = self.circuit.room(self.cap)
        taken = len(self.jobs) + self.under_way + self.unsettled
        wanted = slots * (AHEAD if slots > 1 else 1) - taken
        if len(self.jobs) >= slots or wanted <= 0:
            return None
        return Room(self.place, self.fence, wanted)

    def put(self, jobs: Iterable[Job], next_at: int | None, now: int) -> None:
        """Keep what was taken out; they come in the order in which they should go."""
        self.jobs.extend(jobs)
        self.next_at = next_at
        self.active_at = now

    def free(self, now: int) -> int:
        """How many of its jobs may begin now."""
        if self.circuit.is_open(now):
            return 0
        slots = min(self.circuit.room(self.cap) - self.under_way, len(self.jobs))
        if self.rate is None:
            return max(slots, 0)
        self._fill(now)
        return max(min(slots, int(self._tokens)), 0)

    def rank(self) -> int:
        """When its first job was due, less the head start of others: lower goes first."""
        one = self.jobs[0].delivery
        return one.due_at + HEAD_START_MS[one.priority]

    def take(self, now: int) -> Job:
        """Begin with the first job."""
        self.under_way += 1
        self.active_at = now
        if self.rate is not None:
            self._tokens -= 1
        return self.jobs.popleft()

    def answered(self, now: int, *, reached: bool, manual: bool) -> None:
        """A job has got its answer: the next one may go, before it is written how this one went."""
        self.under_way -= 1
        self.unsettled += 1
        if not manual:
            self.circuit = after(self.circuit, now, reached=reached)

    def settled(self, next_at: int | None) -> None:
        """It has been written how a job went; there may be something due at a moment."""
        self.unsettled -= 1
        if next_at is not None:
            self.next_at = next_at if self.next_at is None else min(self.next_at, next_at)

    def wake_at(self, now: int) -> int | None:
        """When something may go that may not go now, None for no known time."""
        if self.circuit.is_open(now):
            return self.circuit.open_until
        if self.jobs and self.rate is not None and self._tokens < 1:
            return now + max(int((1 - self._tokens) / self.rate * 1000), 1)
        if self.next_at is not None and self.next_at > now:
            return self.next_at
        return None

    def is_idle(self, now: int, for_ms: int) -> bool:
        """Whether it has had nothing to do for a while."""
        busy = self.jobs or self.under_way or self.unsettled
        return not busy and now - self.active_at > for_ms

    def _fill(self, now: int) -> None:
        rate = self.rate or 0.0
        gained = (now - self._filled_at) / 1000 * rate
        self._tokens = min(self._tokens + gained, max(rate, 1.0))
        self._filled_at = now
