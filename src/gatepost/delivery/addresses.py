"""Which addresses somebody else may make Gatepost connect to: public ones alone."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KNOWN = 4096
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")
"""The last 32 bits of these are an address of IPv4 (RFC 6052, RFC 4291 2.5.5.1)."""
LOOPBACK = int(ipaddress.IPv6Address("::1"))
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Nothing else of IPv6 is routed between networks (RFC 4291, 2.4), but for NAT64: where site-local
addresses (fec0::/10) and local prefixes (RFC 8215) lead, the network around decides.
"""
# Public by its number, yet a cloud's own service for its machines.
METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})


@lru_cache(KNOWN)
def is_allowed(text: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is public, or in one of the networks."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    plain = _inside(address)
    return all(_is_public(one) for one in plain) or any(
        one in network for one in plain[-1:] for network in networks
    )


@lru_cache(KNOWN)
def is_within(text: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return any(_inside(address)[-1] in network for network in networks)


@lru_cache(KNOWN)
def is_literal(host: str) -> bool:
    """Whether a host is an address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _inside(address: Address) -> list[Address]:
    """The address, and the one of IPv4 that is wrapped in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in NAT64 or (address in COMPATIBLE and int(address) > LOOPBACK):
        return [address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    return [address]


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address in METADATA:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    return address in GLOBAL_UNICAST or address in NAT64
