"""What a message, a delivery, a queue and an attempt are. Pure."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from hashlib import blake2b

import msgspec

from gatepost.base.clock import SECOND_MS
from gatepost.base.ids import (
    AccountId,
    DeliveryId,
    EndpointId,
    EventId,
    MessageId,
    ProjectId,
    QueueId,
    RuleId,
)
from gatepost.domains.outbox.policy import Policy

TYPE_MAX = 200
ORDERING_KEY_MAX = 200
RESPONSE_CHARS_MAX = 4096
ERROR_CHARS_MAX = 500


class Transport(StrEnum):
    """How a delivery leaves."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    CHAT = "chat"
    PUSH = "push"


class Priority(IntEnum):
    """Which deliveries of a queue go first; lower ones are not starved, see `HEAD_START_MS`."""

    HIGH = 1
    NORMAL = 5
    LOW = 10


HEAD_START_MS = {
    Priority.HIGH: 0,
    Priority.NORMAL: 30 * SECOND_MS,
    Priority.LOW: 120 * SECOND_MS,
}
"""How much older than a delivery of the highest class one must be to go before it."""


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    WAITING = "waiting"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


OPEN = (State.PENDING, State.WAITING, State.SENDING)
"""States that are left again by themselves. What is waiting waits for an earlier one with its
ordering key; what is sending is with a pump.
"""


class Fault(StrEnum):
    """Why an attempt failed."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    FORBIDDEN_ADDRESS = "forbidden_address"
    REDIRECT = "redirect"
    STATUS = "status"
    TOO_LARGE = "too_large"
    PROVIDER = "provider"
    CONFIGURATION = "configuration"
    SUPPRESSED = "suppressed"
    BOUNCED = "bounced"
    HELD = "held"
    EXPIRED = "expired"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, whoever it is told to. Times in ms.

    `body` is JSON, None once it was erased. `type` names what it is about, as `event.orders`.
    """

    account_id: AccountId
    id: MessageId
    project_id: ProjectId
    type: str
    body: str | None
    event_id: EventId | None = None
    rule_id: RuleId | None = None
    priority: Priority = Priority.NORMAL
    ordering_key: str | None = None
    erase: bool = False
    expires_at: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one destination. Times in ms.

    `target` is JSON that its transport reads. `attempts` counts since the last fresh start;
    `due_at` is when the next one is due. `error`, `status` and `fault` are those of the last
    attempt. One that is `manual` was started again by hand: its next attempt says nothing of the
    endpoint.
    """

    account_id: AccountId
    id: DeliveryId
    message_id: MessageId
    project_id: ProjectId
    queue_id: QueueId
    endpoint_id: EndpointId | None
    transport: Transport
    target: str
    policy: Policy
    priority: Priority
    state: State
    due_at: int
    attempts: int = 0
    ordering_key: str | None = None
    error: str | None = None
    status: int | None = None
    started_at: int | None = None
    done_at: int | None = None
    manual: bool = False
    fault: Fault | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try. `at` and `next_at` in ms; `headers` is JSON of what was sent, without secrets."""

    account_id: AccountId
    delivery_id: DeliveryId
    id: bytes
    number: int
    ok: bool
    duration_ms: int
    status: int | None = None
    fault: Fault | None = None
    error: str | None = None
    headers: str | None = None
    response: str | None = None
    next_at: int | None = None
    manual: bool = False
    via: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one try went, as its transport saw it. `headers` is JSON of what was sent.

    `reached` is false where the destination did not answer, or said that it cannot now. A
    `permanent` failure is not tried again; `gone` means that nothing more may be sent there.
    """

    ok: bool
    duration_ms: int = 0
    status: int | None = None
    fault: Fault | None = None
    error: str | None = None
    headers: str | None = None
    response: str | None = None
    via: str | None = None
    retry_after_ms: int | None = None
    reached: bool = True
    permanent: bool = False
    gone: bool = False


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """All deliveries to one destination, and how it fares. Times in ms.

    At most `cap` attempts are under way at once, and `rate` begin in a second. `owner` is the
    pump that sends to it until `lease_until`; `fence` grows with each owner, so that a former one
    settles nothing. While `open_until` lies ahead its circuit is open.
    """

    account_id: AccountId
    id: QueueId
    transport: Transport
    name: str
    due_at: int | None
    owner: bytes | None
    lease_until: int
    fence: int
    failures: int
    open_until: int
    cap: int | None = None
    rate: float | None = None


def queue_id(account_id: AccountId, transport: Transport, destination: str) -> QueueId:
    """Name the queue of a destination."""
    named = f"{transport} {destination}".encode()
    return QueueId(blake2b(named, digest_size=16, key=account_id).digest())
