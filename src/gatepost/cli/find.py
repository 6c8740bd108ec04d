"""What a command means by a name or an id, and by leaving it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.cli.common import USAGE, Failure
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Key
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import Project
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


def key(tx: Tx, of: str | None, wanted: str) -> Key:
    """Find a key by name or id, of one account or of any."""
    raw = _raw("key", wanted)

    def look(owner: AccountId) -> Key | None:
        by_name = keys.find_by_name(tx, owner, wanted)
        return by_name or (keys.find(tx, owner, KeyId(raw)) if raw else None)

    return _single(_across(tx, of, look), f"key {wanted!r}", "say whose with --account")


def _across(tx: Tx, of: str | None, look: Callable[[AccountId], T | None]) -> list[T]:
    owners = accounts.list_(tx) if of is None else [account(tx, of)]
    return [one for one in (look(owner.id) for owner in owners) if one is not None]


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
