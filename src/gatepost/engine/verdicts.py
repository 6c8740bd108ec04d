"""Verdicts: what rules make of an event as they stand now, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from gatepost.base import ids
from gatepost.base.ids import AccountId, RuleId
from gatepost.domains.events import conditions
from gatepost.domains.events.conditions import Path, Seen
from gatepost.domains.events.model import Event
from gatepost.domains.people import store as people
from gatepost.domains.rules import store
from gatepost.domains.rules.model import Rule, Spec, kind_of
from gatepost.storage.db import Tx

UNMET_MAX = 100

SILENT = "It never notifies: notify is false, or it lay in the past when it came"
WORDS = {
    "event": "It meets the condition, and no message of its own came of it",
    "digest": "It is told with others, in the digest, unless something else keeps it back",
    "group": "It is told with others that came within the time of its group",
    "quiet": "It meets the condition; quiet hours hold it back or drop it",
    "threshold": "It counts towards the threshold",
    "change": "It counts in its period",
    "absence": "It ends the silence",
}


class Fate(StrEnum):
    """What a rule makes of an event."""

    TOLD = "told"
    MET = "met"
    UNMET = "unmet"
    MUTED = "muted"
    OFF = "off"
    SILENT = "silent"


class Verdict(NamedTuple):
    """A rule, what it makes of an event, where it says what is not met, and why in words."""

    rule: Rule
    fate: Fate
    path: Path = ()
    reason: str = ""

    def changed_after(self, event: Event) -> bool:
        """Whether the rule is not what it was when the event came."""
        return self.rule.updated_at > ids.time_of(event.id)


class Verdicts(NamedTuple):
    """What rules make of an event; `more` are not met and left out."""

    shown: list[Verdict]
    more: int


def of(tx: Tx, account_id: AccountId, event: Event, told: Collection[RuleId], now: int) -> Verdicts:
    """Try all rules of an event's project; `told` are those that made a message of it."""
    rules = store.list_(tx, account_id, project_id=event.project_id)
    seen = Seen(event, _names(tx, account_id, rules, event))
    found = [_verdict(rule, seen, told, now) for rule in rules]
    unmet = [one for one in found if one.fate is Fate.UNMET]
    rest = [one for one in found if one.fate is not Fate.UNMET]
    return Verdicts(rest + unmet[:UNMET_MAX], max(0, len(unmet) - UNMET_MAX))


def _verdict(rule: Rule, seen: Seen, told: Collection[RuleId], now: int) -> Verdict:
    if rule.id in told:
        return Verdict(rule, Fate.TOLD)
    if not rule.enabled:
        return Verdict(rule, Fate.OFF, ("enabled",), "The rule is not enabled")
    condition = conditions.read(rule.match)
    path = conditions.unmet(condition, seen)
    if path is not None:
        reason = conditions.explain(condition, path, seen)
        return Verdict(rule, Fate.UNMET, ("match", *path), reason)
    if not seen.event.notify:
        return Verdict(rule, Fate.SILENT, (), SILENT)
    if rule.is_muted(now):
        return Verdict(rule, Fate.MUTED, ("mutedUntil",), "The rule is muted now")
    return Verdict(rule, Fate.MET, (), WORDS[_kept_by(rule.spec)])


def _kept_by(spec: Spec) -> str:
    """What became of an event that a rule made no message of, as one of `WORDS`."""
    kind = kind_of(spec.when)
    if kind != "event":
        return kind
    held = (("digest", spec.digest), ("group", spec.group), ("quiet", spec.quiet))
    return next((word for word, given in held if given is not None), kind)


def _names(tx: Tx, account_id: AccountId, rules: Iterable[Rule], event: Event) -> dict[str, str]:
    wanted = {name for rule in rules for name in conditions.read(rule.match).user_ids}
    if not wanted or event.user_id is None:
        return {}
    return people.resolve(tx, account_id, sorted(wanted | {event.user_id}))
