"""The rules that events are tried on, remembered between chunks as long as none has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from gatepost.base.ids import AccountId, ProjectId
from gatepost.base.vault import Damaged
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.events import conditions
from gatepost.domains.events.conditions import Condition, Seen
from gatepost.domains.events.model import Event
from gatepost.domains.people import store as people
from gatepost.domains.rules import store
from gatepost.domains.rules.digest import Plan, plan_of
from gatepost.domains.rules.model import Destination, OnEvent, Rule, Way
from gatepost.domains.rules.store import Version
from gatepost.engine.ways import Means
from gatepost.storage.db import Tx

PURSE_S = 10.0
SPENT_S = 2.0


class Purse:
    """What filling in the texts of an account's rules may take: SPENT_S in each PURSE_S. Many that
    take a little keep others waiting as one does that takes long.
    """

    def __init__(self) -> None:
        """Have spent nothing."""
        self._since = 0.0
        self._spent = 0.0

    def has_more(self, now: float) -> bool:
        """Whether another one may be filled in."""
        if now - self._since >= PURSE_S:
            self._since, self._spent = now, 0.0
        return self._spent < SPENT_S

    def spend(self, seconds: float) -> None:
        """Note how long one took."""
        self._spent += seconds


class Entry:
    """A rule, ready to be tried."""

    def __init__(self, rule: Rule, means: Means, purse: Purse | None = None) -> None:
        """Read its condition."""
        self.rule = rule
        self.purse = purse or Purse()
        self.condition: Condition = conditions.read(rule.match)
        self.rests_until = 0.0
        self._means = means

    @cached_property
    def way(self) -> Way:
        """Where it leads, and then further; raises Damaged."""
        return self._means.ways.open(self.rule)

    @property
    def to(self) -> tuple[Destination, ...]:
        """Where it leads; raises Damaged."""
        return self.way.to

    @cached_property
    def messages(self) -> int:
        """How many messages an alert of it makes; none where it cannot be read where it leads."""
        try:
            return len(self.way.to)
        except Damaged:
            return 0

    @cached_property
    def plan(self) -> Plan:
        """When its alerts are told."""
        return plan_of(self.rule.spec)

    @cached_property
    def at_once(self) -> bool:
        """Whether it tells of each event by itself, as it comes, and that is all: nothing need be
        remembered of it.
        """
        if not isinstance(self.rule.spec.when, OnEvent) or not self.plan.at_once:
            return False
        try:
            return not self.way.escalate
        except Damaged:
            return True


class Hit(NamedTuple):
    """A rule, and an event that meets its condition."""

    entry: Entry
    event: Event


class Shelf:
    """The rules of a project that are on; those that name channels are found by them."""

    def __init__(self, version: Version, entries: Iterable[Entry]) -> None:
        """Sort them."""
        self.version = version
        self.entries = list(entries)
        self.users = {name for one in self.entries for name in one.condition.user_ids}
        self._everywhere: list[Entry] = []
        self._by_channel: dict[str, list[Entry]] = {}
        for one in self.entries:
            for name in set(one.condition.channels):
                self._by_channel.setdefault(name, []).append(one)
            if not one.condition.channels:
                self._everywhere.append(one)

    def tried_on(self, event: Event) -> list[Entry]:
        """The rules that an event may meet, oldest first."""
        here = self._by_channel.get(event.channel_name)
        if not here:
            return self._everywhere
        return sorted([*here, *self._everywhere], key=lambda one: one.rule.id)

    def hits(self, event: Event, names: Mapping[str, str]) -> Iterator[Hit]:
        """The rules whose condition an event meets."""
        seen = Seen(event, names)
        for entry in self.tried_on(event):
            if conditions.meets(entry.condition, seen):
                yield Hit(entry, event)


class RuleBook:
    """The rules of all projects that events have come to."""

    def __init__(self, means: Means) -> None:
        """Begin with none."""
        self._means = means
        self._shelves: dict[ProjectId, Shelf] = {}
        self._purses: dict[AccountId, Purse] = {}

    def shelves(self, tx: Tx, project_ids: Iterable[ProjectId]) -> dict[ProjectId, Shelf]:
        """The rules of some projects as they are now: how often they have changed is read first,
        so that what changes meanwhile is read again.
        """
        versions = store.versions(tx)
        for gone in self._shelves.keys() - versions.keys():
            del self._shelves[gone]
        found: dict[ProjectId, Shelf] = {}
        for project_id in project_ids:
            version = versions.get(project_id)
            if version is not None:
                found[project_id] = self._shelf(tx, project_id, version)
        return found

    def _shelf(self, tx: Tx, project_id: ProjectId, version: Version) -> Shelf:
        known = self._shelves.get(project_id)
        if known is None or known.version != version:
            purse = self._purses.setdefault(version.account_id, Purse())
            entries = [Entry(one, self._means, purse) for one in store.active(tx, project_id)]
            known = self._shelves[project_id] = Shelf(version, entries)
        return known


Names = Mapping[ProjectId, Mapping[str, str]]
"""Whom names lead to, in the account of each project."""


def names_of(
    tx: Tx,
    told: Iterable[Event],
    shelves: Mapping[ProjectId, Shelf],
    listening: Mapping[ProjectId, Sequence[Endpoint]],
) -> Names:
    """Look up those names that rules and endpoints want, and those of events they may want."""
    wanted: dict[ProjectId, tuple[AccountId, set[str]]] = {}
    for project_id, shelf in shelves.items():
        if shelf.users:
            wanted[project_id] = (shelf.version.account_id, set(shelf.users))
    for project_id, here in listening.items():
        for one in here:
            if one.filter and (users := conditions.read(one.filter).user_ids):
                wanted.setdefault(project_id, (one.account_id, set()))[1].update(users)
    for event in told:
        if event.user_id is not None and event.project_id in wanted:
            wanted[event.project_id][1].add(event.user_id)
    return {
        project_id: people.resolve(tx, account_id, sorted(names))
        for project_id, (account_id, names) in wanted.items()
    }
