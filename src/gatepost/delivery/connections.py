"""Connections to receivers: opened to addresses that were checked, kept open for a while."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict, deque
from typing import NamedTuple

from aiohttp.abc import AbstractResolver

from gatepost.delivery import addresses
from gatepost.delivery.exchange import Exchange
from gatepost.delivery.names import Guard, GuardedResolver, NotPublicError

CONNECT_S = 10.0
TRY_S = 3.0
"""How long one address may take while there is another one."""
KEEP_S = 15.0
KEPT_MAX = 32
"""Connections to one receiver that are kept open while nobody uses them."""
KNOWN_S = 5.0
"""So long an address is known that a name has led to; it has been checked."""
KNOWN_MAX = 10_000


class Place(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


class NoNameError(OSError):
    """A name cannot be resolved."""


class Connections:
    """All connections of one process."""

    def __init__(self, resolver: AbstractResolver, guards: dict[str, Guard]) -> None:
        """Open nothing yet; `guards` say by scheme what may be connected to."""
        self._resolvers = {name: GuardedResolver(resolver, one) for name, one in guards.items()}
        self._guards = guards
        self._free: dict[Place, deque[Exchange]] = defaultdict(deque)
        self._known: dict[Place, tuple[float, list[str]]] = {}
        self._tls: ssl.SSLContext | None = None

    def take(self, place: Place) -> Exchange | None:
        """One that is open already, the last one that was used."""
        free = self._free.get(place)
        now = asyncio.get_running_loop().time()
        while free:
            one = free.pop()
            if one.free and now - one.idle_since < KEEP_S:
                return one
            one.close()
        return None

    def give_back(self, place: Place, one: Exchange) -> None:
        """Keep one for the next request, if it is still open."""
        if not one.free:
            return
        free = self._free[place]
        free.append(one)
        now = asyncio.get_running_loop().time()
        while len(free) > KEPT_MAX or now - free[0].idle_since > KEEP_S:
            free.popleft().close()

    async def open(self, place: Place) -> Exchange:
        """Connect to the first address that answers; raises OSError, or TimeoutError after
        CONNECT_S.
        """
        async with asyncio.timeout(CONNECT_S):
            found = await self._addresses(place)
            for address in found[:-1]:
                try:
                    async with asyncio.timeout(TRY_S):
                        return await self._connect(place, address)
                except OSError:  # a timeout is one
                    continue
            return await self._connect(place, found[-1])

    def close(self) -> None:
        """Hang up."""
        for free in self._free.values():
            for one in free:
                one.close()
        self._free.clear()

    async def _addresses(self, place: Place) -> list[str]:
        guard = self._guards[place.scheme]
        if addresses.is_literal(place.host):
            if not guard.allows(place.host):
                raise NotPublicError(place.host)
            return [place.host]
        now = asyncio.get_running_loop().time()
        known = self._known.get(place)
        if known is not None and now - known[0] < KNOWN_S:
            return known[1]
        found = await self._look_up(place)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[place] = (now, found)
        return found

    async def _look_up(self, place: Place) -> list[str]:
        try:
            found = await self._resolvers[place.scheme].resolve(
                place.host, place.port, socket.AF_UNSPEC
            )
        except NotPublicError:
            raise
        except OSError as fault:
            raise NoNameError(*fault.args) from None
        return list(dict.fromkeys(one["host"] for one in found))

    async def _connect(self, place: Place, address: str) -> Exchange:
        """Whatever has led to an address, this is the last one who sees it before it is used."""
        if not self._guards[place.scheme].allows(address):
            raise NotPublicError(address)
        secure = place.scheme == "https"
        _, made = await asyncio.get_running_loop().create_connection(
            Exchange,
            address,
            place.port,
            ssl=self._context() if secure else None,
            server_hostname=place.host if secure else None,
        )
        return made

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
