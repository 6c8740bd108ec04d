"""Finding events: the index of terms, how it is filled behind the writes, how it is asked.

Writes do not wait for the index. A reader asks the index for what it has reached and looks at
the few newer events themselves, so a search never misses an event that was acknowledged.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.ids import ProjectId
from gatepost.domains.events import store, terms
from gatepost.domains.events.model import Event, Narrow, Stored
from gatepost.domains.events.tables import event_index, event_terms
from gatepost.storage import sql
from gatepost.storage.db import Tx
from gatepost.storage.postings import PLACE_MAX, Document

NAME = "terms"
TAIL_CHUNK = 200
FORGET_CHUNK = 500

AnyOf = tuple[str, ...]


class Filter(msgspec.Struct, frozen=True):
    """What is wanted: all that is set must hold. The default wants everything.

    `channel` is normalised, `words` are folded (see `terms.words`), `metadata` holds paths and
    values as text; one of `users` must be the event's. `since` is inclusive, `before` not.
    """

    channel: str | None = None
    tags: tuple[str, ...] = ()
    users: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    since: bytes | None = None
    before: bytes | None = None

    def terms(self, here: ProjectId) -> list[AnyOf]:
        """The terms an event of a project must have: one of each choice."""
        found: list[AnyOf] = []
        if self.channel is not None:
            found.append((terms.channel(here, self.channel),))
        if self.users is not None:
            found.append(tuple(terms.user(here, name) for name in self.users))
        found += [(terms.tag(here, name),) for name in self.tags]
        found += [(terms.word(here, text),) for text in self.words]
        found += [(terms.metadata(here, path, value),) for path, value in self.metadata]
        return found

    def narrow(self) -> Narrow:
        """What the database itself can tell of a row, without the index."""
        values = tuple(value for _, value in self.metadata)
        return Narrow(self.channel, self.users, self.tags, values)

    def matches(self, event: Event) -> bool:
        """Decide for one event, as the index would."""
        if self.channel is not None and event.channel_name != self.channel:
            return False
        if self.users is not None and event.user_id not in self.users:
            return False
        if self.since is not None and event.id < self.since:
            return False
        if self.before is not None and event.id >= self.before:
            return False
        return all(terms.has(event, self.tags, self.words, self.metadata))


def find(tx: Tx, project_id: ProjectId, wanted: Filter, limit: int) -> list[Event]:
    """Return up to `limit` matching events, newest first."""
    choices = wanted.terms(project_id)
    if not choices:
        return store.newest(tx, project_id, (wanted.since, wanted.before), limit)
    found = {event.id: event for event in _tail(tx, project_id, wanted, limit)}
    listed = islice(_listed(tx, project_id, wanted, choices, limit), limit)
    found.update((event.id, event) for event in listed)
    return [found[raw] for raw in heapq.nlargest(limit, found)]


def find_in(tx: Tx, project_ids: Sequence[ProjectId], wanted: Filter, limit: int) -> list[Event]:
    """Return up to `limit` matching events of several projects, newest first."""
    found = [event for one in project_ids for event in find(tx, one, wanted, limit)]
    return heapq.nlargest(limit, found, key=lambda event: event.id)


def find_any(tx: Tx, project_id: ProjectId, choices: Sequence[Filter], limit: int) -> list[Event]:
    """Return up to `limit` events that match any of some filters, newest first."""
    found = {event.id: event for one in choices for event in find(tx, project_id, one, limit)}
    return [found[raw] for raw in heapq.nlargest(limit, found)]


def _tail(tx: Tx, project_id: ProjectId, wanted: Filter, limit: int) -> list[Event]:
    """The newest of the matching events that the index has not reached.

    Looks at ever more of them, newest first, until there are enough.
    """
    found: list[Event] = []
    reached, narrow, before = indexed(tx), wanted.narrow(), wanted.before
    size = max(limit, TAIL_CHUNK)
    while len(found) < limit:
        between = (wanted.since, before)
        chunk = store.newest(tx, project_id, between, size, arrived_after=reached, narrow=narrow)
        found += [event for event in chunk if wanted.matches(event)]
        if len(chunk) < size:
            break
        before, size = chunk[-1].id, size * 4
    return found[:limit]


def _listed(
    tx: Tx, project_id: ProjectId, wanted: Filter, choices: list[AnyOf], size: int
) -> Iterator[Event]:
    """The matching events that the index has, newest first, read `size` at a time.

    Each is looked at once more: several may share a place, and some may be gone.
    """
    first = ids.place_of(wanted.since) if wanted.since is not None else 0
    last = ids.place_of(wanted.before) if wanted.before is not None else PLACE_MAX
    while places := event_terms.find(tx, choices, size, first, last):
        yield from filter(wanted.matches, store.at_places(tx, project_id, places))
        last = places[-1] - 1


def indexed(tx: Tx) -> int:
    """The place in the order of arrival that the index has reached."""
    query = sa.select(event_index.c.seq).where(event_index.c.name == NAME)
    return tx.run(query).scalar() or 0


def lag(tx: Tx, limit: int) -> int:
    """How many arrivals the index has still to reach, counted up to a limit."""
    return store.count_after(tx, indexed(tx), limit)


def advance(tx: Tx, limit: int) -> int:
    """Index the next events in order of arrival; returns how many there were.

    One process at a time does it; the others find nothing to do.
    """
    if not sql.try_lock(tx, b"index of events"):
        return 0
    chunk = store.after(tx, indexed(tx), limit)
    if not chunk:
        return 0
    add(tx, [one.event for one in chunk])
    sql.upsert(tx, event_index, {"name": NAME, "seq": chunk[-1].seq}, ["name"])
    return len(chunk)


def add(tx: Tx, batch: Sequence[Event]) -> None:
    """Enter events into the index."""
    event_terms.add(tx, [_document(event) for event in batch])


def drop(tx: Tx, batch: Sequence[Stored]) -> None:
    """Take events out of the index, as far as it has reached them."""
    reached = indexed(tx)
    event_terms.remove(tx, [_document(one.event) for one in batch if one.seq <= reached])


def _document(event: Event) -> Document:
    return ids.place_of(event.id), terms.of(event)


def forget_user(tx: Tx, project_id: ProjectId, user_id: str) -> int:
    """Take a user id out of all the project's events and out of the index.

    Returns how many events lost it.
    """
    gone = store.forget_user(tx, project_id, user_id, arrived_after=indexed(tx))
    term, last = terms.user(project_id, user_id), PLACE_MAX
    while places := event_terms.find(tx, [(term,)], FORGET_CHUNK, last=last):
        found = [event.id for event in store.at_places(tx, project_id, places)]
        gone += store.forget_user(tx, project_id, user_id, among=found)
        event_terms.remove_term(tx, places, term)
        last = places[-1] - 1
    return gone
