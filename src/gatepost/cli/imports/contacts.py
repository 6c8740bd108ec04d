"""People with an address, and the audiences they are on.

What is there of a contact stays, what it lacks is added. Who has unsubscribed elsewhere has here
too, and nobody is ever subscribed again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, AudienceId
from gatepost.cli.common import sentence
from gatepost.cli.imports.cells import Cells, Column, sound
from gatepost.cli.imports.running import Result, Verdict, refused
from gatepost.cli.local import Local
from gatepost.domains.contacts import audiences, model, store, subscribers
from gatepost.domains.contacts.model import Contact, Given
from gatepost.engine import audience, gather
from gatepost.engine.gather import NOUN, Merged
from gatepost.storage.db import Tx

COLUMNS = (
    Column("email", ("address", "email_address"), needed=True),
    Column("first_name", ("given_name",)),
    Column("last_name", ("family_name", "surname")),
    Column("custom_fields", ("fields", "properties")),
    Column("audiences", ("audience", "lists", "list")),
    Column("unsubscribed", ("opted_out",)),
    Column(
        "subscribed",
    ),
)
ID = re.compile(r"aud_[A-Za-z0-9]+")

_SEPARATOR = re.compile(r"[,;|]")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A contact to be, the names of its audiences, and whether it has left these or all mails."""

    email: str
    first_name: str
    last_name: str
    custom_fields: dict[str, Any]
    audiences: tuple[str, ...]
    left: bool
    unsubscribed: bool


Turn = Sequence[tuple[int, Wanted]]


class Contacts:
    """Imports contacts of one account."""

    named: str = "email"
    batch: int = 500
    whole: bool = False

    def __init__(
        self,
        local: Local,
        account_id: AccountId,
        on: tuple[str, ...] = (),
        fields: tuple[str, ...] = (),
    ) -> None:
        """Put all `on` audiences too; keep the columns `fields` as custom fields."""
        self._local = local
        self._account_id = account_id
        self._on = on
        self._fields = fields
        self.columns: Sequence[Column] = (*COLUMNS, *map(Column, fields))

    def read(self, cells: Cells) -> Wanted:
        """Read one; raises ValueError, and INVALID for what can be no contact."""
        told = {name: cells.any(name) for name in self._fields if cells.any(name) is not None}
        found = Wanted(
            email=model.address_of(cells.needed("email")),
            first_name=cells.word("first_name"),
            last_name=cells.word("last_name"),
            custom_fields=_fields(cells) | told,
            audiences=tuple(dict.fromkeys((*_names(cells.any("audiences")), *self._on))),
            left=cells.flag("subscribed") is False,
            unsubscribed=bool(cells.flag("unsubscribed")),
        )
        if found.left and not found.audiences:
            raise ValueError("subscribed: say to which audience, as audiences or with --audience")
        for name in found.audiences:
            model.check_audience(name)
        if len(found.audiences) > model.MEMBERSHIPS_MAX:
            raise ValueError(f"audiences: at most {model.MEMBERSHIPS_MAX}")
        return found

    def name(self, item: Wanted) -> str:
        """The address."""
        return item.email

    def prepare(self, items: Sequence[Wanted], *, dry: bool) -> None:
        """Nothing takes long."""

    def keep(self, tx: Tx, items: Sequence[Wanted]) -> list[Verdict]:
        """Keep them all at once; of an address that comes again each row after the one before."""
        verdicts: dict[int, Verdict] = {}
        left: Turn = list(enumerate(items))
        while left:
            turn = {item.email: (at, item) for at, item in reversed(left)}
            firsts = {at for at, _ in turn.values()}
            verdicts |= self._kept(tx, [one for one in left if one[0] in firsts])
            left = [one for one in left if one[0] not in firsts]
        return [verdicts[at] for at in range(len(items))]

    def _kept(self, tx: Tx, turn: Turn) -> dict[int, Verdict]:
        known = store.by_emails(tx, self._account_id, [item.email for _, item in turn])
        groups: dict[tuple[str, ...], list[tuple[int, Wanted]]] = defaultdict(list)
        for at, item in turn:
            groups[item.audiences].append((at, item))
        verdicts: dict[int, Verdict] = {}
        for names, group in groups.items():
            try:
                on = [self._audience(tx, name) for name in names]
                verdicts |= self._merged(tx, group, known, on)
            except AppError as refusal:
                verdicts |= {at: refused(sentence(refusal)) for at, _ in group}
        return verdicts

    def _merged(
        self, tx: Tx, group: Turn, known: Mapping[str, Contact], on: Collection[AudienceId]
    ) -> dict[int, Verdict]:
        given = [_lacking(item, known.get(item.email)) for _, item in group]
        actor, now = self._local.actor, self._local.now()
        outcomes = gather.merge(tx, self._account_id, given, on, actor, now)
        pairs = list(zip(group, outcomes, strict=True))
        leaving = [one for (_, item), one in pairs if item.left and isinstance(one, Merged)]
        gone = self._leave(tx, leaving, on)
        return {at: _verdict(one, gone) for (at, _), one in pairs}

    def _leave(self, tx: Tx, leaving: Sequence[Merged], on: Collection[AudienceId]) -> set[bytes]:
        """Unsubscribe contacts from audiences; returns those who were subscribed before."""
        whose = [one.contact.id for one in leaving]
        found = subscribers.memberships(tx, self._account_id, whose) if on and whose else {}
        wanted = [
            one.subscriber
            for mine in found.values()
            for one in mine
            if one.subscriber.audience_id in on and one.subscriber.subscribed
        ]
        for one in wanted:
            gather.toggle(tx, one, self._local.actor, self._local.now(), subscribed=False)
        return {one.contact_id for one in wanted}

    def _audience(self, tx: Tx, name: str) -> AudienceId:
        found = audiences.find_by_name(tx, self._account_id, name)
        if found is None:
            local = self._local
            found = audience.create(tx, self._account_id, name, local.actor, local.now())
        return found.id


def _lacking(wanted: Wanted, known: Contact | None) -> Given:
    """What a row has to say that is not known yet."""
    there = known.custom_fields if known else {}
    fields = {name: value for name, value in wanted.custom_fields.items() if name not in there}
    return Given(
        email=wanted.email,
        first_name=_missing(wanted.first_name, known.first_name if known else None),
        last_name=_missing(wanted.last_name, known.last_name if known else None),
        custom_fields=fields or UNSET,
        unsubscribed=wanted.unsubscribed or UNSET,
    )


def _missing(told: str, known: str | None) -> Any:
    return told if told and not known else UNSET


def _verdict(outcome: Merged | AppError, gone: set[bytes]) -> Verdict:
    if isinstance(outcome, AppError):
        return refused(sentence(outcome))
    shown, note = ids.show(NOUN, outcome.contact.id), ""
    if outcome.contact.unsubscribed or outcome.contact.id in gone:
        note = "unsubscribed"
    if outcome.made:
        return Verdict(Result.CREATED, shown, note)
    more = outcome.changed or outcome.joined or outcome.contact.id in gone
    return Verdict(Result.CHANGED if more else Result.EXISTS, shown, note)


def _fields(cells: Cells) -> dict[str, Any]:
    """Custom fields as an object, or as JSON of one."""
    value = cells.any("custom_fields")
    try:
        given = msgspec.json.decode(value) if isinstance(value, str) else value or {}
        if isinstance(given, dict):
            return dict(sound("custom_fields", given))
    except msgspec.DecodeError:
        pass
    raise ValueError("custom_fields: must be an object of JSON")


def _names(value: Any) -> list[str]:
    """Names of audiences: a list of them, or of objects that have one, or a text with commas,
    semicolons or bars between.
    """
    several = _SEPARATOR.split(value) if isinstance(value, str) else value or []
    found = [one.get("name") if isinstance(one, dict) else one for one in several]
    names = [one.strip() for one in found if isinstance(one, str)]
    if len(names) < len(found) or any(map(ID.fullmatch, names)):
        raise ValueError("audiences: name them; ids of elsewhere mean nothing here")
    return [one for one in names if one]
