"""Export: all that is held of a person."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.events import search
from gatepost.domains.events.model import Event
from gatepost.domains.people import store as people
from gatepost.domains.people.model import Person
from gatepost.domains.projects import store as projects
from gatepost.storage.db import Tx

CHUNK = 500


class Held(msgspec.Struct, frozen=True):
    """A person, its aliases, every name its events may carry, and the projects they are in."""

    person: Person
    aliases: list[str]
    names: tuple[str, ...]
    projects: list[ProjectId]


def held(tx: Tx, account_id: AccountId, name: str) -> Held:
    """Look up a person by user id or alias; raises NOT_FOUND."""
    person = people.get(tx, account_id, name)
    return Held(
        person,
        people.aliases(tx, account_id, person.user_id),
        tuple(people.names(tx, account_id, person.user_id)),
        projects.all_ids(tx, account_id),
    )


def page(tx: Tx, who: Held, before: bytes | None, limit: int) -> list[Event]:
    """A person's events in all projects of the account, newest first."""
    wanted = search.Filter(users=who.names, before=before)
    return search.find_in(tx, who.projects, wanted, limit)


def events(tx: Tx, who: Held) -> Iterator[Event]:
    """All of a person's events, newest first, never many of them in memory."""
    before: bytes | None = None
    while chunk := page(tx, who, before, CHUNK):
        yield from chunk
        before = chunk[-1].id
