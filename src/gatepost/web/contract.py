"""The contract between the pipeline and a dialect."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from gatepost.base.clock import Clock
from gatepost.base.config import Origin, Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import CustomerId, ProjectId
from gatepost.base.metrics import Metrics
from gatepost.domains.audit.model import Actor
from gatepost.domains.keys.model import Key
from gatepost.domains.relays.model import Relay
from gatepost.gate.admit import Admission, Caller
from gatepost.gate.budget import Left, Payer
from gatepost.gate.ledger import Ledger
from gatepost.gate.once import Charge, Claim, Reply
from gatepost.gate.operators import Operators
from gatepost.gate.reads import Reads
from gatepost.gate.recent import Recent
from gatepost.gate.relays import Relays
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Verdict
from gatepost.signals.contract import LISTENERS, OUTBOX, RELAYS, REVOKED, Signals
from gatepost.storage.db import Database
from gatepost.web.audience import Hall
from gatepost.web.line import Line
from gatepost.web.manual import Manual

__all__ = [
    "Call",
    "Charge",
    "Dialect",
    "Endpoint",
    "Header",
    "IdempotencyPolicy",
    "Manual",
    "Page",
    "Reply",
    "Services",
    "ThrottlePolicy",
    "free",
]

Header = tuple[bytes, bytes]
JSON = "application/json"


class Services(msgspec.Struct, frozen=True):
    """What one process has made at start; handlers reach it through their call. `origins` say
    where settings come from.
    """

    settings: Settings
    clock: Clock
    database: Database
    admission: Admission
    signals: Signals
    hall: Hall
    metrics: Metrics
    ledger: Ledger
    reads: Reads
    relays: Relays
    operators: Operators
    pepper: bytes
    draining: asyncio.Event
    recent: Recent = msgspec.field(default_factory=Recent)
    origins: Mapping[str, Origin] = {}

    def revoked(self) -> None:
        """Forget cached callers, customers and sessions: a key, account, project, plan, customer or
        operator has changed.
        """
        self.forget()
        self.signals.ring(REVOKED)

    def forget(self) -> None:
        """Forget what this process has cached of them."""
        self.admission.forget()
        self.operators.forget()

    def due(self) -> None:
        """Deliveries have become due."""
        self.signals.ring(OUTBOX)

    def listening(self) -> None:
        """Who wants to be told of events has changed."""
        self.signals.ring(LISTENERS)

    def rerouted(self, relay: Relay) -> None:
        """Know of a relay that was declared, changed or ended."""
        self.relays.put(relay)
        self.signals.ring(RELAYS)


class Call(msgspec.Struct, gc=False, kw_only=True):
    """One admitted request. `project` is set wherever the endpoint needs one; where that one
    is `counting`, its events are counted as well. `payer` is the customer it is done for, `left`
    how that one's hard quota stands after it. `posted` tells how the limits of mails stand after
    one, `lefts` how all the hard quotas do that it is charged to.
    """

    caller: Caller
    services: Services
    request_id: str
    now: int
    address: str
    project: ProjectId | None = None
    counting: bool = False
    payer: Payer | None = None
    left: Left | None = None
    lefts: Sequence[Left] = ()
    posted: Verdict | None = None
    claim: Claim | None = None
    verdict: Verdict | None = None
    params: Mapping[str, str] = {}
    query_string: bytes = b""
    headers: Mapping[bytes, bytes] = {}

    @property
    def project_id(self) -> ProjectId:
        """The project; raises FORBIDDEN when the key leads to none."""
        if self.project is None:
            raise AppError(
                Code.FORBIDDEN,
                "This key belongs to no single project: name one in the X-Project-ID header",
            )
        return self.project

    @property
    def actor(self) -> Actor:
        """Who calls, as the audit log names them."""
        return self.caller.actor(self.address)

    def check_unbound(self) -> None:
        """Raise FORBIDDEN for a key that is bound to a sending domain: it sends mails alone."""
        bound = self.caller.key.sending_domain
        if bound is not None:
            raise AppError(Code.FORBIDDEN, f"This key sends e-mails from {bound} alone")

    def query(self) -> list[tuple[str, str]]:
        """The query's parameters in order, blank ones included."""
        text = self.query_string.decode("latin-1")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200)


Parse = Callable[[Call, bytes], Any]
Prepare = Callable[[Call, Any], Any]
"""A coroutine function, or a plain one that returns a coroutine where it has to wait."""
Stream = Callable[[Call, Any, Line], Awaitable[None]]


class Naming(Enum):
    """Whether a request says for which customer it is done: not at all, if it likes, always."""

    IGNORED = auto()
    OPTIONAL = auto()
    REQUIRED = auto()


def free(_command: Any) -> None:
    """Price of an endpoint no quota counts. There is no default: free must be said."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    `run` takes (tx, calls, commands) where `vector`, else (tx, call, command); it gives replies.
    Where it is `light` besides, it touches few rows and renders nothing. A
    `stream` endpoint sends an event stream instead. `aliases` are further paths. `query`
    and `request` are Structs: validation and the OpenAPI document come from them; without a
    `response` a success has no body. `errors` are codes beyond those every endpoint can answer,
    `samples` refusals that do not look like their code's usual one, `further` other statuses of
    success with what they mean, `example` a request body to show. Replies of another `media` type
    than JSON are files; `also` names types a client may ask for instead. Refused calls of an
    `admin` endpoint are audited. `recipients` counts those of a mail that a command sends. One
    that is not `idempotent` passes over idempotency keys. What is done for a `customer` is metered
    for it. Of a write, `prepare` comes between `parse` and the commit, and gives the command to
    commit. `realm` tells what of a command an idempotency key counts within; `body_bytes_max` is
    a bound below the general one, `bound` gives one that takes its place. `about` tells which names
    a command gives, for the log of requests: no values.
    """

    operation: str
    method: str
    path: str
    scope: Scope
    summary: str
    tag: str
    parse: Parse
    run: Callable[..., Any]
    charge: Callable[[Any], Charge | None]
    writes: bool
    response: Any
    description: str = ""
    aliases: tuple[str, ...] = ()
    vector: bool = False
    light: bool = False
    idempotent: bool = True
    recipients: Callable[[Any], int] | None = None
    project: bool = True
    stream: Stream | None = None
    batch: bool = False
    admin: bool = False
    status: int = 200
    further: dict[int, str] = {}
    request: Any = None
    query: Any = None
    example: Any = None
    media: str = JSON
    also: tuple[str, ...] = ()
    customer: Naming = Naming.IGNORED
    prepare: Prepare | None = None
    realm: Callable[[Any], bytes] | None = None
    about: Callable[[Any], str] | None = None
    body_bytes_max: int | None = None
    bound: Callable[[Settings], int] | None = None
    errors: tuple[Code, ...] = ()
    samples: tuple[AppError, ...] = ()

    def limit(self, settings: Settings) -> int:
        """How large a request's body may be, in bytes."""
        if self.bound is not None:
            return self.bound(settings)
        most = settings.batch_bytes_max if self.batch else settings.body_bytes_max
        return min(most, self.body_bytes_max or most)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Something a dialect tells anybody: GET needs no key, and nothing limits or meters it.

    `answer` makes the body of what this process is, or a whole reply; it is a `response`, a flat
    Struct. `aliases` are further paths.
    """

    operation: str
    path: str
    summary: str
    answer: Callable[[Services], Any]
    response: type
    aliases: tuple[str, ...] = ()


class ThrottlePolicy(msgspec.Struct, frozen=True):
    """How a dialect tells its clients where they stand: headers from a verdict and `now`."""

    headers: Callable[[Verdict, int], Sequence[Header]]


class IdempotencyPolicy(msgspec.Struct, frozen=True):
    """Where a dialect's idempotency key is, and the header that marks a replay.

    `pattern` is what a key must look like. Where nothing `compares` the bodies, a key that comes
    again means the same request whatever it says. A replay has a `status` of its own if there is.
    """

    header: bytes
    replay: Header
    length_max: int = 255
    pattern: re.Pattern[bytes] | None = None
    compares: bool = True
    status: int | None = None

    @property
    def name(self) -> str:
        """The header as documents write it."""
        return self.header.decode().title()


class Dialect(Protocol):
    """A wire format over the one engine.

    Every reply has its `headers`. A `preflight` answers OPTIONS, an empty one refuses it. A path
    and query longer than `target_bytes_max` are refused before anything else. `quota_first` tells
    of a relayed request that its quota is used up before what is wrong with its body.
    """

    name: str
    mounts: Sequence[str]
    endpoints: Sequence[Endpoint]
    pages: Sequence[Page]
    throttle: ThrottlePolicy
    idempotency: IdempotencyPolicy
    manual: Manual
    headers: Sequence[Header]
    preflight: Sequence[Header]
    target_bytes_max: int
    quota_first: bool

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Find the key in a request, None when there is none; raises UNAUTHENTICATED for what can
        be none, which is then not looked up.
        """
        ...

    def customer(self, headers: Mapping[bytes, bytes]) -> CustomerId | None:
        """Find the customer a request names, None when it names none; raises CUSTOMER_INVALID."""
        ...

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> str | None:
        """The identifier of the customer that a request with this key is done for, where it is not
        named as usual: it is registered when it is seen first. None where it is named as usual;
        raises CUSTOMER_MISSING and CUSTOMER_INVALID.
        """
        ...

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal in the dialect's own shape."""
        ...
