"""In whose name an account may send, and through whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.base.emails import Address
from gatepost.domains.mailers.model import Mailer

NOBODY = "Gatepost <gatepost@localhost>"
"""Whom caught mails are from that name nobody."""


class Way(NamedTuple):
    """One that may take a mail: a mailer of the account; without one this installation's own
    server, or its mailbox where it has none.
    """

    mailer: Mailer | None
    caught: bool = False

    def takes(self, sender: Address, settings: Settings, *, verified: bool) -> bool:
        """Whether a mail may leave by it in somebody's name. `verified` says that the sender's
        domain is the account's.
        """
        if verified or self.caught:
            return True
        if self.mailer is not None:
            return self.mailer.any_sender
        return bool(settings.mail_from) and sender.spec == emails.read(settings.mail_from).spec


def ways(mailers: Sequence[Mailer], settings: Settings) -> list[Way]:
    """Who is asked, one after the other: mailers come in their order."""
    enabled = [Way(one) for one in mailers if one.enabled]
    return enabled or [Way(None, caught=not settings.smtp_url)]


def open_to(
    asked: Iterable[Way], sender: Address, settings: Settings, *, verified: bool, own: bool
) -> list[Way]:
    """Those of the ways that may be taken in somebody's name; only `own` ones of the account, and
    in the name of a domain of its, where that is asked for.
    """
    return [
        way
        for way in asked
        if way.takes(sender, settings, verified=verified)
        and not (own and (way.mailer is None or not verified))
    ]


def forced(mailers: Sequence[Mailer], names: Sequence[str | None]) -> list[Way]:
    """The ways that were asked for by kind or id, in that order; what there is not is left out."""
    wanted = [find(mailers, name) for name in names if name]
    return [Way(one) for one in wanted if one is not None]


def find(mailers: Sequence[Mailer], name: str) -> Mailer | None:
    """The first enabled mailer of a kind, or the one of an id."""
    folded = name.lower().removeprefix("mailer_")
    for one in mailers:
        if one.enabled and folded in {one.kind.value, one.id.hex()}:
            return one
    return None


def default(settings: Settings) -> str:
    """Whom a mail is from that names nobody; empty where somebody must be named."""
    return settings.mail_from or ("" if settings.smtp_url else NOBODY)
