"""Fan out: what has happened becomes messages to whoever wants to know.

The events are their own outbox: they are read in the order of their arrival, and how far is
noted in the transaction that keeps the messages. So each is told once, whatever dies, and storing
one costs nothing more for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatepost.base.ids import ProjectId
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint, Shape
from gatepost.domains.events import conditions
from gatepost.domains.events import store as events
from gatepost.domains.events.conditions import NOBODY, Seen
from gatepost.domains.events.model import Event, Stored
from gatepost.domains.outbox import marks
from gatepost.domains.rules import store as rulestore
from gatepost.engine import alerts, milestones, payloads, watch
from gatepost.engine.alerts import Alert, Made
from gatepost.engine.listeners import Audience, Listeners
from gatepost.engine.notify import Notify, notify, to_endpoint
from gatepost.engine.rulebook import Hit, Names, RuleBook, Shelf, names_of
from gatepost.engine.ways import Means
from gatepost.storage import sql
from gatepost.storage.db import Tx

TRIES_MAX = 50_000
MESSAGES_MAX = 2000
"""So many times a rule is tried on an event in one transaction, and so many messages rules may
make in it, if not for one event alone: others wait meanwhile.
"""

Tried = Sequence[tuple[Stored, list[Hit]]]
"""Events, and the rules that each of them meets."""


class Told(NamedTuple):
    """How many events were looked at, and how many messages that made; whether anybody wants to
    know of any, whether there are `more`, and how often something was wrong with a rule.
    """

    events: int = 0
    messages: int = 0
    wanted: bool = True
    more: bool = False
    faults: int = 0


class Fanout:
    """Tells of events in the order of their arrival."""

    def __init__(self, means: Means) -> None:
        """Begin with no rule remembered."""
        self._means = means
        self._book = RuleBook(means)
        self._listeners = Listeners()

    def __call__(self, tx: Tx, now: int, limit: int, *, rules: bool = True) -> Told:
        """Tell of the next events, to endpoints and rules, or endpoints alone; one process at a
        time does it.

        The events are read before those who want to know: whoever was told that he will be told
        from now on must not miss one that came just then.
        """
        if not sql.try_lock(tx, b"fan out"):
            return Told()
        newest, reached = events.newest_seq(tx), marks.reached(tx)
        listening = endpoints.any_listens(tx) or rulestore.versions(tx)
        if reached is None or not listening:
            if newest != reached:
                marks.reach(tx, newest)
            return Told(wanted=bool(listening))
        chunk = events.after(tx, reached, limit)
        return self._tell(tx, chunk, now, limit, rules=rules) if chunk else Told()

    def _tell(self, tx: Tx, chunk: Sequence[Stored], now: int, limit: int, *, rules: bool) -> Told:
        loud = {one.event.project_id for one in chunk if one.event.notify}
        shelves = self._book.shelves(tx, loud) if rules else {}
        looked_at = _few(chunk, shelves)
        told = [one.event for one in looked_at if one.event.notify]
        audiences = self._listeners.audiences(tx, loud, now)
        here = {one: audience.endpoints for one, audience in audiences.items()}
        names = names_of(tx, told, shelves, here)
        tried = _tried(looked_at, shelves, names)
        told = [one.event for one, _ in tried if one.event.notify]
        commands = [
            command
            for event in told
            if (to := _wanting(event, audiences.get(event.project_id), names, now))
            for command in _commands(event, to, now)
        ]
        made = self._alerts(tx, tried, now)
        notify(tx, [*commands, *made.commands])
        alerts.note(tx, made.faults, now)
        marks.reach(tx, tried[-1][0].seq)
        more = len(tried) < len(chunk) or len(chunk) == limit
        messages = len(commands) + len(made.commands)
        return Told(len(tried), messages, more=more, faults=len(made.faults))

    def _alerts(self, tx: Tx, tried: Tried, now: int) -> Made:
        """Say what rules have to say of the events that they are met by."""
        found = Made([], [])
        ready: list[Alert] = []
        watched: list[Hit] = []
        for hit in (hit for _, hits in tried for hit in hits):
            if not hit.entry.at_once:
                watched.append(hit)
            elif not hit.entry.rule.is_muted(now):
                alert, wrong = alerts.of_event(hit.entry, hit.event)
                ready += [alert] if alert is not None else []
                found.faults.extend([(hit.entry.rule, wrong)] if wrong else [])
        raised = watch.feed(tx, watched, now)
        made = alerts.draft(tx, [*ready, *raised.ready], self._means, now)
        return Made(made.commands, [*found.faults, *raised.faults, *made.faults])


def _few(chunk: Sequence[Stored], shelves: Mapping[ProjectId, Shelf]) -> Sequence[Stored]:
    """As many of the events as can be tried on all rules of their projects in a short time."""
    tries = 0
    for index, one in enumerate(chunk):
        shelf = shelves.get(one.event.project_id)
        tries += len(shelf.entries) if shelf is not None and one.event.notify else 0
        if tries > TRIES_MAX and index:
            return chunk[:index]
    return chunk


def _tried(looked_at: Sequence[Stored], shelves: Mapping[ProjectId, Shelf], names: Names) -> Tried:
    """Try the rules on events, on as many as make not too many messages."""
    tried: list[tuple[Stored, list[Hit]]] = []
    messages = 0
    for one in looked_at:
        event, shelf = one.event, shelves.get(one.event.project_id)
        known = names.get(event.project_id, NOBODY)
        hits = [] if shelf is None or not event.notify else list(shelf.hits(event, known))
        messages += sum(hit.entry.messages for hit in hits)
        if messages > MESSAGES_MAX and tried:
            return tried
        tried.append((one, hits))
    return tried


def _wanting(event: Event, audience: Audience | None, names: Names, now: int) -> list[Endpoint]:
    if audience is None:
        return []
    wanting = audience.wanting(payloads.type_of(event), now)
    if not any(one.filter for one in wanting):
        return wanting
    seen = Seen(event, names.get(event.project_id, NOBODY))
    return [one for one in wanting if conditions.meets(conditions.read(one.filter), seen)]


def _commands(event: Event, wanting: Sequence[Endpoint], now: int) -> list[Notify]:
    """One message to all; those with Emailit's signature hear of its channel in its words."""
    if event.channel_name != milestones.CHANNEL:
        return [_command(event, wanting, payloads.of_event(event), now)]
    theirs = [one for one in wanting if one.shape is Shape.EMAILIT]
    others = [one for one in wanting if one.shape is not Shape.EMAILIT]
    told = ((theirs, payloads.of_milestone), (others, payloads.of_event))
    return [_command(event, to, body(event), now) for to, body in told if to]


def _command(event: Event, wanting: Sequence[Endpoint], body: str, now: int) -> Notify:
    return Notify(
        account_id=wanting[0].account_id,
        project_id=event.project_id,
        now=now,
        type=payloads.type_of(event),
        body=body,
        targets=tuple(to_endpoint(one) for one in wanting),
        event_id=event.id,
    )
