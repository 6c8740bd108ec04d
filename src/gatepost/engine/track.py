"""Track: events in, stored and counted. A vector verb: many requests, a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from gatepost.base import ids
from gatepost.base.clock import now_ms
from gatepost.base.ids import AccountId, ChannelId, EventId, ProjectId
from gatepost.base.periods import slot_of
from gatepost.domains.aggregators import counts
from gatepost.domains.aggregators.model import Tally
from gatepost.domains.channels import store as channels
from gatepost.domains.events import store as events
from gatepost.domains.events.model import Event
from gatepost.domains.people import store as people
from gatepost.storage.db import Tx

METER = "event"
TAG_SETS = 4096


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Whose event it is, and when it came in (ms); whether it is counted besides."""

    account_id: AccountId
    project_id: ProjectId
    now: int
    counting: bool = False


class Track(msgspec.Struct, frozen=True, gc=False):
    """One event to store. `channel` is normalised; `tags_json` and `metadata_json` are JSON.

    `event_key` is the client's own id for it: within seven days the same one is a duplicate.
    `at` (ms) is when it happened, None for now; the past never notifies.
    """

    channel: str
    title: str
    description: str | None
    icon: str | None
    tags_json: str
    metadata_json: str
    user_id: str | None
    notify: bool
    source: str
    display_as: str
    event_key: str | None
    at: int | None


class Tracked(msgspec.Struct, frozen=True, gc=False):
    """The stored event, and its id; a duplicate has the id of the first one alone."""

    event_id: EventId
    event: Event | None

    @property
    def duplicate(self) -> bool:
        """Whether the client's own id was known already."""
        return self.event is None


def track(tx: Tx, origins: Sequence[Origin], commands: Sequence[Track]) -> list[Tracked]:
    """Store events and count them. Outcomes come in the order of the commands."""
    needs = _Needs(origins, commands)
    firsts = _Keys(tx, needs)
    made_in = needs.channel_ids(tx)
    names = needs.user_ids(tx)
    arrived = now_ms()
    fresh: list[Event] = []
    outcomes: list[Tracked] = []
    for origin, command in zip(origins, commands, strict=True):
        if command.event_key is not None:
            first = firsts.get(origin, command)
            if first is not None:
                outcomes.append(Tracked(first, None))
                continue
        event = _event(origin, command, arrived, made_in[origin.project_id], names)
        if command.event_key is not None:
            firsts.add(origin, command, event)
        fresh.append(event)
        outcomes.append(Tracked(event.id, event))
    events.append(tx, fresh)
    firsts.save()
    _count(tx, origins, commands, outcomes)
    return outcomes


def _event(
    origin: Origin,
    command: Track,
    arrived: int,
    channel_ids: dict[str, ChannelId],
    names: dict[tuple[AccountId, str], str],
) -> Event:
    user_id = command.user_id
    if user_id is not None:
        user_id = names.get((origin.account_id, user_id), user_id)
    past = command.at is not None and command.at < origin.now
    return Event(
        origin.project_id,
        EventId(ids.new_at(arrived if command.at is None else command.at)),
        channel_ids[command.channel],
        command.channel,
        command.title,
        command.description,
        command.icon,
        command.tags_json,
        command.metadata_json,
        user_id,
        command.notify and not past,
        command.source,
        command.display_as,
    )


class _Needs:
    """What a group names and must be looked up: channels, people, clients' own ids."""

    def __init__(self, origins: Sequence[Origin], commands: Sequence[Track]) -> None:
        self.now = origins[0].now if origins else 0
        self.keys: dict[ProjectId, set[str]] = {}
        self._channels: dict[ProjectId, dict[str, tuple[str | None, str | None]]] = {}
        self._users: dict[AccountId, set[str]] = {}
        last: Origin | None = None
        channels_here: dict[str, tuple[str | None, str | None]] = {}
        users_here: set[str] = set()
        for origin, command in zip(origins, commands, strict=True):
            if origin is not last:  # the same object throughout a batch
                last = origin
                channels_here = self._channels.setdefault(origin.project_id, {})
                users_here = self._users.setdefault(origin.account_id, set())
            if command.channel not in channels_here:
                channels_here[command.channel] = (command.icon, command.description)
            if command.user_id is not None:
                users_here.add(command.user_id)
            if command.event_key is not None:
                self.keys.setdefault(origin.project_id, set()).add(command.event_key)

    def channel_ids(self, tx: Tx) -> dict[ProjectId, dict[str, ChannelId]]:
        """Ids of all the channels by name; those that are new are made."""
        return {
            project_id: channels.ensure(tx, project_id, mine, self.now)
            for project_id, mine in sorted(self._channels.items())
        }

    def user_ids(self, tx: Tx) -> dict[tuple[AccountId, str], str]:
        """User ids of the names that lead to a person."""
        return {
            (account_id, name): user_id
            for account_id, mine in self._users.items()
            if mine
            for name, user_id in people.resolve(tx, account_id, list(mine)).items()
        }


class _Keys:
    """Clients' own event ids, known from the database or met in this very group."""

    def __init__(self, tx: Tx, needs: _Needs) -> None:
        self._tx = tx
        self._known: dict[tuple[ProjectId, str], EventId] = {}
        self._fresh: dict[ProjectId, dict[str, EventId]] = {}
        self._now = needs.now
        for project_id, keys in needs.keys.items():
            for key, event_id in events.known_keys(tx, project_id, list(keys), self._now).items():
                self._known[(project_id, key)] = event_id

    def get(self, origin: Origin, command: Track) -> EventId | None:
        return self._known.get((origin.project_id, command.event_key or ""))

    def add(self, origin: Origin, command: Track, event: Event) -> None:
        if command.event_key is not None:
            self._known[(origin.project_id, command.event_key)] = event.id
            self._fresh.setdefault(origin.project_id, {})[command.event_key] = event.id

    def save(self) -> None:
        for project_id, keys in sorted(self._fresh.items()):
            events.remember_keys(self._tx, project_id, keys, self._now)


def _count(
    tx: Tx, origins: Sequence[Origin], commands: Sequence[Track], outcomes: Sequence[Tracked]
) -> None:
    """Count new events by channel and tags, at the time they tell, where that is wanted."""
    amounts: dict[Tally, int] = defaultdict(int)
    for origin, command, done in zip(origins, commands, outcomes, strict=True):
        if origin.counting and done.event is not None:
            at = origin.now if command.at is None else command.at
            tags = _tags(command.tags_json)
            place = counts.of_project(origin.project_id)
            tally = Tally(origin.account_id, place, slot_of(at), command.channel, tags)
            amounts[tally] += 1
    if amounts:
        counts.add(tx, amounts)


@lru_cache(TAG_SETS)
def _tags(text: str) -> tuple[str, ...]:
    return tuple(sorted(set(msgspec.json.decode(text))))
