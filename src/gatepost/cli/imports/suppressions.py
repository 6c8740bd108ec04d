"""Addresses that are to get nothing: the first thing to bring along."""

from __future__ import annotations

from collections.abc import Sequence

from gatepost.base.ids import AccountId
from gatepost.cli.imports.cells import Cells, Column
from gatepost.cli.imports.running import Result, Verdict, created
from gatepost.cli.local import Local
from gatepost.domains.suppressions import model
from gatepost.domains.suppressions.model import Suppression, Why
from gatepost.engine import post
from gatepost.storage.db import Tx

NOUN = "suppression"
COLUMNS = (
    Column("email", ("address", "email_address", "recipient"), needed=True),
    Column("type", ("cause", "event")),
    Column("reason", ("description", "message")),
    Column("timestamp", ("created_at", "created", "date")),
    Column("keep_until"),
)
CAUSES = {
    "": Why.RECIPIENT,
    "manual": Why.RECIPIENT,
    "bounced": Why.BOUNCE,
    "hardbounce": Why.BOUNCE,
    "softbounce": Why.BOUNCE,
    "complained": Why.COMPLAINT,
    "spam": Why.COMPLAINT,
    "spamcomplaint": Why.COMPLAINT,
    "spamreport": Why.COMPLAINT,
    "unsubscribed": Why.UNSUBSCRIBE,
} | {one.value: one for one in Why}


class Suppressions:
    """Imports suppressions of one account."""

    columns: Sequence[Column] = COLUMNS
    named: str = "email"
    batch: int = 1000
    whole: bool = False

    def __init__(self, local: Local, account_id: AccountId) -> None:
        """Nothing is done yet."""
        self._local = local
        self._account_id = account_id

    def read(self, cells: Cells) -> Suppression:
        """Read one; raises ValueError, and INVALID for what is no address."""
        now = self._local.now()
        until, since = cells.moment("keep_until"), cells.moment("timestamp")
        if until is not None and until <= now:
            raise ValueError("keep_until: is over")
        reason = cells.word("reason")
        if len(reason) > model.REASON_MAX:
            raise ValueError(f"reason: At most {model.REASON_MAX} characters")
        address = post.address_of(cells.needed("email"))
        at = now if since is None else max(0, min(since, now))
        return post.suppression(self._account_id, address, _why(cells), reason, at, until=until)

    def name(self, item: Suppression) -> str:
        """The address."""
        return item.address

    def prepare(self, items: Sequence[Suppression], *, dry: bool) -> None:
        """Nothing takes long."""

    def keep(self, tx: Tx, items: Sequence[Suppression]) -> list[Verdict]:
        """Keep those whose address has none."""
        actor, now = self._local.actor, self._local.now()
        fresh = post.suppress_all(tx, items, actor, now)
        return [
            created(NOUN, one.id, one.type.value) if one.id in fresh else Verdict(Result.EXISTS)
            for one in items
        ]


def _why(cells: Cells) -> Why:
    told = cells.word("type").lower()
    for filling in " _-":
        told = told.replace(filling, "")
    if told not in CAUSES:
        raise ValueError(f"type: must be one of {', '.join(Why)}")
    return CAUSES[told]
