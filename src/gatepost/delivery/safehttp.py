"""HTTP to whatever address somebody has given: checked where it is connected to, bounded in time
and size, never redirected.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from yarl import URL

from gatepost.base.config import Settings
from gatepost.delivery.connections import CONNECT_S, Connections, NoNameError, Place
from gatepost.delivery.exchange import (
    BODY_BYTES_MAX,
    FOR_THE_LOG,
    Exchange,
    Got,
    Lost,
    Most,
    NotHttp,
)
from gatepost.delivery.names import Guard, NotPublicError, resolver_of
from gatepost.domains.outbox.model import Fault

READ_BYTES_MAX = BODY_BYTES_MAX
URLS = 4096
FORBIDDEN = "Not an address that may be reached"
SILENT = "The receiver hung up without an answer"
BROKEN = "The receiver broke the connection"
ROOM_BYTES = 1_048_576
"""What may be around a file: headers, and the lengths of its chunks."""
OK = 200

__all__ = ["CONNECT_S", "READ_BYTES_MAX", "Answer", "Failed", "File", "SafeHttp"]


class Answer(NamedTuple):
    """An answer, of its body as much as is worth keeping. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str


class File(NamedTuple):
    """What is at a URL, and of which type it says that it is, if it says so."""

    content: bytes
    type: str


class Failed(Exception):  # noqa: N818 # it says how it went
    """There is no answer; the text says why, and may be shown."""

    def __init__(self, fault: Fault, text: str) -> None:
        """Hold both."""
        super().__init__(text)
        self.fault = fault


class SafeHttp:
    """Connections for requests to public addresses, and to the networks of the settings.

    Unless the settings say otherwise, plain http leads to those networks alone.
    """

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        networks = settings.deliverable()
        anywhere = settings.delivery_http == "on"
        guards = {"https": Guard(networks), "http": Guard(networks, public=anywhere)}
        self._timeout_s = settings.delivery_timeout_s
        self._connections = Connections(resolver_of(settings.dns_servers), guards)

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request; returns the answer, whatever its status. Raises Failed."""
        got = await self._get(method, url, headers, body, FOR_THE_LOG)
        return Answer(got.status, got.headers, got.body.decode("utf-8", "replace"))

    async def fetch(self, url: str, bytes_max: int) -> File:
        """Read a whole file; raises Failed for a larger one, and any answer but 200."""
        most = Most(bytes_max, bytes_max + bytes_max // 8 + ROOM_BYTES, self._timeout_s)
        got = await self._get("GET", url, {"Accept-Encoding": "identity"}, b"", most)
        if got.status != OK or got.headers.get("content-encoding", "identity") != "identity":
            raise Failed(Fault.STATUS, f"Answered {got.status}, not with a file")
        if not got.whole:
            if len(got.body) >= bytes_max:
                raise Failed(Fault.TOO_LARGE, f"Larger than {bytes_max} bytes")
            raise Failed(Fault.NETWORK, "It ended too early")
        return File(got.body, got.headers.get("content-type", "").partition(";")[0].strip())

    async def _get(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: Most
    ) -> Got:
        try:
            place, target, host = _parts(url)
            request = _request(method, target, host, headers, body)
            return await self._ask(place, request, most)
        except Lost as lost:
            raise Failed(Fault.NETWORK, BROKEN if lost.broken else SILENT) from None
        except NotHttp:
            raise Failed(Fault.NETWORK, "The receiver did not answer in HTTP") from None
        except TimeoutError:
            raise Failed(Fault.TIMEOUT, f"No answer within {self._timeout_s:g} s") from None
        except (OSError, ValueError) as fault:
            raise _failed(fault) from None

    async def close(self) -> None:
        """Hang up."""
        self._connections.close()

    async def _ask(self, place: Place, request: bytes, most: Most) -> Got:
        """Ask on a connection that is open, if there is one; where the receiver had just closed
        it, which is no fault, once more on a new one.
        """
        until = asyncio.get_running_loop().time() + self._timeout_s
        known = self._connections.take(place)
        if known is not None:
            try:
                return await self._on(known, place, request, most, until)
            except Lost as lost:
                if lost.began:
                    raise
        try:
            async with asyncio.timeout_at(until):
                new = await self._connections.open(place)
        except TimeoutError:
            if asyncio.get_running_loop().time() >= until:
                raise
            raise Failed(Fault.TIMEOUT, f"No connection within {CONNECT_S:g} s") from None
        return await self._on(new, place, request, most, until)

    async def _on(
        self, one: Exchange, place: Place, request: bytes, most: Most, until: float
    ) -> Got:
        try:
            got = await one.ask(request, until, most)
        except BaseException:
            one.close()
            raise
        self._connections.give_back(place, one)
        return got


@lru_cache(URLS)
def _parts(url: str) -> tuple[Place, str, str]:
    """Where a URL leads, its path with the query, and its host as a header; raises ValueError."""
    where = URL(url, encoded=True)
    # As it is written: decoded, `xn--strae-oqa` would be looked up as `strasse`, another host.
    host = where.raw_host or ""
    if where.scheme not in {"http", "https"} or not host or where.port is None:
        raise ValueError("Not an http or https URL")
    if where.user is not None or where.password is not None:
        raise ValueError("Must not hold a user name")
    target = where.raw_path_qs or "/"
    named = f"[{host}]" if ":" in host else host
    shown = named if where.is_default_port() else f"{named}:{where.port}"
    return Place(where.scheme, host, where.port), target, shown


def _request(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a request; raises ValueError for what would be more than one line."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines)
    if len(head.splitlines()) != len(lines) or "\0" in head or " " in target:
        raise ValueError("Not a header, or not a URL")
    return head.encode("latin-1") + b"\r\n\r\n" + body


def _failed(fault: OSError | ValueError) -> Failed:
    """Say what went wrong before there could be an answer."""
    if isinstance(fault, NotPublicError):
        return Failed(Fault.FORBIDDEN_ADDRESS, FORBIDDEN)
    if isinstance(fault, ssl.SSLError | ssl.CertificateError):
        return Failed(Fault.TLS, f"No secure connection: {_reason(fault)}")
    if isinstance(fault, NoNameError):
        return Failed(Fault.NETWORK, "The host name cannot be resolved")
    if isinstance(fault, OSError):
        refused = isinstance(fault, ConnectionRefusedError)
        kind = Fault.REFUSED if refused else Fault.NETWORK
        return Failed(kind, f"No connection: {fault.strerror or 'failed'}")
    return Failed(Fault.FORBIDDEN_ADDRESS, FORBIDDEN)


def _reason(fault: Exception) -> str:
    return getattr(fault, "reason", None) or str(fault) or type(fault).__name__
