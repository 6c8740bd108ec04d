"""Watch: rules that count what happens, and when. What is remembered of them moves in the
transaction that makes the messages: so each alert is told once, whatever dies.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.base import ids
from gatepost.base.clock import SECOND_MS
from gatepost.base.ids import AlertId
from gatepost.domains.events.conditions import Seen
from gatepost.domains.events.model import Event
from gatepost.domains.rules import alerts_words, digest, states, timing
from gatepost.domains.rules.alerts_words import Kind, Words
from gatepost.domains.rules.model import Absence, Change, OnEvent, Rule, Threshold
from gatepost.domains.rules.states import MEASURED, Memory, Place, State
from gatepost.domains.rules.timing import Missed, Periods, Silence, Tally
from gatepost.engine.rulebook import Entry, Hit
from gatepost.engine.sound import Alarm, Raised, sound
from gatepost.storage import sql
from gatepost.storage.db import Tx

FAN_OUT = b"fan out"
GRACE_MS = SECOND_MS
"""What came just in time may be committed so much later."""

Found = list[tuple[int, Alarm]]
"""Alarms with the place of the hit that made them."""
Measured = tuple[State | None, Found]
"""What is to be remembered, None for nothing, and what was found."""


class Batch(msgspec.Struct, frozen=True):
    """The hits that one thing is remembered of, in their order: their places and events."""

    entry: Entry
    place: Place
    at: list[int]
    events: list[Event]

    @property
    def times(self) -> list[int]:
        """When they happened (ms)."""
        return [ids.time_of(one.id) for one in self.events]


def feed(tx: Tx, hits: Sequence[Hit], now: int) -> Raised:
    """Take in events that met the conditions of rules, in the order of their arrival."""
    batches: dict[Place, Batch] = {}
    found: Found = []
    for at, (entry, event) in enumerate(hits):
        if isinstance(entry.rule.spec.when, OnEvent):
            found.append((at, of_event(entry, event)))
        else:
            _sort(batches, at, entry, event)
    known = states.load(tx, batches)
    left: list[State] = []
    for place, batch in batches.items():
        state, more = _measure(batch, known.get(place), now)
        left += [state] if state is not None else []
        found += more
    states.save(tx, left)
    return sound(tx, [alarm for _, alarm in sorted(found, key=lambda one: one[0])], now)


def hold(tx: Tx) -> None:
    """Let the fan-out and what time brings wait until the transaction ends."""
    sql.lock(tx, [FAN_OUT])


def one(entry: Entry, event: Event, known: dict[Place, State]) -> list[Alarm]:
    """Take in one event as soon as it happens; `known` is what is remembered."""
    if isinstance(entry.rule.spec.when, OnEvent):
        return [of_event(entry, event)]
    place = _place(entry.rule, event)
    if place is None:
        return []
    batch = Batch(entry, place, [0], [event])
    state, found = _measure(batch, known.get(place), ids.time_of(event.id))
    if state is not None:
        known[place] = state
    return [alarm for _, alarm in found]


def look(entry: Entry, state: State, until: int, now: int) -> tuple[State | None, list[Alarm]]:
    """Find what time has brought up to a moment, of which all events are known; what is to be
    remembered is None for nothing.
    """
    rule, place = entry.rule, state.place
    match rule.spec.when:
        case Absence() as when if place.memory is Memory.SILENCE:
            return _silence(entry, when, state, until, now)
        case Change() as when if place.memory is Memory.PERIODS:
            periods, found = timing.ended(when, state.read(Periods), until)
            alarms = [of_change(entry, when, one, now) for one in found]
            return periods_state(when, periods, place), alarms
        case _:
            return None, []


def follow(tx: Tx, before: Rule | None, after: Rule | None, now: int) -> None:
    """Remember what a rule needs from its beginning, and forget what it needs no more. It is to be
    called with every change of a rule: made, changed, switched on or off, muted, ended; see `hold`.
    """
    rule = after or before
    if rule is None:
        return
    if after is None or not after.enabled:
        memories = tuple(Memory) if after is None else states.AT_WORK
        states.forget_rule(tx, rule.account_id, rule.id, memories)
        return
    same = before is not None and before.enabled and before.spec.when == after.spec.when
    if not same:
        states.forget_rule(tx, rule.account_id, rule.id, MEASURED)
    fresh = begun(after, now)
    known = states.load(tx, [fresh.place]) if fresh is not None and same else {}
    if fresh is not None:
        states.save(tx, [_again(after, known.get(fresh.place, fresh))])
    if before is not None and before.spec != after.spec:
        _tell_as_now(tx, after, now)


def _tell_as_now(tx: Tx, rule: Rule, now: int) -> None:
    """Let what is held back not wait longer than what would be held back now."""
    held = states.of_rule(tx, rule.account_id, rule.id, Memory.KEPT)
    plan = digest.plan_of(rule.spec)
    for state in held:
        kept = digest.rewound(plan, state.read(digest.Kept), now)
        states.save(tx, [states.state(state.place, kept, kept.due_at)])


def of_event(entry: Entry, event: Event) -> Alarm:
    """What a rule finds that tells of each event."""
    at, rule = ids.time_of(event.id), entry.rule
    words = Words(Kind.EVENT, at, event.title, event.description or "")
    by = rule.spec.group.by if rule.spec.group is not None else ""
    return Alarm(entry=entry, words=words, key=_key(event, by) or "", event=event)


def of_silence(entry: Entry, when: Absence, missed: Missed, alert: AlertId) -> Alarm:
    """What a rule finds when nothing has come."""
    words = alerts_words.of_absence(entry.rule.name, when, missed)
    return Alarm(entry=entry, words=words, alert=alert)


def of_change(entry: Entry, when: Change, changed: timing.Changed, now: int) -> Alarm:
    """What a rule finds when a period differs from the one before."""
    words = alerts_words.of_change(entry.rule.name, when, changed)
    return Alarm(entry=entry, words=words, alert=_new(now))


def silence_state(rule: Rule, when: Absence, state: Silence, place: Place) -> State:
    """Write what is remembered of a silence, and when it is to be told."""
    return states.state(place, state, _late(timing.silent_at(when, state, rule.muted_until)))


def periods_state(when: Change, state: Periods, place: Place) -> State:
    """Write what is remembered of periods, and when the current one ends."""
    return states.state(place, state, _late(timing.ends_at(when, state)))


def _silence(
    entry: Entry, when: Absence, state: State, until: int, now: int
) -> tuple[State, list[Alarm]]:
    rule, alarms = entry.rule, list[Alarm]()
    silence, missed = timing.missing(when, state.read(Silence), until, rule.muted_until)
    if missed is not None:
        alert = _new(now)
        silence = msgspec.structs.replace(silence, alert=alert)
        alarms.append(of_silence(entry, when, missed, alert))
    return silence_state(rule, when, silence, state.place), alarms


def _sort(batches: dict[Place, Batch], at: int, entry: Entry, event: Event) -> None:
    place = _place(entry.rule, event)
    if place is not None:
        batch = batches.setdefault(place, Batch(entry, place, [], []))
        batch.at.append(at)
        batch.events.append(event)


def _place(rule: Rule, event: Event) -> Place | None:
    """Where it is remembered; an event without the value that is counted by does not count."""
    match rule.spec.when:
        case Threshold(by=by):
            key = _key(event, by) if by else ""
            return None if key is None else Place(rule.account_id, rule.id, Memory.TALLY, key)
        case Change():
            return Place(rule.account_id, rule.id, Memory.PERIODS)
        case _:
            return Place(rule.account_id, rule.id, Memory.SILENCE)


def _key(event: Event, by: str) -> str | None:
    return alerts_words.key_of(Seen(event).value(by)) if by else None


def _measure(batch: Batch, state: State | None, now: int) -> Measured:
    match batch.entry.rule.spec.when:
        case Threshold() as when:
            return _cross(batch, when, state, now)
        case Change() as when:
            return _compare(batch, when, state, now)
        case Absence() as when:
            return _hear(batch, when, state, now)
        case _:
            return None, []


def _cross(batch: Batch, when: Threshold, state: State | None, now: int) -> Measured:
    before = Tally() if state is None else state.read(Tally)
    after, crossed = timing.cross(when, before, batch.times, now)
    name, found = batch.entry.rule.name, list[tuple[int, Alarm]]()
    for one in crossed:
        alarm = Alarm(
            entry=batch.entry,
            words=alerts_words.of_threshold(name, when, batch.place.key, one),
            key=batch.place.key,
            event=batch.events[one.index],
            alert=_new(now),
        )
        found.append((batch.at[one.index], alarm))
    return states.state(batch.place, after, timing.over_at(when, after)), found


def _compare(batch: Batch, when: Change, state: State | None, now: int) -> Measured:
    before = timing.begin_periods(when, now) if state is None else state.read(Periods)
    after, changes = timing.compare(when, before, batch.times, now)
    found = [(batch.at[-1], of_change(batch.entry, when, one, now)) for one in changes]
    return periods_state(when, after, batch.place), found


def _hear(batch: Batch, when: Absence, state: State | None, now: int) -> Measured:
    entry, found = batch.entry, list[tuple[int, Alarm]]()
    rule = entry.rule
    silence = Silence(now) if state is None else state.read(Silence)
    for at, event, time in zip(batch.at, batch.events, batch.times, strict=True):
        since, alert = silence.since, silence.alert
        silence, missed, ended = timing.heard(when, silence, time, now, rule.muted_until)
        if missed is not None:
            since, alert = missed.since, _new(now)
            found.append((at, of_silence(entry, when, missed, alert)))
        if ended:
            words = alerts_words.of_recovery(rule.name, min(time, now), since)
            found.append((at, Alarm(entry=entry, words=words, event=event, alert=alert)))
    return silence_state(rule, when, silence, batch.place), found


def begun(rule: Rule, now: int) -> State | None:
    """What is remembered of a rule from its beginning."""
    place = Place(rule.account_id, rule.id, Memory.SILENCE)
    match rule.spec.when:
        case Absence() as when:
            return silence_state(rule, when, Silence(now), place)
        case Change() as when:
            periods = timing.begin_periods(when, now)
            return periods_state(when, periods, place._replace(memory=Memory.PERIODS))
        case _:
            return None


def _again(rule: Rule, state: State) -> State:
    """Reckon again when what is remembered is to be looked at."""
    match rule.spec.when:
        case Absence() as when:
            return silence_state(rule, when, state.read(Silence), state.place)
        case _:
            return state


def _late(due_at: int | None) -> int | None:
    return None if due_at is None else due_at + GRACE_MS


def _new(now: int) -> AlertId:
    return AlertId(ids.new_at(now))
