"""What a command means by a name or an id, and by leaving it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.base.ids import (
    AccountId,
    AggregatorId,
    CustomerId,
    DomainId,
    EndpointId,
    GateKeyId,
    KeyId,
    MailerId,
    ProjectId,
    RelayId,
    RuleId,
)
from gatepost.cli.common import USAGE, Failure
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.aggregators import store as aggregators
from gatepost.domains.aggregators.model import Aggregator
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Customer
from gatepost.domains.emaildomains import store as emaildomains
from gatepost.domains.emaildomains.model import SendingDomain
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.gatekeys.model import GateKey
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Key
from gatepost.domains.mailers import store as mailers
from gatepost.domains.mailers.model import Mailer
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import Project
from gatepost.domains.relays import store as relays
from gatepost.domains.relays.model import Relay
from gatepost.domains.rules import store as rules
from gatepost.domains.rules.model import Rule
from gatepost.domains.templates import store as templates
from gatepost.domains.templates.model import Template
from gatepost.engine import mint, post
from gatepost.storage.db import Tx

T = TypeVar("T")


def account(tx: Tx, wanted: str | None) -> Account:
    """Find an account by name or id; without either, the only one there is."""
    if wanted is None:
        living = [one for one in accounts.list_(tx) if one.status is not Status.DELETED]
        return _single(living, "account", "name one with --account")
    found = accounts.find_by_name(tx, wanted)
    raw = _raw("account", wanted)
    if found is None and raw is not None:
        found = accounts.find(tx, AccountId(raw))
    if found is None:
        raise Failure(f"no account {wanted!r}")
    return found


def project(tx: Tx, of: str | None, wanted: str | None) -> Project:
    """Find a project by name or id, of one account or of any; without either, the only one."""
    if wanted is None:
        mine = projects.list_(tx, account(tx, of).id)
        return _single(mine, "project", "name one with --project")
    raw = _raw("project", wanted)

    def look(owner: AccountId) -> Project | None:
        by_name = projects.find_by_name(tx, owner, wanted)
        return by_name or (projects.find(tx, owner, ProjectId(raw)) if raw else None)

    return _single(_across(tx, of, look), f"project {wanted!r}", "say whose with --account")


def rule(tx: Tx, of: str | None, wanted: str) -> Rule:
    """Find a rule by name or id, of one account or of any."""
    raw = _raw("rule", wanted)

    def look(owner: AccountId) -> Rule | None:
        if raw is not None:
            return rules.find(tx, owner, RuleId(raw))
        mine = [one for one in rules.list_(tx, owner) if one.name == wanted]
        return _single(mine, f"rule {wanted!r}", "name it by its id") if mine else None

    return _single(_across(tx, of, look), f"rule {wanted!r}", "say whose with --account")


def aggregator(tx: Tx, of: str | None, wanted: str) -> Aggregator:
    """Find an aggregator by name or id, of one account or of any."""
    raw = _raw("aggregator", wanted)

    def look(owner: AccountId) -> Aggregator | None:
        by_name = aggregators.find_by_name(tx, owner, wanted)
        return by_name or (aggregators.find(tx, owner, AggregatorId(raw)) if raw else None)

    return _single(_across(tx, of, look), f"aggregator {wanted!r}", "say whose with --account")


def customer(tx: Tx, of: str | None, wanted: str) -> Customer:
    """Find a customer by identifier or id, of one account or of any."""
    return customer_of(tx, owners(tx, of), wanted)


def customer_of(tx: Tx, owners: Sequence[AccountId], wanted: str) -> Customer:
    """Find a customer by identifier or id, of some accounts."""
    raw = _raw("customer", wanted)

    def look(owner: AccountId) -> Customer | None:
        by_identifier = customers.find_by_identifier(tx, owner, wanted)
        return by_identifier or (customers.find(tx, owner, CustomerId(raw)) if raw else None)

    found = [one for one in map(look, owners) if one is not None]
    return _single(found, f"customer {wanted!r}", "say whose with --account")


def past_customer(tx: Tx, of: str | None, wanted: str) -> Customer:
    """Find a customer as `customer` does; by its id also one that was ended."""
    raw = _raw("customer", wanted)

    def look(owner: AccountId) -> Customer | None:
        by_identifier = customers.find_by_identifier(tx, owner, wanted)
        named = customers.named(tx, owner, [CustomerId(raw)] if raw else [])
        return by_identifier or next(iter(named.values()), None)

    return _single(_across(tx, of, look), f"customer {wanted!r}", "say whose with --account")


def gate_key(tx: Tx, of: str | None, wanted: str) -> GateKey:
    """Find a gate key by name or id, of one account or of any; many may have one name."""
    raw = _raw(mint.NOUN, wanted)

    def look(owner: AccountId) -> list[GateKey]:
        by_id = gatekeys.find(tx, owner, GateKeyId(raw)) if raw else None
        return [by_id] if by_id else gatekeys.list_(tx, owner, name=wanted, limit=2)

    found = [one for several in _across(tx, of, look) for one in several]
    return _single(found, f"gate key {wanted!r}", "name it by its id")


def endpoint(tx: Tx, of: str | None, wanted: str) -> Endpoint:
    """Find an endpoint by name or id, of one account or of any; many may have one name."""
    raw = _raw("endpoint", wanted)

    def look(owner: AccountId) -> list[Endpoint]:
        by_id = endpoints.find(tx, owner, EndpointId(raw)) if raw else None
        return [by_id] if by_id else [it for it in endpoints.list_(tx, owner) if it.name == wanted]

    found = [one for several in _across(tx, of, look) for one in several]
    return _single(found, f"endpoint {wanted!r}", "name it by its id")


def key(tx: Tx, of: str | None, wanted: str) -> Key:
    """Find a key by name or id, of one account or of any."""
    raw = _raw("key", wanted)

    def look(owner: AccountId) -> Key | None:
        by_name = keys.find_by_name(tx, owner, wanted)
        return by_name or (keys.find(tx, owner, KeyId(raw)) if raw else None)

    return _single(_across(tx, of, look), f"key {wanted!r}", "say whose with --account")


def mailer(tx: Tx, of: str | None, wanted: str) -> Mailer:
    """Find a mailer by name or id, of one account or of any; many may have one name."""
    raw = _raw(post.NOUN, wanted)
    of_id = None if raw is None else MailerId(raw)
    found = [
        one
        for owner in owners(tx, of)
        for one in mailers.list_(tx, owner)
        if one.id == of_id or one.name == wanted
    ]
    return _single(found, f"mailer {wanted!r}", "name it by its id")


def relay(tx: Tx, of: str | None, wanted: str, path: str | None) -> Relay:
    """Find a relay by its id, or by its method and path, of one account or of any."""
    raw = None if path else _raw("relay", wanted)

    def look(owner: AccountId) -> Relay | None:
        if path:
            return relays.find_by_route(tx, owner, wanted.upper(), path)
        return relays.find(tx, owner, RelayId(raw)) if raw else None

    what = f"relay {wanted} {path}" if path else f"relay {wanted!r}"
    return _single(_across(tx, of, look), what, "say whose with --account")


def sending_domain(tx: Tx, of: str | None, wanted: str) -> SendingDomain:
    """Find a sending domain by name or id, of one account or of any."""
    raw, name = _raw("domain", wanted), wanted.rstrip(".").lower()

    def look(owner: AccountId) -> SendingDomain | None:
        by_name = emaildomains.find_by_name(tx, owner, name)
        return by_name or (emaildomains.find(tx, owner, DomainId(raw)) if raw else None)

    return _single(_across(tx, of, look), f"domain {wanted!r}", "say whose with --account")


def template(tx: Tx, of: str | None, wanted: str) -> Template:
    """Find a template by its id, or what its alias means: the published version, or the newest
    where none is; of one account or of any.
    """

    def look(owner: AccountId) -> Template | None:
        found = templates.named(tx, owner, wanted)
        return found or next(iter(templates.versions(tx, owner, wanted)), None)

    return _single(_across(tx, of, look), f"template {wanted!r}", "say whose with --account")


def _across(tx: Tx, of: str | None, look: Callable[[AccountId], T | None]) -> list[T]:
    return [one for one in map(look, owners(tx, of)) if one is not None]


def owners(tx: Tx, of: str | None) -> list[AccountId]:
    """The account that was named, else all there are."""
    found = accounts.list_(tx) if of is None else [account(tx, of)]
    return [owner.id for owner in found]


def _single(found: Sequence[T], what: str, advice: str) -> T:
    if not found:
        raise Failure(f"no {what}")
    if len(found) > 1:
        raise Failure(f"more than one {what}: {advice}", USAGE)
    return found[0]


def _raw(noun: str, text: str) -> bytes | None:
    try:
        return ids.parse(noun, text)
    except AppError:
        return None
