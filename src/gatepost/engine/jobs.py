"""What a pump is given to send, and how it went."""

from __future__ import annotations

from typing import NamedTuple

from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.outbox.model import Delivery, Message, Outcome, Queue
from gatepost.domains.outbox.queues import Place


class Room(NamedTuple):
    """How many more deliveries of a queue a pump would take."""

    place: Place
    fence: int
    room: int


class Job(NamedTuple):
    """A delivery that is being sent: with its message, and its endpoint if it has one, as they were
    at a moment (ms). Where it is `heard`, somebody may want to know how it ends. `secrets` are the
    sealed ones of its account, where it goes to no endpoint and some were chosen.
    """

    place: Place
    fence: int
    delivery: Delivery
    message: Message
    endpoint: Endpoint | None
    claimed_at: int = 0
    heard: bool = False
    secrets: bytes | None = None


class Claimed(NamedTuple):
    """What was taken out of a queue, and when (ms) there may be more, None for no known time."""

    queue: Queue
    jobs: list[Job]
    next_at: int | None


class Sent(NamedTuple):
    """A job and how it went; `owner` is the pump that sent it, `at` when it began (ms). What is
    settled `again` may have been written already, under the same id of its attempt.
    """

    job: Job
    outcome: Outcome
    owner: bytes
    at: int
    now: int
    attempt_id: bytes
    again: bool = False
