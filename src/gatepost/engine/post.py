"""Post: mailers made, changed and ended; who gets no more mails; what a mail needs to be sent.
Changes are audited with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.base import clock, emails, ids
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import (
    AccountId,
    AttachmentId,
    AuditId,
    MailerId,
    MessageId,
    SuppressionId,
)
from gatepost.base.vault import Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.attachments import store as attachments
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Entry, Target
from gatepost.domains.emaildomains import store as emaildomains
from gatepost.domains.emaildomains.model import SendingDomain
from gatepost.domains.mailers import model, store
from gatepost.domains.mailers.model import Mailer, MailerKind, Tls
from gatepost.domains.outbox import store as outbox
from gatepost.domains.suppressions import store as suppressions
from gatepost.domains.suppressions.model import Suppression, Why
from gatepost.storage.db import Tx

MAILERS_MAX = 20
NOUN = "mailer"
SECRETS = "mailer secrets"
SYSTEM = Actor("system", "", "delivery")


class NewMailer(msgspec.Struct, frozen=True, kw_only=True):
    """A mailer to be; `secret` is in clear, empty for none."""

    kind: MailerKind
    name: str = ""
    priority: int = 10
    enabled: bool = True
    any_sender: bool = False
    host: str = ""
    port: int | None = None
    tls: Tls = Tls.REQUIRED
    username: str = ""
    region: str = ""
    url: str = ""
    stream: str = ""
    secret: str = ""


class Which(msgspec.Struct, frozen=True):
    """Which suppression is meant: by id, or by address."""

    id: SuppressionId | None
    address: str


class Ready(NamedTuple):
    """What is known when a mail is about to be sent to somebody."""

    suppressed: Suppression | None
    mailers: list[Mailer]
    domain: SendingDomain | None
    files: dict[AttachmentId, bytes]


class Secrets:
    """Seals and opens the secrets of mailers."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the key."""
        self._vault = Vault(pepper, SECRETS)

    def seal(self, secret: str, mailer_id: MailerId) -> bytes:
        """Seal one; nothing stays nothing."""
        return self._vault.seal(secret, mailer_id) if secret else b""

    def open(self, mailer: Mailer) -> str:
        """Open a mailer's; raises Damaged."""
        return self._vault.open(mailer.secret, mailer.id) if mailer.secret else ""


def create(
    tx: Tx, account_id: AccountId, new: NewMailer, secrets: Secrets, actor: Actor, now: int
) -> Mailer:
    """Make a mailer; raises INVALID, or CONFLICT where there are too many."""
    accounts.hold(tx, account_id)
    if len(store.list_(tx, account_id)) >= MAILERS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {MAILERS_MAX} mailers")
    mailer_id = MailerId(ids.new())
    given = {k: v for k, v in msgspec.structs.asdict(new).items() if k not in {"secret", "port"}}
    made = Mailer(
        **given | {"name": new.name or new.kind.value},
        account_id=account_id,
        id=mailer_id,
        port=new.port or model.PORTS.get(new.tls.value, model.PORT),
        secret=secrets.seal(new.secret, mailer_id),
        created_at=now,
        updated_at=now,
    )
    model.check(made, has_secret=bool(made.secret))
    store.add(tx, made)
    _note(tx, actor, "mailer.create", made, now, after=model.describe(made))
    return made


def change(
    tx: Tx,
    account_id: AccountId,
    mailer_id: MailerId,
    changes: dict[str, Any],
    secrets: Secrets,
    actor: Actor,
    now: int,
) -> Mailer:
    """Change members of a mailer; a `secret` comes in clear. Raises NOT_FOUND and INVALID."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, mailer_id)
    values = dict(changes)
    if "secret" in values:
        values["secret"] = secrets.seal(values["secret"], mailer_id)
    elsewhere = {"host", "port", "url", "region"} & {
        name for name, value in values.items() if getattr(before, name) != value
    }
    if elsewhere and before.secret and "secret" not in values:
        raise invalid((["secret"], f"Give it again where {min(elsewhere)} changes"))
    after = msgspec.structs.replace(before, **values, updated_at=now)
    model.check(after, has_secret=bool(after.secret))
    store.save(tx, after)
    shown = model.describe(after) | ({"secret": "changed"} if "secret" in changes else {})
    _note(tx, actor, "mailer.update", after, now, before=model.describe(before), after=shown)
    return after


def end(tx: Tx, account_id: AccountId, mailer_id: MailerId, actor: Actor, now: int) -> Mailer:
    """Forget a mailer; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, mailer_id)
    store.remove(tx, account_id, mailer_id)
    _note(tx, actor, "mailer.delete", before, now, before=model.describe(before))
    return before


def suppress(
    tx: Tx,
    account_id: AccountId,
    address: str,
    why: Why,
    reason: str,
    actor: Actor,
    now: int,
    *,
    until: int | None = None,
) -> tuple[Suppression, bool]:
    """Send an address nothing more, or nothing until a moment (ms); returns what keeps mails from
    it, and whether that is new.

    Raises INVALID for what is no address.
    """
    made = suppression(account_id, address_of(address), why, reason, now, until=until)
    if not suppressions.add(tx, made, now):
        known = suppressions.find_by_address(tx, account_id, made.address, now)
        return known or made, False
    _note_of(tx, actor, "suppression.create", made, now)
    return made, True


def stop(
    tx: Tx, account_id: AccountId, address: str, why: Why, reason: str, actor: Actor, now: int
) -> None:
    """Send an address nothing more, for good: what would end otherwise does not any more."""
    made, fresh = suppress(tx, account_id, address, why, reason, actor, now)
    if not fresh and made.keep_until is not None:
        changed = msgspec.structs.replace(made, type=why, reason=reason, keep_until=None)
        amend(tx, changed, actor, now)


def amend(tx: Tx, after: Suppression, actor: Actor, now: int) -> Suppression:
    """Tell otherwise why an address gets nothing more, or until when."""
    suppressions.save(tx, after)
    _note_of(tx, actor, "suppression.update", after, now)
    return after


def suppress_all(tx: Tx, ones: Sequence[Suppression], actor: Actor, now: int) -> set[SuppressionId]:
    """Send many addresses nothing more; returns which of these are kept: each address has one."""
    fresh = suppressions.add_all(tx, ones, now)
    entries = [_entry_of(actor, "suppression.create", one, now) for one in ones if one.id in fresh]
    if entries:
        audit.append_all(tx, entries)
    return fresh


def suppression(
    account_id: AccountId,
    address: str,
    why: Why,
    reason: str,
    at: int,
    *,
    until: int | None = None,
) -> Suppression:
    """A suppression to be, of an address in its normal form."""
    return Suppression(
        account_id=account_id,
        id=SuppressionId(ids.new()),
        address=address,
        type=why,
        reason=reason,
        created_at=at,
        keep_until=until,
    )


def suppressed(tx: Tx, account_id: AccountId, which: Which, now: int) -> Suppression:
    """Look one of the account's up; raises NOT_FOUND."""
    if which.id is not None:
        return suppressions.get(tx, account_id, which.id, now)
    found = suppressions.find_by_address(tx, account_id, which.address, now)
    if found is None:
        raise not_found("suppression of this address")
    return found


def release(tx: Tx, one: Suppression, actor: Actor, now: int) -> None:
    """Let mails go to an address again."""
    suppressions.remove(tx, one.account_id, one.id)
    _note_of(tx, actor, "suppression.delete", one, now)


def address_of(text: str) -> str:
    """An address in its normal form; raises INVALID."""
    try:
        return emails.normal(text)
    except ValueError as wrong:
        raise invalid((["email"], str(wrong))) from None


def ready(
    tx: Tx, account_id: AccountId, message_id: MessageId, sender: str, recipient: str, now: int
) -> Ready:
    """Look up all that a mail needs to be sent to one of its recipients."""
    return Ready(
        suppressions.find_by_address(tx, account_id, emails.normal(recipient), now),
        store.list_(tx, account_id),
        emaildomains.sender_of(tx, account_id, sender),
        attachments.of_message(tx, account_id, message_id),
    )


def forget_files(
    tx: Tx, account_id: AccountId, after: MessageId | None, before: bytes, limit: int
) -> MessageId | None:
    """Forget attachments of messages that are no more, or no longer say anything; those newer than
    an id may not have been stored yet. Returns where to go on, None at the end.
    """
    found = [one for one in attachments.messages(tx, account_id, after, limit) if one < before]
    kept = outbox.messages_by_id(tx, account_id, found)
    gone = [one for one in found if one not in kept or kept[one].body is None]
    if gone:
        attachments.remove(tx, account_id, gone)
    return found[-1] if len(found) == limit else None


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    mailer: Mailer,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show(NOUN, mailer.id), mailer.name)
    audit.append(tx, mailer.account_id, actor, action, target, now=now, before=before, after=after)


def _note_of(tx: Tx, actor: Actor, action: str, one: Suppression, now: int) -> None:
    audit.append_all(tx, [_entry_of(actor, action, one, now)])


def _entry_of(actor: Actor, action: str, one: Suppression, now: int) -> Entry:
    return Entry(
        id=AuditId(ids.new()),
        account_id=one.account_id,
        at=now,
        actor=actor,
        action=action,
        object=ids.show("suppression", one.id),
        object_name=one.address,
        after={
            "address": one.address,
            "type": one.type.value,
            "reason": one.reason,
            "keepUntil": None if one.keep_until is None else clock.iso(one.keep_until),
        },
    )
