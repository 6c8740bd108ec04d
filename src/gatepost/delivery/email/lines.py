"""Connections to SMTP servers: opened where it is allowed, kept for a while, used again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from aiohttp.resolver import ThreadedResolver

from gatepost.base.config import Settings
from gatepost.delivery import addresses
from gatepost.delivery.email.server import Server
from gatepost.delivery.names import Guard, GuardedResolver, NotPublicError, resolver_of
from gatepost.domains.mailers.model import Tls

if TYPE_CHECKING:
    from aiosmtplib import SMTP

CONNECT_S = 10.0
IDLE_S = 20.0
USES_MAX = 100
LINES_MAX = 10
"""Connections to one server at most, and mails over one of them."""


class NotPrivateError(OSError):
    """The server offers no encryption, and something would be told in clear."""


class Line(NamedTuple):
    """A connection: how often it was used, and since when it is idle."""

    client: SMTP
    uses: int
    since: float


class Lines:
    """All connections of a process, by server."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._timeout_s = settings.delivery_timeout_s
        self._greeting = _greeting(settings)
        self._guard = Guard(settings.deliverable())
        self._guarded = GuardedResolver(resolver_of(settings.dns_servers), self._guard)
        self._idle: dict[Server, list[Line]] = defaultdict(list)
        # Whoever waits for a slot, or has one, keeps it; those of servers that are no more go.
        self._slots: WeakValueDictionary[Server, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def slot(self, server: Server) -> AsyncIterator[None]:
        """Wait until there may be one more connection to a server."""
        self._sweep()
        async with self._slots.setdefault(server, asyncio.Semaphore(LINES_MAX)):
            yield

    def take(self, server: Server) -> Line | None:
        """One that is open already."""
        while self._idle[server]:
            line = self._idle[server].pop()
            if line.client.is_connected and monotonic() - line.since < IDLE_S:
                return line
            line.client.close()
        return None

    async def open(self, server: Server) -> Line:
        """A new one, greeted and logged in; raises what aiosmtplib and sockets raise."""
        from aiosmtplib import SMTP  # noqa: PLC0415 # only where mail is sent

        sock = await self._connect(server)
        client = SMTP(
            hostname=server.host,
            sock=sock,
            timeout=self._timeout_s,
            local_hostname=self._greeting,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=_context(verified=server.tls is not Tls.OPPORTUNISTIC),
        )
        try:
            await client.connect()
            await _make_private(client, server)
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            if server.username:
                await client.login(server.username, server.password)
        except BaseException:
            client.close()
            raise
        return Line(client, 0, monotonic())

    def give_back(self, server: Server, line: Line) -> None:
        """Keep one for the next mail."""
        if line.uses + 1 >= USES_MAX or not line.client.is_connected:
            line.client.close()
            return
        self._idle[server].append(Line(line.client, line.uses + 1, monotonic()))

    async def close(self) -> None:
        """Hang up."""
        for lines in self._idle.values():
            for line in lines:
                line.client.close()
        self._idle.clear()
        await self._guarded.close()

    def _sweep(self) -> None:
        """Hang up on servers that were not needed for a while."""
        now = monotonic()
        for server, lines in list(self._idle.items()):
            stale = [one for one in lines if now - one.since >= IDLE_S]
            for one in stale:
                one.client.close()
                lines.remove(one)
            if not lines:
                del self._idle[server]

    async def _connect(self, server: Server) -> socket.socket:
        """Connect to the first address that answers, all of which were checked."""
        fault: OSError = OSError(f"{server.host} has no address")
        for family, address in await self._addresses(server):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                async with asyncio.timeout(min(CONNECT_S, self._timeout_s)):
                    await asyncio.get_running_loop().sock_connect(sock, (address, server.port))
            except OSError as found:
                sock.close()
                fault = found
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise fault

    async def _addresses(self, server: Server) -> list[tuple[int, str]]:
        if addresses.is_literal(server.host):
            if not server.trusted and not self._guard.allows(server.host):
                raise NotPublicError(server.host)
            return [(_family(server.host), server.host)]
        resolver = ThreadedResolver() if server.trusted else self._guarded
        found = await resolver.resolve(server.host, server.port, socket.AF_UNSPEC)
        return [(one["family"], one["host"]) for one in found]


async def _make_private(client: SMTP, server: Server) -> None:
    """Encrypt as it was asked for; raises NotPrivateError where the server cannot."""
    if server.tls in {Tls.IMPLICIT, Tls.NONE}:
        return
    await client.ehlo()
    if client.supports_extension("starttls"):
        await client.starttls()
    elif server.tls is Tls.REQUIRED or server.username:
        raise NotPrivateError("The server offers no encryption (STARTTLS)")


@cache
def _context(*, verified: bool) -> ssl.SSLContext:
    """Certificates are checked, but where encryption is no more than better than none."""
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _greeting(settings: Settings) -> str:
    """The name that this machine gives itself."""
    named = settings.mail_host or urlsplit(settings.public_url).hostname or socket.gethostname()
    return named if named.isascii() and " " not in named else "localhost"
