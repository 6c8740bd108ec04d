"""Finding events: the index of terms, how it is filled behind the writes, how it is asked.

Writes do not wait for the index. A reader asks the index for what it has reached and looks at
the few newer events themselves, so a search never misses an event that was acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import EventId, ProjectId
from gatepost.domains.events import store, terms
from gatepost.domains.events.model import Event
from gatepost.domains.events.tables import event_index, event_terms, events
from gatepost.storage import sql
from gatepost.storage.db import Tx

NAME = "terms"
TAIL_CHUNK = 1000
ESTIMATE_MAX = 2000

AnyOf = tuple[int, ...]


class Filter(msgspec.Struct, frozen=True):
    """All of `terms` (each a choice of alternatives), between two ids (`since` inclusive)."""

    terms: tuple[AnyOf, ...] = ()
    since: bytes | None = None
    before: bytes | None = None

    def matches(self, event: Event) -> bool:
        """Decide for one event."""
        if self.since is not None and event.id < self.since:
            return False
        if self.before is not None and event.id >= self.before:
            return False
        if not self.terms:
            return True
        own = terms.of(event)
        return all(any(term in own for term in choice) for choice in self.terms)


def find(tx: Tx, project_id: ProjectId, wanted: Filter, limit: int) -> list[Event]:
    """Return up to `limit` matching events, newest first."""
    if not wanted.terms:
        return _newest(tx, project_id, wanted, limit)
    reached = indexed(tx)
    found = {event.id: event for event in _tail(tx, project_id, wanted, reached)}
    for raw in _indexed_ids(tx, project_id, wanted, limit):
        found.setdefault(EventId(raw), None)  # type: ignore[arg-type] # filled in below
    newest = sorted(found, reverse=True)[:limit]
    missing = [raw for raw in newest if found[raw] is None]
    if missing:
        found.update((event.id, event) for event in store.by_ids(tx, project_id, missing))
    return [found[raw] for raw in newest if found[raw] is not None]


def _newest(tx: Tx, project_id: ProjectId, wanted: Filter, limit: int) -> list[Event]:
    query = sa.select(events).where(events.c.project_id == project_id)
    if wanted.since is not None:
        query = query.where(events.c.id >= wanted.since)
    if wanted.before is not None:
        query = query.where(events.c.id < wanted.before)
    rows = tx.run(query.order_by(events.c.id.desc()).limit(limit))
    return [store.of_row(row).event for row in rows]


def _tail(tx: Tx, project_id: ProjectId, wanted: Filter, reached: int) -> list[Event]:
    found: list[Event] = []
    while chunk := store.after(tx, reached, TAIL_CHUNK, project_id):
        found += [one.event for one in chunk if wanted.matches(one.event)]
        reached = chunk[-1].seq
    return found


def _indexed_ids(tx: Tx, project_id: ProjectId, wanted: Filter, limit: int) -> list[bytes]:
    """Walk the rarest term's list from its newest entry, checking the others."""
    choices = sorted(wanted.terms, key=lambda choice: _size(tx, project_id, choice))
    found: list[bytes] = []
    for term in choices[0]:
        found += _walk(tx, project_id, term, choices[1:], wanted, limit)
    return sorted(set(found), reverse=True)[:limit]


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
    rows = [(event.project_id, term, event.id) for event in batch for term in terms.of(event)]
    rows.sort()
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
