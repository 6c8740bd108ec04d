"""Backtest: what a rule would have told of stored events; nothing is sent, nothing is kept.

It asks the very functions that tell. A mute does not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from time import monotonic

import msgspec

from gatepost.base import ids
from gatepost.base.ids import ProjectId
from gatepost.domains.events import conditions
from gatepost.domains.events import store as events
from gatepost.domains.events.conditions import Path, Seen
from gatepost.domains.events.model import Event
from gatepost.domains.people import store as people
from gatepost.domains.rules.model import Rule, Text
from gatepost.engine import rehearsal as rehearsals
from gatepost.engine.rehearsal import Rehearsal
from gatepost.engine.rulebook import Entry
from gatepost.engine.verdicts import SILENT
from gatepost.engine.ways import Means
from gatepost.storage.db import Tx

CHUNK = 500
EVENTS_MAX = 20_000
SECONDS_MAX = 3.0
SHOWN_MAX = 100
UNMET_MAX = 10


class Asked(msgspec.Struct, frozen=True):
    """Which events: from a moment up to another (ms), also those that never notify if they are
    `silent`.
    """

    since: int
    until: int
    silent: bool = False


class Would(msgspec.Struct, frozen=True):
    """What would have been told, when (ms), and of which event if it is of one."""

    at: int
    text: Text
    event: Event | None = None


class Unmet(msgspec.Struct, frozen=True):
    """An event that does not meet the condition, where that says so, and why in words."""

    event: Event
    path: Path
    reason: str


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """How many events were looked at, up to which moment (ms); how many met the condition, how
    often that would have been told, and the first of what would; the last of those that did not
    meet it. `problems` are those of its text.
    """

    until: int
    complete: bool
    examined: int
    met: int
    told: int
    alerts: list[Would]
    unmet: list[Unmet]
    problems: list[str]


def run(tx: Tx, rule: Rule, asked: Asked, means: Means) -> Tested:
    """Try a rule on stored events, as many as there is time for."""
    unmuted = msgspec.structs.replace(rule, muted_until=None)
    walk, rehearsal = _Walk(tx, unmuted, asked), Rehearsal(Entry(unmuted, means), asked.since)
    told, shown, problems = 0, list[Would](), dict[str, None]()
    for one in chain(rehearsal.takes(walk.met()), _later(rehearsal, walk)):
        told += 1
        if len(shown) < SHOWN_MAX:
            shown.append(Would(one.at, one.text, one.alarm.event))
            problems |= {one.wrong: None} if one.wrong else {}
    return Tested(
        until=walk.until,
        complete=walk.complete,
        examined=walk.examined,
        met=walk.count,
        told=told,
        alerts=shown,
        unmet=list(walk.unmet()),
        problems=list(problems),
    )


def _later(rehearsal: Rehearsal, walk: _Walk) -> Iterator[rehearsals.Would]:
    """What time brings after the last event."""
    yield from rehearsal.ends(walk.until)


class _Walk:
    """The events in the order of their time, as far as bounds allow."""

    def __init__(self, tx: Tx, rule: Rule, asked: Asked) -> None:
        self._tx = tx
        self._rule = rule
        self._asked = asked
        self._condition = conditions.read(rule.match)
        self._ends = monotonic() + SECONDS_MAX
        self.examined = self.count = 0
        self.until = asked.until
        self.complete = True
        self._unmet = deque[tuple[Seen, Path | None]](maxlen=UNMET_MAX)

    def unmet(self) -> Iterator[Unmet]:
        """The last that do not meet the condition, or never notify."""
        for seen, path in self._unmet:
            if path is None:
                yield Unmet(seen.event, (), SILENT)
            else:
                reason = conditions.explain(self._condition, path, seen)
                yield Unmet(seen.event, ("match", *path), reason)

    def met(self) -> Iterator[Event]:
        """Those that meet the condition."""
        for chunk in self._chunks(self._rule.project_id):
            names = self._names(chunk)
            for event in chunk:
                self.examined += 1
                if self._meets(Seen(event, names)):
                    self.count += 1
                    yield event

    def _meets(self, seen: Seen) -> bool:
        path = conditions.unmet(self._condition, seen)
        if path is None and (seen.event.notify or self._asked.silent):
            return True
        self._unmet.append((seen, path))
        return False

    def _chunks(self, project_id: ProjectId) -> Iterator[list[Event]]:
        since, before = ids.floor_at(self._asked.since), ids.floor_at(self._asked.until)
        while chunk := events.oldest(self._tx, project_id, (since, before), CHUNK):
            yield chunk
            since = chunk[-1].id + b"\x00"
            if len(chunk) == CHUNK and (self.examined >= EVENTS_MAX or monotonic() > self._ends):
                self.until, self.complete = ids.time_of(chunk[-1].id), False
                return

    def _names(self, chunk: list[Event]) -> dict[str, str]:
        wanted = set(self._condition.user_ids)
        if not wanted:
            return {}
        wanted |= {event.user_id for event in chunk if event.user_id is not None}
        return people.resolve(self._tx, self._rule.account_id, sorted(wanted))
