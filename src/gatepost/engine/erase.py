"""Erase: a person and its aliases go; the events stay and no longer say whose they were."""

from __future__ import annotations

import msgspec

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.events import search
from gatepost.domains.people import store as people
from gatepost.domains.people.model import Person
from gatepost.domains.projects import store as projects
from gatepost.storage.db import Tx


class Erased(msgspec.Struct, frozen=True):
    """Who is gone, under which names it was known, where, and how many events lost it."""

    person: Person
    names: list[str]
    projects: list[ProjectId]
    aliases: int
    events: int


def erase(tx: Tx, account_id: AccountId, user_id: str) -> Erased:
    """Erase a person named by its user id, in all projects of the account.

    Raises NOT_FOUND for anything else, an alias included.
    """
    people.hold(tx, account_id, [user_id])
    person = people.find(tx, account_id, user_id)
    if person is None:
        raise not_found("External Identity matches the supplied user_id")
    names = people.names(tx, account_id, user_id)
    project_ids = projects.all_ids(tx, account_id)
    detached = sum(
        search.forget_user(tx, project_id, name) for project_id in project_ids for name in names
    )
    aliases = people.remove(tx, account_id, user_id)
    return Erased(person, names, project_ids, aliases, detached)
