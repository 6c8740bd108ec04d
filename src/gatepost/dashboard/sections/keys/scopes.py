"""What scopes and presets allow, in words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.dashboard.forms import Fields
from gatepost.gate.scopes import PRESETS, expand

OWN = "own"
PRESET_TITLES = {
    "events": "Events",
    "sending": "Sending",
    "data": "Data and gate checks",
    "read": "Read only",
    "full": "Everything",
}
PRESET_WORDS = {
    "events": "Sends events, counts them and tells who people are: what a product's server needs.",
    "sending": "Sends messages, and nothing else.",
    "data": "Sends data requests, and asks whether a gate key may do something.",
    "read": "Reads all there is, and changes nothing.",
    "full": "May do all that the API can do, keys and members included.",
}
WORDS = {
    "events:write": "Send events, one or many",
    "events:read": "Read, list and stream events and channels",
    "identities:write": "Tell who a person is",
    "people:read": "List, read and export people",
    "people:erase": "Erase a person",
    "counts:write": "Count events in aggregators",
    "aggregators:read": "List aggregators, read what was counted",
    "aggregators:write": "Make, change and end aggregators",
    "rules:read": "List and read rules, try one on stored events",
    "rules:write": "Make, change, mute and end rules, acknowledge alerts",
    "messages:send": "Send messages: webhooks, e-mails, chats, browser push",
    "messages:read": "Read messages, deliveries, their attempts, and what became of an event",
    "messages:write": "Start deliveries again, cancel or skip them; the secret of direct webhooks",
    "endpoints:read": "List and read webhook endpoints",
    "endpoints:write": "Make, change, rotate, test and end webhook endpoints",
    "domains:read": "List and read sending domains and mail providers",
    "domains:write": "Add, verify and end sending domains and mail providers",
    "templates:read": "List, read and preview templates",
    "templates:write": "Make, change, publish and end templates",
    "contacts:read": "List, read and export contacts, audiences and subscribers",
    "contacts:write": "Make, change and end contacts, verify addresses",
    "suppressions:read": "List and read addresses that are sent nothing",
    "suppressions:write": "Add and end addresses that are sent nothing",
    "push:read": "List devices that take browser push",
    "push:write": "Add and end devices that take browser push",
    "push-key:write": "Replace the key that browsers subscribe with",
    "customers:read": "List and read customers",
    "customers:write": "Register, change and end customers, set their quotas",
    "usage:read": "Read what was used, what is left of customers' quotas, and corrections",
    "usage:write": "Correct what a customer used",
    "data:write": "Send data requests, which are metered for a customer",
    "gate:check": "Ask whether a gate key may do something",
    "gate-keys:read": "List and read gate keys, never their secrets",
    "gate-keys:write": "Make, change, rotate and end gate keys",
    "relays:read": "List and read relays",
    "relays:write": "Declare, change and end relays; the secret that upstreams check",
    "keys:read": "List and read keys, never their secrets",
    "keys:write": "Make, change, rotate and end keys",
    "projects:read": "List and read projects",
    "projects:write": "Make, change and end projects",
    "operators:read": "List the account's members and invitations",
    "operators:write": "Invite members, change and end memberships",
    "audit:read": "Read the audit log",
    "refusals:read": "Read why requests were refused",
}
GROUPS = (
    ("Events and people", ("events", "identities", "people", "counts", "aggregators")),
    ("Alerts and messages", ("rules", "messages", "endpoints")),
    ("E-mail and push", ("domains", "templates", "contacts", "suppressions", "push", "push-key")),
    ("Customers and gate", ("customers", "usage", "data", "gate", "gate-keys", "relays")),
    ("Account", ("keys", "projects", "operators", "audit", "refusals")),
)


class Group(msgspec.Struct, frozen=True):
    """Scopes that belong together, as (name, sentence)."""

    title: str
    scopes: tuple[tuple[str, str], ...]


def groups() -> tuple[Group, ...]:
    """All single scopes."""
    return tuple(
        Group(title, tuple(one for one in WORDS.items() if one[0].partition(":")[0] in nouns))
        for title, nouns in GROUPS
    )


def presets() -> list[tuple[str, str, str]]:
    """What a form offers first: (value, words, sentence)."""
    offered = [(name, PRESET_TITLES[name], PRESET_WORDS[name]) for name in PRESET_TITLES]
    return [*offered, (OWN, "Single scopes", "What you choose below, and nothing else.")]


def titles(scopes: Sequence[str]) -> list[str]:
    """What a key may do, for a list."""
    return [PRESET_TITLES.get(one) or _title(one) for one in scopes]


def _title(scope: str) -> str:
    """A scope in two words: `gate-keys:read` → Read gate keys."""
    noun, _, verb = scope.partition(":")
    return f"{verb.capitalize()} {noun.replace('-', ' ')}"


def sentences(scopes: Sequence[str]) -> list[tuple[str, str]]:
    """What a key may do, as (name, sentence)."""
    return [(one, PRESET_WORDS.get(one) or WORDS.get(one, one)) for one in scopes]


def may_send_events(scopes: Sequence[str]) -> bool:
    """Whether a key with these can send an event."""
    return "events:write" in expand(scopes)


def chosen(form: Fields) -> list[str]:
    """The scopes a form asks for."""
    preset = form.get("preset")
    return [preset] if preset in PRESETS else form.all("scopes")


def shown(scopes: Sequence[str]) -> dict[str, object]:
    """The same as a form's values."""
    if len(scopes) == 1 and scopes[0] in PRESETS:
        return {"preset": scopes[0]}
    single = [str(one) for one in sorted(expand(scopes)) if one in WORDS]
    return {"preset": OWN, "scopes": single}
