"""Audience: lists of contacts made, renamed and ended. Every change is audited with it."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, AudienceId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.contacts import audiences as store
from gatepost.domains.contacts import model
from gatepost.domains.contacts.model import Audience
from gatepost.storage.db import Tx

NOUN = "audience"
TOKEN_BYTES = 16


def create(tx: Tx, account_id: AccountId, name: str, actor: Actor, now: int) -> Audience:
    """Make an audience; raises INVALID, and CONFLICT, which has the one of the same name as
    `audience` in `extra`, or none where the account has too many.
    """
    accounts.hold(tx, account_id)
    _check_name(tx, account_id, name)
    if len(store.list_(tx, account_id)) >= model.AUDIENCES_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {model.AUDIENCES_MAX} audiences")
    made = Audience(
        account_id=account_id,
        id=AudienceId(ids.new()),
        name=name,
        token=secrets.token_hex(TOKEN_BYTES),
        created_at=now,
        updated_at=now,
    )
    store.add(tx, made)
    _note(tx, actor, "audience.create", made, now, after={"name": name})
    return made


def rename(tx: Tx, before: Audience, name: str, actor: Actor, now: int) -> Audience:
    """Call an audience something else; raises INVALID, and CONFLICT as above."""
    accounts.hold(tx, before.account_id)
    if name == before.name:
        return before
    _check_name(tx, before.account_id, name)
    after = msgspec.structs.replace(before, name=name, updated_at=now)
    store.save(tx, after)
    was, is_ = {"name": before.name}, {"name": name}
    _note(tx, actor, "audience.update", after, now, before=was, after=is_)
    return after


def end(tx: Tx, before: Audience, actor: Actor, now: int) -> Audience:
    """End an audience; its contacts stay. Its subscribers are forgotten a little later."""
    accounts.hold(tx, before.account_id)
    ended = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    store.save(tx, ended)
    was = {"name": before.name, "subscribers": before.subscribers}
    _note(tx, actor, "audience.delete", ended, now, before=was)
    return ended


def _check_name(tx: Tx, account_id: AccountId, name: str) -> None:
    model.check_audience(name)
    other = store.find_by_name(tx, account_id, name)
    if other is not None:
        raise AppError(Code.CONFLICT, "Audience already exists", extra={"audience": other})


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    one: Audience,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show(NOUN, one.id), one.name)
    audit.append(tx, one.account_id, actor, action, target, now=now, before=before, after=after)
