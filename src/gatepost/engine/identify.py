"""Identify: a person's properties and aliases, under the project's rule for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.people import store as people
from gatepost.domains.people.model import Person
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import IdentifyMode
from gatepost.storage.db import Tx


class Identify(msgspec.Struct, frozen=True):
    """What is now known of a person. `properties` None leaves nothing to merge."""

    user_id: str
    properties: dict[str, Any]
    aliases: tuple[str, ...]


class Identified(msgspec.Struct, frozen=True):
    """The person as stored, and which aliases it holds or could not get."""

    person: Person
    created: list[str]
    failed: list[str]


def identify(
    tx: Tx, account_id: AccountId, project_id: ProjectId, command: Identify, now: int
) -> Identified:
    """Make or update a person. An alias another person holds stays with that one."""
    people.hold(tx, account_id, {command.user_id, *command.aliases})
    project = projects.find(tx, account_id, project_id)
    if project is None:
        raise AppError(Code.FORBIDDEN, "The project of this key was deleted")
    properties = command.properties
    if project.identify_mode is IdentifyMode.MERGE:
        properties = _stored(tx, account_id, command.user_id) | properties
    text = msgspec.json.encode(properties).decode()
    person = people.put(tx, account_id, command.user_id, text, now)
    created, failed = _claim(tx, account_id, command, now)
    return Identified(person, created, failed)


def _stored(tx: Tx, account_id: AccountId, user_id: str) -> dict[str, Any]:
    person = people.find(tx, account_id, user_id)
    stored: dict[str, Any] = msgspec.json.decode(person.properties_json) if person else {}
    return stored


def _claim(
    tx: Tx, account_id: AccountId, command: Identify, now: int
) -> tuple[list[str], list[str]]:
    created: list[str] = []
    failed: list[str] = []
    for alias in dict.fromkeys(command.aliases):
        free = alias == command.user_id or _free(tx, account_id, alias)
        won = free and people.claim_alias(tx, account_id, alias, command.user_id, now)
        (created if won else failed).append(alias)
    return created, failed


def _free(tx: Tx, account_id: AccountId, alias: str) -> bool:
    """Another person's user id is taken like an alias: it always leads to that person."""
    return people.find(tx, account_id, alias) is None


def known_names(tx: Tx, account_id: AccountId, name: str) -> Sequence[str]:
    """Every name events of this person may carry: user id and aliases, or the name alone."""
    user_id = people.resolve(tx, account_id, [name]).get(name, name)
    return people.names(tx, account_id, user_id)
