"""Erase: a person, its aliases, devices and contacts go; events stay and no longer say whose they
were, and messages that told of them say nothing any more.

A contact is the person's where its address is one of the person's names, or its property `email`.
"""

from __future__ import annotations

import msgspec

from gatepost.base.errors import AppError, not_found
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.contacts import model as contact_model
from gatepost.domains.contacts import store as contacts
from gatepost.domains.devices import store as devices
from gatepost.domains.events import search
from gatepost.domains.outbox import store as outbox
from gatepost.domains.people import store as people
from gatepost.domains.people.model import Person
from gatepost.domains.projects import store as projects
from gatepost.engine import export, gather
from gatepost.engine.export import Held
from gatepost.storage.db import Tx

EMAIL = "email"


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
    _forget_contacts(tx, account_id, person, names)
    project_ids = projects.all_ids(tx, account_id)
    _forget_messages(tx, account_id, export.held(tx, account_id, user_id))
    detached = sum(
        search.forget_user(tx, project_id, name) for project_id in project_ids for name in names
    )
    devices.forget_users(tx, account_id, names)
    aliases = people.remove(tx, account_id, user_id)
    return Erased(person, names, project_ids, aliases, detached)


def _forget_messages(tx: Tx, account_id: AccountId, who: Held) -> None:
    before: bytes | None = None
    while chunk := export.page(tx, who, before, export.CHUNK):
        outbox.forget_events(tx, account_id, [one.id for one in chunk])
        before = chunk[-1].id


def _forget_contacts(tx: Tx, account_id: AccountId, person: Person, names: list[str]) -> None:
    told = msgspec.json.decode(person.properties_json).get(EMAIL)
    texts = [*names, told] if isinstance(told, str) else names
    addresses = {one for one in map(_address, texts) if one is not None}
    if addresses:
        accounts.hold(tx, account_id)
        found = contacts.by_emails(tx, account_id, addresses)
        gather.remove(tx, account_id, [one.id for one in found.values()])


def _address(text: str) -> str | None:
    try:
        return contact_model.address_of(text)
    except AppError:
        return None
