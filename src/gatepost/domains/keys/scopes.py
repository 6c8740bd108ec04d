"""What a key may do. Denied unless named: every endpoint asks for exactly one scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from gatepost.base.errors import invalid


class Scope(StrEnum):
    """One right each."""

    EVENTS_WRITE = "events:write"
    EVENTS_READ = "events:read"
    IDENTITIES_WRITE = "identities:write"
    PEOPLE_READ = "people:read"
    PEOPLE_ERASE = "people:erase"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    AUDIT_READ = "audit:read"
    REFUSALS_READ = "refusals:read"
    COUNTS_WRITE = "counts:write"
    AGGREGATORS_READ = "aggregators:read"
    AGGREGATORS_WRITE = "aggregators:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    USAGE_READ = "usage:read"
    USAGE_WRITE = "usage:write"
    DATA_WRITE = "data:write"
    GATE_CHECK = "gate:check"
    GATE_KEYS_READ = "gate-keys:read"
    GATE_KEYS_WRITE = "gate-keys:write"
    RELAYS_READ = "relays:read"
    RELAYS_WRITE = "relays:write"
    MESSAGES_SEND = "messages:send"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    ENDPOINTS_READ = "endpoints:read"
    ENDPOINTS_WRITE = "endpoints:write"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    DOMAINS_READ = "domains:read"
    DOMAINS_WRITE = "domains:write"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    PUSH_READ = "push:read"
    PUSH_WRITE = "push:write"
    PUSH_KEY_WRITE = "push-key:write"
    OPERATORS_READ = "operators:read"
    OPERATORS_WRITE = "operators:write"
    ANY = "any"


PRESETS: dict[str, frozenset[Scope]] = {
    "full": frozenset(Scope) - {Scope.ANY},
    "read": frozenset(scope for scope in Scope if scope.endswith(":read")),
    "events": frozenset({Scope.EVENTS_WRITE, Scope.IDENTITIES_WRITE, Scope.COUNTS_WRITE}),
    "sending": frozenset({Scope.MESSAGES_SEND}),
    "data": frozenset({Scope.DATA_WRITE, Scope.GATE_CHECK}),
}

CUSTOMERS = frozenset({Scope.USAGE_READ})
"""All that a key which is bound to a customer may do, not even ANY: read what that one used."""

NAMES = (*PRESETS, *sorted(PRESETS["full"]))


def expand(names: Iterable[str]) -> frozenset[Scope]:
    """Turn presets and scopes into scopes; a name that is no longer known grants nothing.

    Every key holds ANY, the scope of endpoints that only need some valid key.
    """
    found = {Scope.ANY}
    for name in names:
        if name in PRESETS:
            found |= PRESETS[name]
        elif name in set(PRESETS["full"]):
            found.add(Scope(name))
    return frozenset(found)


def check(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without repeats; raises INVALID for an unknown one, or for none."""
    kept = tuple(dict.fromkeys(names))
    problems: list[tuple[Sequence[str | int], str]] = [
        (["scopes", index], f"Unknown scope; one of {', '.join(NAMES)}")
        for index, name in enumerate(kept)
        if name not in NAMES
    ]
    if not kept:
        problems = [(["scopes"], "At least one scope is required")]
    if problems:
        raise invalid(*problems)
    return kept
