"""Which hosts take mails for a domain, as the name servers say."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver

from gatepost.base.config import Settings
from gatepost.delivery import names
from gatepost.domains.verifications.model import EXCHANGES_MAX, Answers, Exchange, Hosts

AT_ONCE = 20
"""Domains that are asked for at the same time."""


class MailHosts:
    """Asks for the mail hosts of domains, and remembers them for as long as the records say."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._asker: dns.asyncresolver.Resolver | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look(self, domains: Collection[str]) -> Answers:
        """Ask for domains, in the form that the DNS knows; nothing is held meanwhile."""
        wanted = sorted(set(domains))
        try:
            asker = self._ready()
        except (dns.exception.DNSException, ValueError):  # no name server is configured
            return dict.fromkeys(wanted)
        found = await asyncio.gather(*(self._hosts(asker, one) for one in wanted))
        return dict(zip(wanted, found, strict=True))

    def _ready(self) -> dns.asyncresolver.Resolver:
        if self._asker is None:
            self._asker = names.asker(self._settings.dns_servers)
            self._asker.cache = dns.resolver.LRUCache()
        return self._asker

    async def _hosts(self, asker: dns.asyncresolver.Resolver, domain: str) -> Hosts | None:
        """One domain's, None where the name servers cannot answer."""
        try:
            async with self._room:
                return await _ask(asker, domain)
        except (dns.exception.DNSException, OSError):
            return None


async def _ask(asker: dns.asyncresolver.Resolver, domain: str) -> Hosts:
    """MX records or, where there are none, an address (RFC 5321, section 5.1)."""
    try:
        found = await asker.resolve(f"{domain}.", "MX", search=False)
    except dns.resolver.NXDOMAIN:
        return Hosts()
    except dns.resolver.NoAnswer:
        return Hosts(implied=await _has_address(asker, domain))
    exchanges = sorted(_exchange(one) for one in found)
    # A domain that takes no mails says so with a host that is none (RFC 7505).
    return Hosts(tuple(one for one in exchanges if one.host)[:EXCHANGES_MAX])


async def _has_address(asker: dns.asyncresolver.Resolver, domain: str) -> bool:
    for kind in ("A", "AAAA"):
        try:
            await asker.resolve(f"{domain}.", kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        return True
    return False


def _exchange(record: Any) -> Exchange:
    return Exchange(record.preference, record.exchange.to_text(omit_final_dot=True).rstrip("."))
