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
    MESSAGES_SEND = "messages:send"
    ANY = "any"


PRESETS: dict[str, frozenset[Scope]] = {
    "full": frozenset(Scope) - {Scope.ANY},
    "read": frozenset(scope for scope in Scope if scope.endswith(":read")),
    "events": frozenset({Scope.EVENTS_WRITE, Scope.IDENTITIES_WRITE}),
    "sending": frozenset({Scope.MESSAGES_SEND}),
}

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
