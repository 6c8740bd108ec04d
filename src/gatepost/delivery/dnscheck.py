"""What the name servers say of a sending domain's records."""

from __future__ import annotations

import asyncio

import dns.asyncresolver
import dns.exception
import dns.resolver
from dns.rdata import Rdata

from gatepost.base.config import Settings
from gatepost.delivery import names
from gatepost.domains.emaildomains.model import Finding, Purpose, SendingDomain
from gatepost.domains.emaildomains.records import (
    Answer,
    Layout,
    Record,
    judge,
    layout_of,
    records_of,
)

TXT_VALUES_MAX = 50


async def look(settings: Settings, domain: SendingDomain) -> dict[Purpose, Finding]:
    """Ask for all of a domain's records at once, and say how they are. It takes seconds at most,
    and nothing is held meanwhile.
    """
    layout = layout_of(settings)
    return judge(domain, layout, await answers(settings, domain, layout))


async def answers(
    settings: Settings, domain: SendingDomain, layout: Layout
) -> dict[Purpose, Answer]:
    """What name servers say of each record."""
    wanted = records_of(domain, layout)
    try:
        asker = names.asker(settings.dns_servers)
    except (dns.exception.DNSException, ValueError):
        unset = Answer(fault="No name server is configured")
        return {one.purpose: unset for one in wanted}
    found = await asyncio.gather(*(_ask(asker, one) for one in wanted))
    return {one.purpose: answer for one, answer in zip(wanted, found, strict=True)}


async def _ask(asker: dns.asyncresolver.Resolver, record: Record) -> Answer:
    try:
        found = await asker.resolve(f"{record.name}.", record.type, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Answer()
    except dns.resolver.LifetimeTimeout:
        return Answer(fault="The name servers did not answer in time")
    except (dns.exception.DNSException, OSError):
        return Answer(fault="The name servers could not answer")
    return Answer(tuple(_text(one) for one in found)[:TXT_VALUES_MAX])


def _text(record: Rdata) -> str:
    """A record's value; the pieces of a text are one text."""
    pieces = getattr(record, "strings", None)
    if pieces is None:
        return record.to_text()
    return b"".join(pieces).decode("utf-8", "replace")
