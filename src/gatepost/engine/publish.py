"""Publish: templates made, changed, published and ended. Every change is audited with it.

Whoever calls these has seen that the texts are templates (`render.check`): that takes too long for
a transaction.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, TemplateId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.templates import model, store
from gatepost.domains.templates.model import Template
from gatepost.domains.templates.store import NOUN
from gatepost.storage.db import Tx

VERSIONS_MAX = 2000


class NewTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be. Where `publish` is None, the first version of an alias is published."""

    alias: str
    name: str
    subject: str
    html: str | None = None
    text: str | None = None
    sender: str = ""
    reply_to: str = ""
    publish: bool | None = None


class TemplateChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a version; UNSET stays as it is."""

    name: str | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    html: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    sender: str | UnsetType = UNSET
    reply_to: str | UnsetType = UNSET


def create(tx: Tx, account_id: AccountId, new: NewTemplate, actor: Actor, now: int) -> Template:
    """Make a version; raises INVALID, NOT_FOUND (no such account) and CONFLICT."""
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    if store.count(tx, account_id) >= VERSIONS_MAX:
        detail = f"An account has at most {VERSIONS_MAX} versions of templates"
        raise AppError(Code.CONFLICT, detail)
    first = not store.versions(tx, account_id, new.alias)
    goes_out = first if new.publish is None else new.publish
    made = Template(
        account_id=account_id,
        id=TemplateId(ids.new()),
        alias=new.alias,
        version=store.next_version(tx, account_id, new.alias),
        name=new.name,
        subject=new.subject,
        html=new.html,
        text=new.text,
        sender=new.sender,
        reply_to=new.reply_to,
        published_at=now if goes_out else None,
        created_at=now,
        updated_at=now,
    )
    model.check(made)
    if goes_out:
        _unpublish(tx, made, now)
    store.add(tx, made)
    _note(tx, actor, "template.create", made, now, after=model.describe(made))
    return made


def change(
    tx: Tx,
    account_id: AccountId,
    template_id: TemplateId,
    changes: TemplateChanges,
    actor: Actor,
    now: int,
) -> Template:
    """Change a version where it stands, published or not; raises INVALID and NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, template_id)
    given = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    changed = msgspec.structs.replace(before, **given, updated_at=now)
    model.check(changed)
    store.save(tx, changed)
    was, is_ = model.describe(before), model.describe(changed)
    _note(tx, actor, "template.update", changed, now, before=was, after=is_)
    return changed


def publish(
    tx: Tx, account_id: AccountId, template_id: TemplateId, actor: Actor, now: int
) -> Template:
    """Publish a version in place of the one that is; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, template_id)
    if before.published_at is not None:
        return before
    _unpublish(tx, before, now)
    published = msgspec.structs.replace(before, published_at=now, updated_at=now)
    store.save(tx, published)
    was, is_ = model.describe(before), model.describe(published)
    _note(tx, actor, "template.publish", published, now, before=was, after=is_)
    return published


def end(tx: Tx, account_id: AccountId, template_id: TemplateId, actor: Actor, now: int) -> Template:
    """Delete a version and forget its texts; raises NOT_FOUND. No other version is published in
    its place.
    """
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, template_id)
    ended = msgspec.structs.replace(
        before, html=None, text=None, published_at=None, updated_at=now, deleted_at=now
    )
    store.save(tx, ended)
    _note(tx, actor, "template.delete", ended, now, before=model.describe(before))
    return ended


def _unpublish(tx: Tx, template: Template, now: int) -> None:
    """Withdraw the version of an alias that is published."""
    other = store.published(tx, template.account_id, template.alias)
    if other is not None:
        store.save(tx, msgspec.structs.replace(other, published_at=None, updated_at=now))


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    template: Template,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show(NOUN, template.id), template.alias)
    audit.append(
        tx, template.account_id, actor, action, target, now=now, before=before, after=after
    )
