"""Domains that mail is sent from. Their keys are new, and so are the records to publish."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.base.ids import AccountId
from gatepost.cli.imports.cells import Cells, Column
from gatepost.cli.imports.running import Verdict, created, each, exists
from gatepost.cli.local import Local
from gatepost.domains.emaildomains import model, store
from gatepost.engine import vouch
from gatepost.engine.vouch import NOUN, KeyPair
from gatepost.storage.db import Tx

COLUMNS = (
    Column("name", ("domain", "domain_name", "hostname"), needed=True),
    Column("track_opens", ("track_loads", "open_tracking")),
    Column("track_clicks", ("click_tracking",)),
)
NO_PAIR = KeyPair("", "")


class Wanted(msgspec.Struct, frozen=True):
    """A domain to be."""

    name: str
    track_opens: bool
    track_clicks: bool


class Domains:
    """Imports sending domains of one account. Nothing vouches for them: they must be verified."""

    columns: Sequence[Column] = COLUMNS
    named: str = "name"
    batch: int = 20
    whole: bool = True

    def __init__(self, local: Local, account_id: AccountId) -> None:
        """Nothing is done yet."""
        self._local = local
        self._account_id = account_id
        self._pairs: dict[str, KeyPair] = {}

    def read(self, cells: Cells) -> Wanted:
        """Read one; raises ValueError, and INVALID for what is no domain's name."""
        opens, clicks = cells.flag("track_opens"), cells.flag("track_clicks")
        return Wanted(vouch.normal(cells.needed("name")), bool(opens), bool(clicks))

    def name(self, item: Wanted) -> str:
        """The name."""
        return item.name

    def prepare(self, items: Sequence[Wanted], *, dry: bool) -> None:
        """Make a key for each that is not there yet; a dry run keeps none."""
        if dry:
            return
        with self._local.read() as tx:
            known = {one.name for one in items if self._known(tx, one.name)}
        fresh = {one.name for one in items} - known
        self._pairs = {name: vouch.make_pair() for name in sorted(fresh)}

    def keep(self, tx: Tx, items: Sequence[Wanted]) -> list[Verdict]:
        """Keep them one by one."""
        return each(tx, items, self._one)

    def _one(self, tx: Tx, wanted: Wanted) -> Verdict:
        known = self._known(tx, wanted.name)
        if known is not None:
            return exists(NOUN, known.id, str(model.status_of(known)))
        settings, local = self._local.settings, self._local
        new = vouch.NewDomain(
            name=wanted.name,
            selector=settings.dkim_selector,
            label=settings.return_path_label,
            pair=self._pairs.get(wanted.name, NO_PAIR),
            track_opens=wanted.track_opens,
            track_clicks=wanted.track_clicks,
        )
        made = vouch.create(tx, self._account_id, new, local.pepper, local.actor, local.now())
        return created(NOUN, made.id, str(model.status_of(made)))

    def _known(self, tx: Tx, name: str) -> model.SendingDomain | None:
        return store.find_by_name(tx, self._account_id, name)
