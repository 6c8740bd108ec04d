"""Host names looked up: by the system, or by name servers that the settings name."""

from __future__ import annotations

import socket
from typing import NamedTuple

import dns.asyncresolver
import dns.exception
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from dns.nameserver import Do53Nameserver, Nameserver

from gatepost.delivery import addresses
from gatepost.delivery.addresses import Network

DNS_PORT = 53
LOOKUP_S = 5.0


class NotPublicError(OSError):
    """A name or an address leads to where nobody may make Gatepost connect to."""


def resolver_of(servers: str) -> AbstractResolver:
    """The system's own, or one that asks servers: `address` or `address:port`, with commas."""
    return NamedServers(servers) if servers else System()


def asker(servers: str) -> dns.asyncresolver.Resolver:
    """Who is asked for records of any kind: the system's servers, or those of the setting."""
    if not servers:
        return dns.asyncresolver.Resolver()
    found = dns.asyncresolver.Resolver(configure=False)
    found.lifetime = LOOKUP_S
    found.nameservers = [_server(one.strip()) for one in servers.split(",")]
    return found


def _server(text: str) -> Nameserver:
    host, _, port = text.partition(":")
    return Do53Nameserver(host, int(port or DNS_PORT))


class System(AbstractResolver):
    """Asks the system; may be made before there is an event loop."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._resolver: AbstractResolver | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up; raises OSError."""
        if self._resolver is None:
            self._resolver = ThreadedResolver()
        return await self._resolver.resolve(host, port, family)

    async def close(self) -> None:
        """Nothing is open."""


class NamedServers(AbstractResolver):
    """Asks name servers of one's own choice for addresses."""

    def __init__(self, servers: str) -> None:
        """Hold them."""
        self._asker = asker(servers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up, in both families unless one is asked for; raises OSError."""
        try:
            answers = await self._asker.resolve_name(host, family=family)
        except dns.exception.DNSException as fault:
            raise OSError(None, str(fault) or type(fault).__name__) from None
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=found,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address, found in answers.addresses_and_families()
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Guard(NamedTuple):
    """Which addresses may be connected to: those of networks, and public ones where `public`."""

    networks: tuple[Network, ...]
    public: bool = True

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to."""
        if self.public:
            return addresses.is_allowed(address, self.networks)
        return addresses.is_within(address, self.networks)


class GuardedResolver(AbstractResolver):
    """Resolves names, unless any of their addresses may not be connected to."""

    def __init__(self, resolver: AbstractResolver, guard: Guard) -> None:
        """Hold both."""
        self._resolver = resolver
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up; what is returned is what is connected to. Raises OSError."""
        found = await self._resolver.resolve(host, port, family)
        if not found or not all(self._guard.allows(one["host"]) for one in found):
            raise NotPublicError(host)
        return found

    async def close(self) -> None:
        """Close what it asks."""
        await self._resolver.close()
