"""Connections to upstreams. Nothing else in Gatepost opens one for a request."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from gatepost.base import log
from gatepost.base.errors import AppError, Code
from gatepost.delivery import addresses
from gatepost.delivery.addresses import Network
from gatepost.delivery.names import Guard, GuardedResolver, NotPublicError
from gatepost.web.contract import Header
from gatepost.web.relay.answer import Broken
from gatepost.web.relay.headers import Text

CONNECT_S = 5.0
KEEP_S = 4.0
"""Shorter than what usual servers wait before they hang up, so that a request seldom meets it."""
FIELD_BYTES_MAX = 65_536
AUTO = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
STATUSES = range(200, 600)
FAULTS = (aiohttp.ClientError, OSError, RuntimeError, ValueError)
"""What aiohttp raises where an upstream is at fault."""

_log = log.get("relay")


class Response:
    """An answer of which the head is here: an `Answer`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Hold aiohttp's own."""
        self._response = response
        self.status = response.status
        self.headers: Sequence[Header] = response.raw_headers

    def whole(self) -> bytes | None:
        """The whole body, if it is here already."""
        content = self._response.content
        if content.exception() is not None or not content.is_eof():
            return None
        return content.read_nowait()

    async def parts(self) -> AsyncGenerator[bytes]:
        """The body, as it comes; raises Broken."""
        try:
            async for part in self._response.content.iter_any():
                yield part
        except FAULTS as fault:
            raise Broken from fault

    def close(self) -> None:
        """Hang up unless all of it has come."""
        self._response.close()


class Upstreams:
    """One pool of connections for routes that may lead anywhere, one for those that may not: a
    connection of the former is never used for the latter.
    """

    def __init__(self, networks: tuple[Network, ...]) -> None:
        """Open nothing yet; `networks` are open to all routes."""
        self._networks = networks
        self._trusted = _session(ThreadedResolver())
        self._public = _session(GuardedResolver(ThreadedResolver(), Guard(networks)))

    async def close(self) -> None:
        """Hang up."""
        await self._trusted.close()
        await self._public.close()

    async def ask(
        self, method: str, url: str, headers: Sequence[Text], data: Any, *, trusted: bool
    ) -> Response:
        """Send a request; returns when the head of the answer is here.

        Raises UPSTREAM_FAILED, or UPSTREAM_TIMEOUT when no connection comes about in time.
        """
        where = URL(url, encoded=True)
        try:
            if not trusted:
                self._check(where.host or "")
            session = self._trusted if trusted else self._public
            response = await session.request(
                method, where, headers=headers, data=data, allow_redirects=False
            )
        except TimeoutError:
            raise AppError(Code.UPSTREAM_TIMEOUT, "The upstream cannot be reached") from None
        except FAULTS as fault:
            _log.info("upstream failed", host=where.host, error=repr(fault))
            raise AppError(Code.UPSTREAM_FAILED, _words(fault)) from None
        if response.status not in STATUSES:
            response.close()
            raise AppError(Code.UPSTREAM_FAILED, "The upstream's answer makes no sense")
        return Response(response)

    def _check(self, host: str) -> None:
        """Raise for an address that is written out: no resolver is asked for one."""
        if addresses.is_literal(host) and not addresses.is_allowed(host, self._networks):
            raise NotPublicError(host)


def _session(resolver: AbstractResolver) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=resolver, limit=0, keepalive_timeout=KEEP_S, ttl_dns_cache=10
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=AUTO,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S),
        max_line_size=FIELD_BYTES_MAX,
        max_field_size=FIELD_BYTES_MAX,
    )


def _words(fault: BaseException) -> str:
    """What a client is told. Why a name cannot be resolved is hidden inside of aiohttp's fault."""
    seen: BaseException | None = fault
    while seen is not None:
        if isinstance(seen, NotPublicError):
            return "This route may only lead to public addresses"
        seen = seen.__cause__ or seen.__context__
    return "The upstream does not answer"
