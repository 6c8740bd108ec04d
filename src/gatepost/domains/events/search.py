"""Finding events: the index of terms, how it is filled behind the writes, how it is asked.

Writes do not wait for the index. A reader asks the index for what it has reached and looks at
the few newer events themselves, so a search never misses an event that was acknowledged.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import ProjectId
from gatepost.domains.events import store, terms
from gatepost.domains.events.model import Event, Narrow
from gatepost.domains.events.tables import event_index, event_terms
from gatepost.storage import sql
from gatepost.storage.db import Tx

NAME = "terms"
TAIL_CHUNK = 200
ESTIMATE_MAX = 2000

AnyOf = tuple[int, ...]


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

    def terms(self) -> list[AnyOf]:
        """The terms an event must have: one of each choice."""
        found: list[AnyOf] = []
        if self.channel is not None:
            found.append((terms.channel(self.channel),))
        if self.users is not None:
            found.append(tuple(map(terms.user, self.users)))
        found += [(terms.tag(name),) for name in self.tags]
        found += [(terms.word(text),) for text in self.words]
        found += [(terms.metadata(path, value),) for path, value in self.metadata]
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
    choices = wanted.terms()
    if not choices:
        return store.newest(tx, project_id, (wanted.since, wanted.before), limit)
    found = {event.id: event for event in _tail(tx, project_id, wanted, limit)}
    listed = _indexed_ids(tx, project_id, wanted, choices, limit)
    unread = [raw for raw in heapq.nlargest(limit, {*found, *listed}) if raw not in found]
    found.update((event.id, event) for event in store.by_ids(tx, project_id, unread))
    return [found[raw] for raw in heapq.nlargest(limit, found)]


def find_in(tx: Tx, project_ids: Sequence[ProjectId], wanted: Filter, limit: int) -> list[Event]:
    """Return up to `limit` matching events of several projects, newest first."""
    found = [event for one in project_ids for event in find(tx, one, wanted, limit)]
    return heapq.nlargest(limit, found, key=lambda event: event.id)


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


def _indexed_ids(
    tx: Tx, project_id: ProjectId, wanted: Filter, choices: list[AnyOf], limit: int
) -> list[bytes]:
    """Walk the rarest term's list from its newest entry, checking the others."""
    sizes = {choice: _size(tx, project_id, choice) for choice in choices}
    if not all(sizes.values()):
        return []
    first, *others = sorted(sizes, key=sizes.__getitem__)
    found: list[bytes] = []
    for term in first:
        found += _walk(tx, project_id, term, others, wanted, limit)
    return heapq.nlargest(limit, set(found))


def _walk(
    tx: Tx,
    project_id: ProjectId,
    term: int,
    others: Sequence[AnyOf],
    wanted: Filter,
    limit: int,
) -> list[bytes]:
    one = event_terms.alias()
    query = sa.select(one.c.id).where(one.c.project_id == project_id, one.c.term == term)
    if wanted.since is not None:
        query = query.where(one.c.id >= wanted.since)
    if wanted.before is not None:
        query = query.where(one.c.id < wanted.before)
    for choice in others:
        other = event_terms.alias()
        query = query.where(
            sa.exists().where(
                other.c.project_id == project_id,
                other.c.term.in_(choice),
                other.c.id == one.c.id,
            )
        )
    return list(tx.run(query.order_by(one.c.id.desc()).limit(limit)).scalars())


def _size(tx: Tx, project_id: ProjectId, choice: AnyOf) -> int:
    """Count a choice's entries, as far as it is worth counting."""
    listed = (
        sa.select(event_terms.c.id)
        .where(event_terms.c.project_id == project_id, event_terms.c.term.in_(choice))
        .limit(ESTIMATE_MAX)
        .subquery()
    )
    return tx.run(sa.select(sa.func.count()).select_from(listed)).scalar() or 0


def indexed(tx: Tx) -> int:
    """The place in the order of arrival that the index has reached."""
    query = sa.select(event_index.c.seq).where(event_index.c.name == NAME)
    return tx.run(query).scalar() or 0


def lag(tx: Tx) -> int:
    """How many arrivals the index has still to reach (about: places may be missing)."""
    return max(store.last_seq(tx) - indexed(tx), 0)


def advance(tx: Tx, limit: int) -> int:
    """Index the next events in order of arrival; returns how many there were."""
    chunk = store.after(tx, indexed(tx), limit)
    if not chunk:
        return 0
    add(tx, [one.event for one in chunk])
    sql.upsert(tx, event_index, {"name": NAME, "seq": chunk[-1].seq}, ["name"])
    return len(chunk)


def add(tx: Tx, batch: Sequence[Event]) -> None:
    """Enter events into the index."""
    found: dict[ProjectId, dict[int, list[bytearray]]] = {}
    for event in batch:
        mine = found.setdefault(event.project_id, {})
        event_id = bytearray(event.id)  # bound faster than bytes (see `store.append`)
        for term in terms.of(event):
            mine.setdefault(term, []).append(event_id)
    for project_id, mine in found.items():
        owner = bytearray(project_id)
        rows = [(owner, term, event_id) for term in sorted(mine) for event_id in mine[term]]
        sql.insert_rows(tx, event_terms, ("project_id", "term", "id"), rows)


def drop(tx: Tx, batch: Sequence[Event]) -> None:
    """Take events out of the index; those it has not reached yet do no harm."""
    for event in batch:
        tx.run(
            sa.delete(event_terms).where(
                event_terms.c.project_id == event.project_id,
                event_terms.c.term.in_(terms.of(event)),
                event_terms.c.id == event.id,
            )
        )


def forget_user(tx: Tx, project_id: ProjectId, user_id: str) -> int:
    """Take a user id out of all the project's events and out of the index.

    Returns how many events lost it.
    """
    mine = (event_terms.c.project_id == project_id, event_terms.c.term == terms.user(user_id))
    listed = sa.select(event_terms.c.id).where(*mine)
    gone = store.forget_user(tx, project_id, user_id, listed, indexed(tx))
    tx.run(sa.delete(event_terms).where(*mine))
    return gone
