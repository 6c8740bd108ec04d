"""The contract between the pipeline and a dialect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import ProjectId
from gatepost.base.metrics import Metrics
from gatepost.gate.admit import Admission, Caller
from gatepost.gate.ledger import Ledger
from gatepost.gate.once import Charge, Claim, Reply
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Verdict
from gatepost.signals.contract import REVOKED, Signals
from gatepost.storage.db import Database
from gatepost.web.manual import Manual

__all__ = [
    "Call",
    "Charge",
    "Dialect",
    "Endpoint",
    "Header",
    "IdempotencyPolicy",
    "Manual",
    "Reply",
    "Services",
    "ThrottlePolicy",
    "free",
]

Header = tuple[bytes, bytes]
JSON = "application/json"


class Services(msgspec.Struct, frozen=True):
    """What one process has made at start; handlers reach it through their call."""

    settings: Settings
    clock: Clock
    database: Database
    admission: Admission
    signals: Signals
    metrics: Metrics
    ledger: Ledger
    pepper: bytes
    draining: asyncio.Event

    def revoked(self) -> None:
        """Forget cached callers: a key, account, project or plan has changed."""
        self.admission.cache.clear()
        self.signals.ring(REVOKED)


class Call(msgspec.Struct, gc=False, kw_only=True):
    """One admitted request. `project` is set wherever the endpoint needs one."""

    caller: Caller
    services: Services
    request_id: str
    now: int
    address: str
    project: ProjectId | None = None
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

    def query(self) -> list[tuple[str, str]]:
        """The query's parameters in order, blank ones included."""
        text = self.query_string.decode("latin-1")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200)


Parse = Callable[[Call, bytes], Any]
Stream = Callable[[Call, Any], AsyncGenerator[bytes]]


def free(_command: Any) -> None:
    """Price of an endpoint no quota counts. There is no default: free must be said."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    `run` takes (tx, calls, commands) where `vector`, else (tx, call, command); it gives
    replies. A `stream` endpoint gives chunks of an event stream instead. `aliases` are further
    paths. `query` and `request` are Structs: validation and the OpenAPI document come from
    them. `errors` are codes beyond those every endpoint can answer, `further` other statuses
    of success with what they mean, `example` a request body to show. Replies of another
    `media` type than JSON are files. Refused calls of an `admin` endpoint are audited.
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
    errors: tuple[Code, ...] = ()


class ThrottlePolicy(msgspec.Struct, frozen=True):
    """How a dialect tells its clients where they stand: headers from a verdict and `now`."""

    headers: Callable[[Verdict, int], Sequence[Header]]


class IdempotencyPolicy(msgspec.Struct, frozen=True):
    """Where a dialect's idempotency key is, and the header that marks a replay."""

    header: bytes
    replay: Header
    length_max: int = 255


class Dialect(Protocol):
    """A wire format over the one engine."""

    name: str
    mounts: Sequence[str]
    endpoints: Sequence[Endpoint]
    throttle: ThrottlePolicy
    idempotency: IdempotencyPolicy
    manual: Manual

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Find the key in a request, None when there is none."""
        ...

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal in the dialect's own shape."""
        ...
