"""The catcher: where nobody takes mails, they are kept to be looked at."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from gatepost.base import ids
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.ids import MailId
from gatepost.delivery.email.letter import Carried, Letter
from gatepost.domains.mailbox import store
from gatepost.domains.mailbox.model import Mail
from gatepost.domains.outbox.model import Delivery, Outcome
from gatepost.storage.db import Database

VIA = "catcher"


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Catcher:
    """A carrier into the mailbox."""

    via = VIA

    def __init__(self, kit: Kit, delivery: Delivery) -> None:
        """Hold whose delivery it is."""
        self._kit = kit
        self._delivery = delivery

    async def carry(self, letter: Letter) -> Carried:
        """Keep it."""
        began = monotonic()
        raw = await letter.raw()
        mail = self._mail(letter, len(raw))
        most = self._kit.settings.mailbox_bytes_max
        await self._kit.database.write(lambda tx: store.append(tx, mail, raw, most))
        took_ms = round((monotonic() - began) * 1000)
        shown = letter.shown()
        return Carried(Outcome(ok=True, duration_ms=took_ms, headers=shown, via=VIA))

    def _mail(self, letter: Letter, size: int) -> Mail:
        one = self._delivery
        return Mail(
            account_id=one.account_id,
            id=MailId(ids.new_at(self._kit.clock())),
            project_id=one.project_id,
            message_id=one.message_id,
            delivery_id=one.id,
            sender=letter.written.sender,
            recipient=letter.recipient,
            subject=letter.written.subject,
            size=size,
        )
