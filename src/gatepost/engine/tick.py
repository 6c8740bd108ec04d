"""Tick: what rules tell because time has passed, and not because of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.base.ids import AccountId, RuleId
from gatepost.domains.events import store as events
from gatepost.domains.outbox import marks
from gatepost.domains.rules import alerts_store, digest, escalation, states, timing
from gatepost.domains.rules import store as rules
from gatepost.domains.rules.digest import Kept
from gatepost.domains.rules.model import Absence, Change
from gatepost.domains.rules.states import MEASURED, Memory, State
from gatepost.domains.rules.timing import Periods, Silence, Tally
from gatepost.engine import alerts, watch
from gatepost.engine.rulebook import Entry
from gatepost.engine.sound import Alarm, Raised, release, sound, step, steps_of
from gatepost.engine.watch import GRACE_MS
from gatepost.engine.ways import Means
from gatepost.storage.db import Tx

REMEMBERED: dict[Memory, type[msgspec.Struct]] = {
    Memory.KEPT: Kept,
    Memory.PERIODS: Periods,
    Memory.SILENCE: Silence,
    Memory.TALLY: Tally,
}
AHEAD_MAX = 100
"""Of so many events that were not told yet it is looked at when they happened."""


class Ticked(NamedTuple):
    """How many things were looked at, and how many messages that made; whether there may be more
    that is due.
    """

    looked_at: int = 0
    messages: int = 0
    more: bool = False


def next_due(tx: Tx) -> int | None:
    """When there is something to do next (ms)."""
    both = (states.next_due(tx), alerts_store.next_due(tx))
    return min((one for one in both if one is not None), default=None)


def tick(tx: Tx, means: Means, now: int, limit: int) -> Ticked:
    """Tell what is due; the fan-out waits meanwhile."""
    watch.hold(tx)
    desk = _Desk(tx, means, now)
    looked_at = [desk.held(limit), desk.unseen(limit)]
    until = _told_until(tx, now)
    if until is not None:
        looked_at.append(desk.measured(until, limit))
    messages = alerts.tell(tx, desk.raised.ready, means, now)
    alerts.note(tx, desk.raised.faults, now)
    return Ticked(sum(looked_at), messages, max(looked_at) >= limit)


class Rewinding(NamedTuple):
    """Where the list of what is due later than now goes on, None at its end."""

    last: tuple[int, bytes, bytes] | None = None
    over: bool = False


def rewind(tx: Tx, means: Means, now: int, at: Rewinding, limit: int) -> Rewinding:
    """Reckon again when what is remembered is due, since the clock may have been set back."""
    watch.hold(tx)
    desk = _Desk(tx, means, now)
    found = states.later_than(tx, now, at.last, limit)
    changed = [desk.rewound(state) for state, _ in found]
    if at.last is None:
        desk.rewound_alerts(limit)
    states.save(tx, [one for one in changed if one is not None])
    return Rewinding(found[-1][1] if found else None, over=len(found) < limit)


def _told_until(tx: Tx, now: int) -> int | None:
    """Up to which moment all that has happened was told to the rules; None if that cannot be said
    soon.
    """
    until = now - GRACE_MS
    reached = marks.reached(tx)
    if reached is None:
        return until
    ahead = events.after(tx, reached, AHEAD_MAX)
    if len(ahead) == AHEAD_MAX:
        return None
    times = [ids.time_of(one.event.id) for one in ahead if one.event.notify]
    return min([until, *times])


class _Desk:
    """Where it is looked at what is due."""

    def __init__(self, tx: Tx, means: Means, now: int) -> None:
        self._tx = tx
        self._means = means
        self._now = now
        self._entries: dict[tuple[AccountId, RuleId], Entry | None] = {}
        self.raised = Raised([], [])

    def held(self, limit: int) -> int:
        """Tell what was held back."""
        found = states.due(self._tx, [Memory.KEPT], self._now, limit)
        self._add(release(self._tx, self._alive(found), self._now))
        return len(found)

    def unseen(self, limit: int) -> int:
        """Tell others of what nobody has taken notice of."""
        found = alerts_store.due(self._tx, self._now, limit)
        for alert in found:
            entry = self._entry(alert.account_id, alert.rule_id)
            if entry is None:
                alerts_store.step(self._tx, alert, alert.step, None)
            else:
                self._add(step(self._tx, entry, alert, self._now))
        return len(found)

    def measured(self, until: int, limit: int) -> int:
        """Tell of silence, and of periods that are over, up to a moment."""
        found = states.due(self._tx, MEASURED, until + GRACE_MS, limit)
        alarms: list[Alarm] = []
        for entry, state in self._alive(found):
            left, more = watch.look(entry, state, until, self._now)
            alarms += more
            if left is None:
                states.forget(self._tx, [state.place])
            else:
                states.save(self._tx, [left])
        self._add(sound(self._tx, alarms, self._now))
        return len(found)

    def rewound(self, state: State) -> State | None:
        """What is to be remembered instead, None for nothing else."""
        entry = self._entry(state.place.account_id, state.place.rule_id)
        if entry is None:
            return state._replace(due_at=self._now)
        rule, place = entry.rule, state.place
        match rule.spec.when:
            case _ if place.memory is Memory.KEPT:
                kept = digest.rewound(entry.plan, state.read(Kept), self._now)
                return states.state(place, kept, kept.due_at)
            case Absence() as when:
                silence = timing.rewound(state.read(Silence), self._now)
                return watch.silence_state(rule, when, silence, place)
            case Change() as when:
                periods, _ = timing.compare(when, state.read(Periods), [], self._now)
                return watch.periods_state(when, periods, place)
            case _:
                return None

    def rewound_alerts(self, limit: int) -> None:
        """Let nobody wait longer for others to be told than after what is told now."""
        for alert in alerts_store.later_than(self._tx, self._now, limit):
            entry = self._entry(alert.account_id, alert.rule_id)
            steps = () if entry is None else steps_of(entry)
            latest = escalation.next_at(steps, alert.step, self._now)
            if latest is None or latest < (alert.next_at or 0):
                alerts_store.step(self._tx, alert, alert.step, latest)

    def _alive(self, found: Iterable[State]) -> list[tuple[Entry, State]]:
        """Those whose rules are on; what is remembered of others is forgotten."""
        alive: list[tuple[Entry, State]] = []
        for state in found:
            entry = self._entry(state.place.account_id, state.place.rule_id)
            if entry is not None and self._is_whole(entry, state):
                alive.append((entry, state))
            else:
                states.forget(self._tx, [state.place])
        return alive

    def _is_whole(self, entry: Entry, state: State) -> bool:
        """Whether it can be read: what cannot shall keep nobody else from being told."""
        try:
            state.read(REMEMBERED[state.place.memory])
        except msgspec.MsgspecError:
            self.raised.faults.append((entry.rule, "What was remembered of it could not be read"))
            return False
        return True

    def _entry(self, account_id: AccountId, rule_id: RuleId) -> Entry | None:
        """The rule, None if it is no more, or not on."""
        place = (account_id, rule_id)
        if place not in self._entries:
            rule = rules.find(self._tx, account_id, rule_id)
            on = rule is not None and rule.enabled
            self._entries[place] = Entry(rule, self._means) if rule is not None and on else None
        return self._entries[place]

    def _add(self, raised: Raised) -> None:
        self.raised.ready.extend(raised.ready)
        self.raised.faults.extend(raised.faults)
