"""Gather: contacts made, changed and ended, and who is on which audience. Changes are audited with
it, without anybody's address: the audit log forgets nothing.

`merge` does many at once, in a handful of statements.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, AudienceId, ContactId, SubscriberId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.contacts import audiences, model, store, subscribers
from gatepost.domains.contacts.model import Contact, Given, Member, Subscriber
from gatepost.storage.db import Tx

NOUN = "contact"
SUBSCRIBER = "subscriber"


class Merged(msgspec.Struct, frozen=True):
    """What has become of one contact that was given: whether it is new, whether it is another than
    before, and the memberships that are new.
    """

    contact: Contact
    made: bool
    changed: bool
    joined: tuple[Subscriber, ...] = ()


def merge(
    tx: Tx,
    account_id: AccountId,
    given: Sequence[Given],
    audience_ids: Collection[AudienceId],
    actor: Actor,
    now: int,
) -> list[Merged | AppError]:
    """Make contacts, or add to those of the same address, and put them on audiences; raises
    NOT_FOUND where one of these is not there.

    Outcomes come in the order of what is given; one that cannot be refuses itself alone, with
    INVALID, or with CONFLICT where the account has too many. An address that comes again adds to
    what it was before. It is one line of the audit log; nobody else is told. Give some hundreds at
    once.
    """
    accounts.hold(tx, account_id)
    for this in audience_ids:
        audiences.get(tx, account_id, this)
    pile = _Pile(tx, account_id, given, now)
    outcomes = [pile.take(one) for one in given]
    pile.save(tx)
    joined = _join(tx, account_id, list(pile.taken.values()), audience_ids, now)
    _note_merge(tx, account_id, pile, actor, now)
    return [
        one
        if isinstance(one, AppError)
        else Merged(
            pile.taken[one.contact.email], one.made, one.changed, joined.pop(one.contact.id, ())
        )
        for one in outcomes
    ]


def create(
    tx: Tx,
    account_id: AccountId,
    given: Given,
    audience_ids: Collection[AudienceId],
    actor: Actor,
    now: int,
) -> Merged:
    """Make a contact and put it on audiences, which must be there.

    Raises INVALID, and CONFLICT, which has the one of the same address as `contact` in `extra`, or
    none where the account has too many.
    """
    accounts.hold(tx, account_id)
    known = store.by_emails(tx, account_id, [given.email]).get(given.email)
    if known is not None:
        raise taken(known)
    made = _made(account_id, given, now)
    if store.count(tx, account_id) >= model.CONTACTS_MAX:
        raise _too_many()
    store.add_all(tx, account_id, [made])
    joined = _join(tx, account_id, [made], audience_ids, now)
    _note(tx, account_id, actor, "contact.create", made.id, now)
    return Merged(made, made=True, changed=False, joined=joined.get(made.id, ()))


def change(
    tx: Tx, before: Contact, given: Given, actor: Actor, now: int, *, merge: bool = False
) -> Contact:
    """Change a contact, whose account is held; its custom fields are replaced unless they shall
    `merge`. Raises INVALID, and CONFLICT as above.
    """
    after = model.changed(before, given, now, merge=merge)
    if after is before:
        return before
    model.check(after)
    if after.email != before.email:
        other = store.by_emails(tx, before.account_id, [after.email]).get(after.email)
        if other is not None:
            raise taken(other)
    store.save_all(tx, [after])
    _note(tx, before.account_id, actor, "contact.update", before.id, now)
    return after


def end(
    tx: Tx, account_id: AccountId, contact_ids: Collection[ContactId], actor: Actor, now: int
) -> list[Contact]:
    """Forget contacts and their memberships; returns those there were."""
    accounts.hold(tx, account_id)
    gone = list(store.by_ids(tx, account_id, contact_ids).values())
    remove(tx, account_id, [one.id for one in gone])
    for one in gone:
        _note(tx, account_id, actor, "contact.delete", one.id, now)
    return gone


def remove(tx: Tx, account_id: AccountId, contact_ids: Collection[ContactId]) -> None:
    """Forget contacts and their memberships, of which nobody is told."""
    if contact_ids:
        subscribers.remove_contacts(tx, account_id, contact_ids)
        store.remove(tx, account_id, contact_ids)


def put_off(
    tx: Tx,
    account_id: AccountId,
    contact_ids: Collection[ContactId],
    actor: Actor,
    now: int,
    *,
    unsubscribed: bool,
) -> list[Contact]:
    """Unsubscribe contacts from all that goes to audiences, or no longer; returns those that have
    changed.
    """
    accounts.hold(tx, account_id)
    known = store.by_ids(tx, account_id, contact_ids).values()
    changed = [
        msgspec.structs.replace(one, unsubscribed=unsubscribed, updated_at=now)
        for one in known
        if one.unsubscribed is not unsubscribed
    ]
    store.save_all(tx, changed)
    for one in changed:
        _note(tx, account_id, actor, "contact.update", one.id, now)
    return changed


def join(
    tx: Tx,
    account_id: AccountId,
    contact_ids: Collection[ContactId],
    audience_id: AudienceId,
    actor: Actor,
    now: int,
) -> list[Member]:
    """Put contacts on an audience, which must be there; returns those who were not on it, and are
    not on too many others.
    """
    accounts.hold(tx, account_id)
    known = store.by_ids(tx, account_id, contact_ids)
    joined = _join(tx, account_id, list(known.values()), [audience_id], now)
    made = [Member(one, known[whose]) for whose, mine in joined.items() for one in mine]
    for one in made:
        _note(tx, account_id, actor, "subscriber.create", one.subscriber.id, now, SUBSCRIBER)
    return made


def leave(
    tx: Tx,
    account_id: AccountId,
    contact_ids: Collection[ContactId],
    audience_id: AudienceId,
    actor: Actor,
    now: int,
) -> list[Member]:
    """Take contacts off an audience; returns those who were on it."""
    accounts.hold(tx, account_id)
    known = store.by_ids(tx, account_id, contact_ids)
    found = subscribers.memberships(tx, account_id, list(known))
    gone = [
        Member(one.subscriber, known[whose])
        for whose, mine in found.items()
        for one in mine
        if one.subscriber.audience_id == audience_id
    ]
    for one in gone:
        subscribers.remove(tx, one.subscriber)
        _note(tx, account_id, actor, "subscriber.delete", one.subscriber.id, now, SUBSCRIBER)
    return gone


def toggle(tx: Tx, before: Subscriber, actor: Actor, now: int, *, subscribed: bool) -> Subscriber:
    """Subscribe a contact to an audience it is on, or unsubscribe it; its account is held."""
    after = model.toggled(before, now, subscribed=subscribed)
    if after is not before:
        subscribers.save_all(tx, [after])
        _note(tx, before.account_id, actor, "subscriber.update", before.id, now, SUBSCRIBER)
    return after


def taken(other: Contact) -> AppError:
    """The refusal of an address that another contact has."""
    return AppError(Code.CONFLICT, "Contact already exists", extra={"contact": other})


class _Pile:
    """Contacts that are made or changed together: those there are of some addresses, and what has
    become of them so far.
    """

    def __init__(self, tx: Tx, account_id: AccountId, given: Sequence[Given], now: int) -> None:
        self._account_id = account_id
        self._now = now
        self._known = store.by_emails(tx, account_id, {one.email for one in given})
        self._room = model.CONTACTS_MAX - store.count(tx, account_id)
        self.taken: dict[str, Contact] = {}

    def take(self, given: Given) -> Merged | AppError:
        """Make one, or add to it."""
        before = self.taken.get(given.email) or self._known.get(given.email)
        try:
            after = self._after(before, given)
        except AppError as refusal:
            return refusal
        self.taken[given.email] = after
        return Merged(after, before is None, before is not None and after is not before)

    def _after(self, before: Contact | None, given: Given) -> Contact:
        if before is not None:
            after = model.changed(before, given, self._now, merge=True)
            model.check(after)
            return after
        made = _made(self._account_id, given, self._now)
        if self._room <= 0:
            raise _too_many()
        self._room -= 1
        return made

    def made(self) -> list[Contact]:
        """Those that are new."""
        return [one for email, one in self.taken.items() if email not in self._known]

    def changed(self) -> list[Contact]:
        """Those that are others than before."""
        return [
            one
            for email, one in self.taken.items()
            if email in self._known and one is not self._known[email]
        ]

    def save(self, tx: Tx) -> None:
        """Keep them."""
        store.add_all(tx, self._account_id, self.made())
        store.save_all(tx, self.changed())


def _made(account_id: AccountId, given: Given, now: int) -> Contact:
    empty = Contact(
        account_id=account_id,
        id=ContactId(ids.new()),
        email=given.email,
        created_at=now,
        updated_at=now,
    )
    made = model.changed(empty, given, now, merge=False)
    model.check(made)
    return made


def _join(
    tx: Tx,
    account_id: AccountId,
    people: Sequence[Contact],
    audience_ids: Collection[AudienceId],
    now: int,
) -> dict[ContactId, tuple[Subscriber, ...]]:
    """Put contacts on audiences they are not on yet, as far as there is room."""
    if not audience_ids:
        return {}
    found = subscribers.memberships(tx, account_id, [one.id for one in people])
    joined = {}
    for one in people:
        on = {mine.subscriber.audience_id for mine in found.get(one.id, ())}
        wanted = [this for this in dict.fromkeys(audience_ids) if this not in on]
        room = model.MEMBERSHIPS_MAX - len(on)
        joined[one.id] = tuple(_subscriber(one, this, now) for this in wanted[:room])
    subscribers.add_all(tx, [one for mine in joined.values() for one in mine])
    return joined


def _subscriber(contact: Contact, audience_id: AudienceId, now: int) -> Subscriber:
    on = not contact.unsubscribed
    return Subscriber(
        account_id=contact.account_id,
        audience_id=audience_id,
        id=SubscriberId(ids.new()),
        contact_id=contact.id,
        subscribed=on,
        subscribed_at=now if on else None,
        unsubscribed_at=None if on else now,
        created_at=now,
        updated_at=now,
    )


def _too_many() -> AppError:
    return AppError(Code.CONFLICT, f"An account has at most {model.CONTACTS_MAX} contacts")


def _note(
    tx: Tx,
    account_id: AccountId,
    actor: Actor,
    action: str,
    raw: bytes,
    now: int,
    noun: str = NOUN,
) -> None:
    audit.append(tx, account_id, actor, action, Target(ids.show(noun, raw)), now=now)


def _note_merge(tx: Tx, account_id: AccountId, pile: _Pile, actor: Actor, now: int) -> None:
    counts: dict[str, Any] = {"made": len(pile.made()), "changed": len(pile.changed())}
    if any(counts.values()):
        target = Target(ids.show("account", account_id))
        audit.append(tx, account_id, actor, "contact.import", target, now=now, after=counts)
