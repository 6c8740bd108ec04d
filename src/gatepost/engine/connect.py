"""Connect: the providers of an account, one of each kind, in an order of their own. Changes are
audited as those of any mailer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit.model import Actor
from gatepost.domains.mailers import model, store
from gatepost.domains.mailers.model import Mailer, MailerKind
from gatepost.engine import post
from gatepost.engine.post import NewMailer, Secrets
from gatepost.storage.db import Tx

Kinds = Sequence[MailerKind]


def connected(tx: Tx, account_id: AccountId, kinds: Kinds) -> list[Mailer]:
    """The account's provider of each kind that has one, in the order in which they are asked; of
    several, the one that is asked first.
    """
    found: dict[MailerKind, Mailer] = {}
    for one in store.list_(tx, account_id):
        if one.kind in kinds:
            found.setdefault(one.kind, one)
    return list(found.values())


def connect(
    tx: Tx,
    account_id: AccountId,
    kind: MailerKind,
    secret: str,
    kinds: Kinds,
    secrets: Secrets,
    actor: Actor,
    now: int,
) -> Mailer:
    """Give the provider of a kind a key; a new one is asked after those of all `kinds`, and judges
    by itself in whose name it sends. Raises CONFLICT where there are too many mailers.
    """
    accounts.hold(tx, account_id)
    mine = connected(tx, account_id, kinds)
    known = _of(mine, kind)
    if known is not None:
        changes: dict[str, Any] = {"secret": secret} | ({} if known.enabled else {"enabled": True})
        return post.change(tx, account_id, known.id, changes, secrets, actor, now)
    last = max((one.priority for one in mine), default=0)
    priority = min(last + 1, model.PRIORITY_MAX)
    new = NewMailer(kind=kind, priority=priority, any_sender=True, secret=secret)
    return post.create(tx, account_id, new, secrets, actor, now)


def disconnect(tx: Tx, account_id: AccountId, kind: MailerKind, actor: Actor, now: int) -> None:
    """Forget whatever mailers the account has of a kind."""
    accounts.hold(tx, account_id)
    for one in store.list_(tx, account_id):
        if one.kind is kind:
            post.end(tx, account_id, one.id, actor, now)


def rank(
    tx: Tx,
    account_id: AccountId,
    kind: MailerKind,
    priority: int,
    kinds: Kinds,
    secrets: Secrets,
    actor: Actor,
    now: int,
) -> list[Mailer]:
    """Give the provider of a kind a priority; whoever has it takes the former one. Returns them
    in their order; raises NOT_FOUND where there is none of the kind.
    """
    accounts.hold(tx, account_id)
    mine = connected(tx, account_id, kinds)
    chosen = _of(mine, kind)
    if chosen is None:
        raise not_found("provider of this kind")
    if chosen.priority == priority:
        return mine
    moves = {one.id: chosen.priority for one in mine if one.priority == priority}
    for mailer_id, to in {**moves, chosen.id: priority}.items():
        post.change(tx, account_id, mailer_id, {"priority": to}, secrets, actor, now)
    return connected(tx, account_id, kinds)


def _of(mine: Sequence[Mailer], kind: MailerKind) -> Mailer | None:
    return next((one for one in mine if one.kind is kind), None)
