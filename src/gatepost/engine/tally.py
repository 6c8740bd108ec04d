"""Tally: how often rules have told, kept in the transaction that makes the messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from gatepost.base.ids import AccountId, RuleId
from gatepost.domains.rules import states, told
from gatepost.domains.rules.model import Rule
from gatepost.domains.rules.states import Memory, Place, State
from gatepost.domains.rules.told import Told
from gatepost.storage.db import Tx


def note(tx: Tx, often: Mapping[tuple[AccountId, RuleId], int], now: int) -> None:
    """Add how often rules have told just now; nobody else may meanwhile: see `watch.hold`."""
    places = {Place(*rule, Memory.TOLD): number for rule, number in often.items()}
    known = states.load(tx, places)
    states.save(
        tx,
        [
            states.state(place, told.counted(_read(known.get(place)), number, now), None)
            for place, number in places.items()
        ],
    )


def of(tx: Tx, rules: Iterable[Rule]) -> dict[RuleId, Told]:
    """How often some rules have told; those that never have are left out."""
    places = [Place(one.account_id, one.id, Memory.TOLD) for one in rules]
    return {place.rule_id: _read(state) for place, state in states.load(tx, places).items()}


def _read(state: State | None) -> Told:
    """What was counted; what cannot be read begins anew, and keeps nobody from being told."""
    try:
        return Told() if state is None else state.read(Told)
    except msgspec.MsgspecError:
        return Told()
