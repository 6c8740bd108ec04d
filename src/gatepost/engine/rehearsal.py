"""Rehearsal: what a rule finds in events of the past, and when it would tell of it. The very
functions decide that decide on what happens; what they remember is kept here alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.domains.events.model import Event
from gatepost.domains.rules import digest
from gatepost.domains.rules.alerts_words import Kind
from gatepost.domains.rules.digest import Fate, Kept
from gatepost.domains.rules.model import Text
from gatepost.domains.rules.states import Place, State
from gatepost.engine import alerts, sound, watch
from gatepost.engine.rulebook import Entry
from gatepost.engine.sound import Alarm


class Would(NamedTuple):
    """What would have been told, when (ms), and what is wrong with its text."""

    at: int
    alarm: Alarm
    wrong: str = ""

    @property
    def text(self) -> Text:
        """In which words."""
        return Text(self.alarm.words.title, self.alarm.words.body)


class Rehearsal:
    """One rule, from a moment on (ms)."""

    def __init__(self, entry: Entry, since: int) -> None:
        """Remember what a rule does from its beginning."""
        self._entry = entry
        self._known: dict[Place, State] = {}
        self._kept: dict[str, Kept] = {}
        begun = watch.begun(entry.rule, since)
        if begun is not None:
            self._known[begun.place] = begun

    def takes(self, events: Iterable[Event]) -> Iterator[Would]:
        """Take events in that met the condition, in the order of their time."""
        for event in events:
            now = ids.time_of(event.id)
            yield from self._released(now)
            for alarm in watch.one(self._entry, event, self._known):
                yield from self._decided(alarm, now)

    def ends(self, until: int) -> Iterator[Would]:
        """Let time pass up to a moment."""
        for state in list(self._known.values()):
            for alarm in watch.look(self._entry, state, until, until)[1]:
                yield from self._decided(alarm, alarm.words.at)
        yield from self._released(until)

    def _decided(self, alarm: Alarm, now: int) -> Iterator[Would]:
        alarm, wrong = _worded(alarm)
        plan, key = self._entry.plan, alarm.key if self._entry.rule.spec.group else ""
        fate = Fate.TELL
        if not plan.at_once:
            item, kept = sound.item_of(alarm), self._kept.get(key, Kept())
            fate, self._kept[key] = digest.arrive(plan, kept, item, now)
        if fate is Fate.TELL:
            yield Would(now, alarm, wrong)

    def _released(self, now: int) -> Iterator[Would]:
        for key in list(self._kept):
            while (due_at := self._kept[key].due_at) is not None and due_at <= now:
                kept = self._kept[key]
                fate, self._kept[key] = digest.release(self._entry.plan, kept, due_at)
                if fate is Fate.TELL:
                    yield Would(due_at, sound.joined(self._entry, key, kept, due_at))


def _worded(alarm: Alarm) -> tuple[Alarm, str]:
    rule, words, event = alarm.entry.rule, alarm.words, alarm.event
    if rule.spec.text == alerts.PLAIN or words.kind is Kind.RECOVERY:
        return alarm, ""
    if words.kind is Kind.EVENT and event is not None:
        text, wrong = alerts.text_of(rule, event)
    else:
        text, wrong = alerts.fill(rule, sound.values_of(alarm), Text(words.title, words.body))
    said = msgspec.structs.replace(words, title=text.title, body=text.body)
    return msgspec.structs.replace(alarm, words=said), wrong
