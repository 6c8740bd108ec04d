"""What contacts, audiences and subscribers are. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import emails
from gatepost.base.errors import invalid
from gatepost.base.ids import AccountId, AudienceId, ContactId, SubscriberId

NAME_MAX = 255
"""Characters of a first name, of a last name, and of an audience's name."""
FIELDS_MAX = 100
FIELDS_BYTES_MAX = 8_192
"""Custom fields of a contact, and their bytes as JSON."""
CONTACTS_MAX = 1_000_000
AUDIENCES_MAX = 1_000
MEMBERSHIPS_MAX = 100
"""Contacts and audiences of an account, and audiences that a contact is on."""

_LINE = re.compile(r"[^\x00-\x1f\x7f]*")

Problem = tuple[list[str | int], str]


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an address, of which an account has one contact. `email` is in its normal form,
    `custom_fields` are any JSON. Who is `unsubscribed` gets no mails to audiences. Times in ms.
    """

    account_id: AccountId
    id: ContactId
    email: str
    first_name: str | None = None
    last_name: str | None = None
    custom_fields: dict[str, Any] = {}
    unsubscribed: bool = False
    created_at: int
    updated_at: int


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as somebody gives it: of one that is new, what is UNSET is empty; of one that is
    known it stays as it is. `email` is in its normal form.
    """

    email: str
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    custom_fields: dict[str, Any] | UnsetType = UNSET
    unsubscribed: bool | UnsetType = UNSET


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """A list that contacts are on. `subscribers` is how many are, those who have unsubscribed too;
    `token` names it to the public. Times in ms.
    """

    account_id: AccountId
    id: AudienceId
    name: str
    token: str
    subscribers: int = 0
    created_at: int
    updated_at: int
    deleted_at: int | None = None


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A contact's membership of an audience, which stays when it has unsubscribed. Times in ms."""

    account_id: AccountId
    audience_id: AudienceId
    id: SubscriberId
    contact_id: ContactId
    subscribed: bool = True
    subscribed_at: int | None = None
    unsubscribed_at: int | None = None
    created_at: int
    updated_at: int


class Member(msgspec.Struct, frozen=True):
    """A subscriber and whom it is about."""

    subscriber: Subscriber
    contact: Contact


class Membership(msgspec.Struct, frozen=True):
    """A subscriber and the name of the audience it is about."""

    subscriber: Subscriber
    audience: str


def address_of(text: str) -> str:
    """An address alone in its normal form; raises INVALID."""
    try:
        found, named = emails.normal(text), emails.read(text).name
    except ValueError as wrong:
        raise invalid((["email"], str(wrong))) from None
    if named:
        raise invalid((["email"], "Must be an address alone"))
    return found


def toggled(one: Subscriber, now: int, *, subscribed: bool) -> Subscriber:
    """A subscriber that has subscribed or unsubscribed; the moment is that of the change."""
    if one.subscribed is subscribed:
        return one
    when = {"subscribed_at" if subscribed else "unsubscribed_at": now}
    return msgspec.structs.replace(one, subscribed=subscribed, updated_at=now, **when)


def changed(before: Contact, given: Given, now: int, *, merge: bool) -> Contact:
    """A contact with what is given of it; custom fields are added to those there are where
    `merge`, else they take their place. One that stays as it is comes back itself.
    """
    values: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET
    }
    if merge and "custom_fields" in values:
        values["custom_fields"] = before.custom_fields | values["custom_fields"]
    after = msgspec.structs.replace(before, **values)
    return before if after == before else msgspec.structs.replace(after, updated_at=now)


def check(contact: Contact) -> None:
    """Raise INVALID for what can be no contact."""
    problems: list[Problem] = []
    for member in ("first_name", "last_name"):
        problems += _line(member, getattr(contact, member) or "")
    if len(contact.custom_fields) > FIELDS_MAX:
        problems.append((["custom_fields"], f"At most {FIELDS_MAX} fields"))
    elif len(msgspec.json.encode(contact.custom_fields)) > FIELDS_BYTES_MAX:
        problems.append((["custom_fields"], f"At most {FIELDS_BYTES_MAX} bytes as JSON"))
    if problems:
        raise invalid(*problems)


def check_audience(name: str) -> None:
    """Raise INVALID for what can be no name of an audience."""
    problems = _line("name", name)
    if not name.strip():
        problems.append((["name"], "Must not be empty"))
    if problems:
        raise invalid(*problems)


def _line(member: str, text: str) -> list[Problem]:
    if len(text) > NAME_MAX:
        return [([member], f"At most {NAME_MAX} characters")]
    if not _LINE.fullmatch(text):
        return [([member], "Must be one line")]
    return []
