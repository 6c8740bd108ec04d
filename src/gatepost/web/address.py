"""The client's address: the socket's, or what a trusted proxy says it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HEADER = b"x-forwarded-for"


def of(scope: Any, headers: Mapping[bytes, bytes], trusted: tuple[Network, ...]) -> str:
    """Return the last address in the chain that is no trusted proxy.

    `X-Forwarded-For` is read from its end (each proxy appends, to the line or as a further
    one), and only as far as the hops are trusted; whatever a client wrote in front of that is
    ignored.
    """
    client = scope.get("client")
    address = client[0] if client else ""
    if not trusted or HEADER not in headers:
        return str(address)
    forwarded = b",".join(value for name, value in scope["headers"] if name == HEADER)
    hops = [hop.strip() for hop in forwarded.decode("latin-1").split(",")]
    while hops and _trusted(address, trusted):
        address = hops.pop()
    return str(address)


def _trusted(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in network for network in networks)
