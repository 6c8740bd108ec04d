"""Share: let whoever has a link read one report, and end that. Every change is audited with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gatepost.base import clock, crypto, ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, AggregatorId, ProjectId, ShareId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.aggregators import store as aggregators
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.projects import store as projects
from gatepost.domains.shares import store
from gatepost.domains.shares.model import NAME_MAX, SHARES_MAX, VIEW_MAX, Share
from gatepost.engine import access
from gatepost.storage.db import Tx


class NewShare(msgspec.Struct, frozen=True, kw_only=True):
    """A share to be; either of an aggregator or of a project's events."""

    name: str
    aggregator_id: AggregatorId | None = None
    project_id: ProjectId | None = None
    view: str = ""
    expires_at: int | None = None


class Shared(NamedTuple):
    """A share, and its secret, which is known here and nowhere else."""

    share: Share
    secret: str


def create_share(
    tx: Tx, account_id: AccountId, new: NewShare, pepper: bytes, actor: Actor, now: int
) -> Shared:
    """Share a report; raises INVALID, NOT_FOUND and CONFLICT."""
    accounts.hold(tx, account_id)
    _check(tx, account_id, new, now)
    store.drop_ended(tx, account_id, now)
    if len(store.list_(tx, account_id, limit=SHARES_MAX)) == SHARES_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {SHARES_MAX} shares")
    secret = access.new_secret()
    share = Share(
        id=ShareId(ids.new()),
        account_id=account_id,
        name=new.name,
        aggregator_id=new.aggregator_id,
        project_id=new.project_id,
        view=new.view,
        created_by=actor.name,
        created_at=now,
        expires_at=new.expires_at,
    )
    store.append(tx, share, crypto.digest(pepper, secret))
    _note(tx, actor, "share.create", share, now, after=_describe(share))
    return Shared(share, secret)


def revoke_share(tx: Tx, account_id: AccountId, share_id: ShareId, actor: Actor, now: int) -> Share:
    """End a share; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    share = store.get(tx, account_id, share_id)
    store.remove(tx, account_id, share_id)
    _note(tx, actor, "share.revoke", share, now, before=_describe(share))
    return share


def _check(tx: Tx, account_id: AccountId, new: NewShare, now: int) -> None:
    if not new.name.strip() or len(new.name) > NAME_MAX:
        raise invalid((["name"], f"Must have 1 to {NAME_MAX} characters"))
    if len(new.view) > VIEW_MAX:
        raise invalid((["view"], f"At most {VIEW_MAX} characters"))
    if new.expires_at is not None and new.expires_at <= now:
        raise invalid((["expiresAt"], "Must be in the future"))
    if (new.aggregator_id is None) == (new.project_id is None):
        raise invalid((["aggregatorId"], "Name either an aggregator or a project"))
    if new.aggregator_id is not None:
        aggregators.get(tx, account_id, new.aggregator_id)
    if new.project_id is not None:
        projects.get(tx, account_id, new.project_id)


def _describe(share: Share) -> dict[str, Any]:
    aggregator, project, ends = share.aggregator_id, share.project_id, share.expires_at
    return {
        "aggregatorId": None if aggregator is None else ids.show("aggregator", aggregator),
        "projectId": None if project is None else ids.show("project", project),
        "view": share.view,
        "expiresAt": None if ends is None else clock.iso(ends),
    }


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    share: Share,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("share", share.id), share.name, share.project_id)
    audit.append(tx, share.account_id, actor, action, target, now=now, before=before, after=after)
