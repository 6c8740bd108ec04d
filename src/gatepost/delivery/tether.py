"""Connections of a library that makes its own: for each of its calls, where it connects to is
checked, what it reads is bounded, and all ends in time.

The library speaks HTTP through `requests`, in a thread. While a call is under way there, every
session of `requests` gets its connections here; without a call, sessions are as they always were.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from time import monotonic
from typing import Any, NamedTuple

import requests
import urllib3
from aiohttp.abc import AbstractResolver
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from gatepost.delivery import addresses
from gatepost.delivery.names import Guard, GuardedResolver, NotPublicError
from gatepost.delivery.safehttp import CONNECT_S, READ_BYTES_MAX
from gatepost.domains.outbox.model import Fault

FORBIDDEN = "Not an address that may be reached"
LATE = "No answer in time"

_current: ContextVar[Tether] = ContextVar("gatepost_tether")


class Heard(NamedTuple):
    """What came of one request: an answer, or a fault in words."""

    status: int | None = None
    text: str = ""
    retry_after: str | None = None
    fault: Fault | None = None


class Tether:
    """What one call may do. Made in the loop, used in the call's thread, ended from either."""

    def __init__(
        self, guards: Mapping[str, Guard], resolver: AbstractResolver, timeout_s: float
    ) -> None:
        """Begin: the call has so many seconds."""
        self.heard: list[Heard] = []
        self.said: list[str] = []
        self._guards = guards
        self._resolver = resolver
        self._loop = asyncio.get_running_loop()
        self._until = monotonic() + timeout_s
        self._over = threading.Event()
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self.adapter = _Adapter(self)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold this thread to it."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            self.end()
            self.adapter.close()

    def end(self) -> None:
        """Break what is connected, and let nothing more be."""
        self._over.set()
        with self._lock:
            held, self._held = self._held, []
        for one in held:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def rest(self, seconds: float) -> None:
        """Wait, as long as there is time."""
        self._over.wait(max(min(seconds, self._until - monotonic()), 0))

    def left(self) -> float:
        """How many seconds are left; raises TimeoutError where none are."""
        left = self._until - monotonic()
        if self._over.is_set() or left <= 0:
            raise TimeoutError(LATE)
        return left

    def connect(self, scheme: str, host: str, port: int) -> socket.socket:
        """Connect to the first address of a host that answers; raises OSError."""
        fault: OSError = OSError("The host name has no address")
        for address in self._addresses(scheme, host.strip("[]"), port):
            try:
                return self._hold(_dial(address, port, min(self.left(), CONNECT_S)))
            except OSError as failed:
                fault = failed
        raise fault

    def _addresses(self, scheme: str, host: str, port: int) -> list[str]:
        guard = self._guards[scheme]
        if addresses.is_literal(host):
            if not guard.allows(host):
                raise NotPublicError(host)
            return [host]
        asked = GuardedResolver(self._resolver, guard).resolve(host, port, socket.AF_UNSPEC)
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop)
        return [one["host"] for one in answer.result(self.left())]

    def _hold(self, connected: socket.socket) -> socket.socket:
        """Keep a second handle: the first one is soon inside of a TLS socket."""
        with self._lock:
            if self._over.is_set():
                connected.close()
                raise TimeoutError(LATE)
            self._held.append(connected.dup())
        return connected


def _dial(address: str, port: int, timeout_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    dialled = socket.socket(family, socket.SOCK_STREAM)
    try:
        dialled.settimeout(timeout_s)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.connect((address, port))
    except OSError:
        dialled.close()
        raise
    return dialled


def _open(connection: HTTPConnection, scheme: str) -> socket.socket:
    """Connect for urllib3; the reason of a failure stays inside of its fault."""
    try:
        return _current.get().connect(scheme, connection._dns_host, connection.port or 0)  # noqa: SLF001 # the name as it is looked up: urllib3 has no other place for it
    except (OSError, LookupError) as fault:
        raise NewConnectionError(connection, "no connection") from fault


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self, "http")


class _Secure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self, "https")


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    """Sends requests of a call."""

    def __init__(self, tether: Tether) -> None:
        """Hold whose they are."""
        self._tether = tether
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give urllib3 the checked connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 # the signature of requests
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002 # the same
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send one and read the beginning of the answer. No proxy, no redirect."""
        del stream, timeout, cert, proxies
        trusted = authorities() if verify is True else verify
        try:
            left = self._tether.left()
            answer = super().send(request, stream=True, timeout=left, verify=trusted)
            _bound(answer)
        except (requests.RequestException, HTTPError, OSError) as fault:
            self._tether.heard.append(_failed(fault))
            raise requests.ConnectionError(LATE) from fault
        self._tether.heard.append(_answered(answer))
        return answer


def authorities() -> str | bool:
    """Whom to trust: the same as for webhooks, where the system has a file of them, or else those
    that come with `requests`.
    """
    return ssl.get_default_verify_paths().cafile or True


def _bound(answer: requests.Response) -> None:
    """Read as much of an answer as anybody reads, and forget where it would lead."""
    answer.headers.pop("Location", None)
    try:
        answer._content = answer.raw.read(READ_BYTES_MAX, decode_content=True)  # noqa: SLF001 # requests itself reads without a bound
        answer._content_consumed = True  # noqa: SLF001 # the same
    finally:
        answer.close()


def _answered(answer: requests.Response) -> Heard:
    text = answer.content.decode("utf-8", "replace")
    return Heard(answer.status_code, text, answer.headers.get("Retry-After"))


def _failed(fault: BaseException) -> Heard:
    """Say what went wrong: the reason may be deep inside."""
    seen: BaseException | None = fault
    while seen is not None:
        if isinstance(seen, NotPublicError):
            return Heard(text=FORBIDDEN, fault=Fault.FORBIDDEN_ADDRESS)
        if isinstance(seen, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            return Heard(text="No secure connection", fault=Fault.TLS)
        if isinstance(seen, TimeoutError | requests.Timeout):
            return Heard(text=LATE, fault=Fault.TIMEOUT)
        if isinstance(seen, ConnectionRefusedError):
            return Heard(text="No connection: Connection refused", fault=Fault.REFUSED)
        seen = seen.__cause__ or seen.__context__
    return Heard(text="No connection, or no answer", fault=Fault.NETWORK)


def install() -> None:
    """Let sessions of `requests` know of calls; once per process."""
    begin, find = requests.Session.__init__, requests.Session.get_adapter

    def started(self: requests.Session) -> None:
        begin(self)
        if _current.get(None) is not None:
            self.trust_env = False  # neither proxies nor passwords of this machine

    def found(self: requests.Session, url: str) -> Any:
        tether = _current.get(None)
        return find(self, url) if tether is None else tether.adapter

    requests.Session.__init__ = started  # type: ignore[method-assign] # it has no hook of its own
    requests.Session.get_adapter = found  # type: ignore[method-assign] # the same
