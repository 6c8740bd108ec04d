"""Sound: what rules have found is told now, held back or dropped; some of it is kept as an alert
that waits for somebody to take notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gatepost.base import clock, ids
from gatepost.base.ids import AlertId, EventId
from gatepost.base.vault import Damaged
from gatepost.domains.events.model import Event
from gatepost.domains.rules import alerts_store, alerts_words, digest, escalation, states
from gatepost.domains.rules.alerts import Alert
from gatepost.domains.rules.alerts_words import Item, Kind, Words
from gatepost.domains.rules.digest import Fate, Kept
from gatepost.domains.rules.model import Destination, OnEvent, Rule, Text
from gatepost.domains.rules.states import Memory, Place, State
from gatepost.engine import alerts, payloads
from gatepost.engine.rulebook import Entry
from gatepost.storage.db import Tx

UNREADABLE = "Where it leads cannot be read: the pepper is another one"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule has found. `key` is the value that events are told apart by; of an event that
    was held back, the id is left.

    `alert` is the id of the alert it opens, or ends, None where it does neither.
    """

    entry: Entry
    words: Words
    key: str = ""
    event: Event | None = None
    event_id: EventId | None = None
    alert: AlertId | None = None


class Raised(msgspec.Struct, frozen=True):
    """What is to be told now, and what went wrong with which rules."""

    ready: list[alerts.Alert]
    faults: list[tuple[Rule, str]]


def sound(tx: Tx, alarms: Sequence[Alarm], now: int) -> Raised:
    """Decide on alarms, in their order."""
    desk = _Desk(tx, alarms, now)
    for one in alarms:
        desk.take(one)
    return desk.done()


def release(tx: Tx, due: Sequence[tuple[Entry, State]], now: int) -> Raised:
    """Tell of what was held back and is due."""
    desk = _Desk(tx, [], now)
    for entry, state in due:
        desk.release(entry, state.place, state.read(Kept))
    return desk.done()


def step(tx: Tx, entry: Entry, alert: Alert, now: int) -> Raised:
    """Tell the next ones of an alert that nobody has taken notice of."""
    desk = _Desk(tx, [], now)
    desk.step(entry, alert)
    return desk.done()


def kept_at(rule: Rule, key: str) -> Place:
    """Where it is kept what is held back."""
    return Place(rule.account_id, rule.id, Memory.KEPT, key if rule.spec.group else "")


def steps_of(entry: Entry) -> Sequence[float]:
    """After how many minutes others are told; after none where that cannot be read."""
    try:
        return [one.after_minutes for one in entry.way.escalate]
    except Damaged:
        return ()


class _Desk:
    """Where alarms arrive, with all that is remembered of their rules."""

    def __init__(self, tx: Tx, alarms: Iterable[Alarm], now: int) -> None:
        self._tx = tx
        self._now = now
        self._raised = Raised([], [])
        self._opened: dict[AlertId, Alert] = {}
        self._kept: dict[Place, Kept] = {}
        held = {kept_at(one.entry.rule, one.key) for one in alarms if not one.entry.plan.at_once}
        for place, state in states.load(tx, held).items():
            self._kept[place] = state.read(Kept)
        self._gone: set[Place] = set()

    def done(self) -> Raised:
        """Write down what is remembered."""
        alerts_store.add(self._tx, self._opened.values())
        self._opened.clear()
        rest = {place: kept for place, kept in self._kept.items() if place not in self._gone}
        states.save(self._tx, [states.state(place, one, one.due_at) for place, one in rest.items()])
        states.forget(self._tx, self._gone)
        return self._raised

    def take(self, alarm: Alarm) -> None:
        """Take an alarm in."""
        rule, ends = alarm.entry.rule, alarm.words.kind is Kind.RECOVERY
        if ends and not self._close(rule, alarm):
            return
        if rule.is_muted(self._now):
            return
        alarm = self._worded(alarm)
        fate = self._fate(alarm)
        if fate is not Fate.DROP and alarm.alert is not None and not ends:
            self._open(alarm, alarm.alert)
        if fate is Fate.TELL:
            self._tell(alarm)

    def release(self, entry: Entry, place: Place, kept: Kept) -> None:
        """Take in that what is held is due."""
        fate, left = digest.release(entry.plan, kept, self._now)
        self._keep(place, left)
        if fate is not Fate.TELL or entry.rule.is_muted(self._now):
            return
        alarm = joined(entry, place.key, kept, self._now)
        held = [one.alert for one in kept.items if one.alert is not None]
        if not held and isinstance(entry.rule.spec.when, OnEvent):
            self._tell(alarm)
            return
        first_at = escalation.next_at(steps_of(entry), 0, self._now)
        for alert_id in held:
            alerts_store.told(self._tx, place.account_id, alert_id, self._now, first_at)
        self._say(alarm)

    def step(self, entry: Entry, alert: Alert) -> None:
        """Take in that nobody has taken notice of an alert."""
        rule = entry.rule
        later = escalation.put_off(entry.plan, self._now)
        if rule.is_muted(self._now):
            later = rule.muted_until
        if later is not None:
            alerts_store.step(self._tx, alert, alert.step, later)
            return
        taken = msgspec.structs.replace(alert, step=alert.step + 1)
        steps = steps_of(entry)
        next_at = escalation.next_at(steps, taken.step, self._now)
        if alerts_store.step(self._tx, alert, taken.step, next_at) and alert.step < len(steps):
            alarm = Alarm(entry=entry, words=alert.words, key=alert.key, alert=alert.id)
            self._ready(alarm, entry.way.escalate[alert.step].to, step=taken.step)

    def _fate(self, alarm: Alarm) -> Fate:
        plan = alarm.entry.plan
        if plan.at_once:
            return Fate.TELL
        place = kept_at(alarm.entry.rule, alarm.key)
        kept = self._kept.get(place, Kept())
        fate, left = digest.arrive(plan, kept, item_of(alarm), self._now)
        if left != kept:
            self._keep(place, left)
        return fate

    def _keep(self, place: Place, kept: Kept) -> None:
        self._kept[place] = kept
        self._gone.discard(place)
        if kept.idle and kept.due_at is None:
            self._gone.add(place)

    def _open(self, alarm: Alarm, alert_id: AlertId) -> None:
        rule = alarm.entry.rule
        self._opened[alert_id] = Alert(
            account_id=rule.account_id,
            id=alert_id,
            project_id=rule.project_id,
            rule_id=rule.id,
            key=alarm.key,
            words=alarm.words,
            opened_at=self._now,
        )

    def _close(self, rule: Rule, alarm: Alarm) -> bool:
        """End the alert that an alarm ends; says whether there is one."""
        if alarm.alert is None:
            return False
        opened = self._opened.get(alarm.alert)
        if opened is not None:
            closed = msgspec.structs.replace(opened, closed_at=self._now, next_at=None)
            self._opened[alarm.alert] = closed
            return True
        return alerts_store.close(self._tx, rule.account_id, alarm.alert, self._now)

    def _tell(self, alarm: Alarm) -> None:
        """Tell of an alarm now; one that others may be told of is kept until somebody takes
        notice.
        """
        entry = alarm.entry
        steps = steps_of(entry)
        if alarm.alert is None and steps:
            alert_id = AlertId(ids.new_at(self._now))
            alarm = msgspec.structs.replace(alarm, alert=alert_id)
            self._open(alarm, alert_id)
        opened = None if alarm.alert is None else self._opened.get(alarm.alert)
        if opened is not None and alarm.words.kind is not Kind.RECOVERY:
            next_at = escalation.next_at(steps, 0, self._now)
            told = msgspec.structs.replace(opened, told_at=self._now, next_at=next_at)
            self._opened[opened.id] = told
        self._say(alarm)

    def _say(self, alarm: Alarm) -> None:
        try:
            self._ready(alarm, alarm.entry.to)
        except Damaged:
            self._raised.faults.append((alarm.entry.rule, UNREADABLE))

    def _worded(self, alarm: Alarm) -> Alarm:
        """Put an alarm into the rule's own words."""
        rule, words = alarm.entry.rule, alarm.words
        if rule.spec.text == alerts.PLAIN or words.kind is Kind.RECOVERY:
            return alarm
        text, wrong = _said(alarm)
        if wrong:
            self._raised.faults.append((rule, wrong))
        said = msgspec.structs.replace(words, title=text.title, body=text.body)
        return msgspec.structs.replace(alarm, words=said)

    def _ready(self, alarm: Alarm, to: tuple[Destination, ...], step: int = 0) -> None:
        words = alarm.words
        ready = alerts.Alert(
            rule=alarm.entry.rule,
            kind=words.kind,
            text=Text(words.title, words.body),
            to=to,
            data=_data(alarm, step),
            event_id=_about(alarm),
        )
        self._raised.ready.append(ready)


def item_of(alarm: Alarm) -> Item:
    words, event = alarm.words, alarm.event
    name = "" if event is None else ids.show("event", event.id)
    return Item(words, name, None if words.kind is Kind.RECOVERY else alarm.alert)


def joined(entry: Entry, key: str, kept: Kept, now: int) -> Alarm:
    """All that was held back, in one piece; a single thing stays what it is."""
    first = kept.items[0]
    if kept.count > 1:
        words = alerts_words.of_items(entry.rule.name, kept.count, kept.items, now)
        return Alarm(entry=entry, words=words, key=key)
    about = EventId(ids.parse("event", first.event)) if first.event else None
    return Alarm(entry=entry, words=first.words, key=key, event_id=about, alert=first.alert)


def _said(alarm: Alarm) -> tuple[Text, str]:
    """What a rule's templates make of an alarm, and what is wrong with them."""
    words, event = alarm.words, alarm.event
    plain = Text(words.title, words.body)
    if words.kind is not Kind.EVENT or event is None:
        return alerts.fill(alarm.entry.rule, values_of(alarm), plain)
    made, wrong = alerts.of_event(alarm.entry, event)
    return (plain if made is None else made.text), wrong


def values_of(alarm: Alarm) -> dict[str, Any]:
    """What a rule's templates can say."""
    rule, event = alarm.entry.rule, alarm.event
    values = {"rule": alerts.about(rule)} if event is None else alerts.values_of(rule, event)
    return values | {"alert": _shown(alarm)}


def _data(alarm: Alarm, step: int) -> dict[str, Any]:
    """What webhooks are told beside title and body."""
    shown = _shown(alarm) | ({"step": step} if step else {})
    event = {} if alarm.event is None else {"event": payloads.shown(alarm.event)}
    return {"alert": shown} | event


def _shown(alarm: Alarm) -> dict[str, Any]:
    words, about = alarm.words, _about(alarm)
    name = None if alarm.alert is None else ids.show("alert", alarm.alert)
    shown = {"id": name, "kind": words.kind.value, "at": clock.iso(words.at), "key": alarm.key}
    event = {} if about is None else {"eventId": ids.show("event", about)}
    return shown | event | words.facts


def _about(alarm: Alarm) -> EventId | None:
    """The one event that it is about."""
    return alarm.event_id if alarm.event is None else alarm.event.id
