"""Events in the database: append, look up, read in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import not_found
from gatepost.base.ids import EventId, ProjectId
from gatepost.domains.events.model import Event, Narrow, Stored
from gatepost.domains.events.tables import EVENT_PARTS, TERM_PARTS, event_keys, events
from gatepost.storage import parts, sql
from gatepost.storage.db import Tx

_ALL = Narrow()
Between = tuple[bytes | None, bytes | None]
"""Two ids: the first inclusive, the second not; None: no bound."""

KEY_MS = 7 * DAY_MS
# In the order of Event's members and of the table's columns.
COLUMNS = (
    "project_id",
    "id",
    "channel_id",
    "channel_name",
    "title",
    "description",
    "icon",
    "tags",
    "metadata",
    "user_id",
    "notify",
    "source",
    "display_as",
)
NOTIFY = COLUMNS.index("notify")


def append(tx: Tx, batch: Sequence[Event]) -> None:
    """Store events in their order of arrival."""
    sql.insert_arriving(tx, events, COLUMNS, [_row(event) for event in batch])


def _row(event: Event) -> tuple[Any, ...]:
    """The values in the order of COLUMNS, in types that a driver binds without a detour:
    sqlite3 looks for an adapter of each `bytes` and `bool`, which costs about half of the insert.
    """
    return (
        bytearray(event.project_id),
        bytearray(event.id),
        bytearray(event.channel_id),
        event.channel_name,
        event.title,
        event.description,
        event.icon,
        event.tags_json,
        event.metadata_json,
        event.user_id,
        event.notify,
        event.source,
        event.display_as,
    )


def find(tx: Tx, project_id: ProjectId, event_id: EventId) -> Event | None:
    """Look an event of the project up."""
    where = (events.c.project_id == project_id, events.c.id == event_id)
    row = tx.run(sa.select(events).where(*where)).first()
    return of_row(row).event if row else None


def get(tx: Tx, project_id: ProjectId, event_id: EventId, kept_days: int) -> Event:
    """Look an event up; raises NOT_FOUND saying how long events are kept."""
    event = find(tx, project_id, event_id)
    if event is None:
        kept = f" (events are kept for {kept_days} days)" if kept_days else ""
        error = not_found(f"event with this id in the API key's project{kept}")
        raise error
    return event


def known_keys(tx: Tx, project_id: ProjectId, keys: Sequence[str], now: int) -> dict[str, EventId]:
    """First events by client key, as far as the key is not older than seven days."""
    names = ("event_key", "id", "expires_at")
    rows = sql.lookup(tx, event_keys, names, ("project_id", project_id), "event_key", keys)
    return {key: EventId(raw) for key, raw, expires in rows if expires > now}


def remember_keys(tx: Tx, project_id: ProjectId, keys: Mapping[str, EventId], now: int) -> None:
    """Keep client keys for seven days; a stale one of the same name gives way."""
    stale = sa.delete(event_keys).where(
        event_keys.c.project_id == project_id,
        event_keys.c.event_key.in_(list(keys)),
        event_keys.c.expires_at <= now,
    )
    tx.run(stale)
    rows = [(project_id, key, event_id, now + KEY_MS) for key, event_id in sorted(keys.items())]
    sql.insert_rows(tx, event_keys, ("project_id", "event_key", "id", "expires_at"), rows)


def drop_expired_keys(tx: Tx, now: int, limit: int) -> int:
    """Forget client keys past their time; returns how many."""
    expired = (
        sa.select(event_keys.c.project_id, event_keys.c.event_key)
        .where(event_keys.c.expires_at <= now)
        .limit(limit)
    )
    rows = tx.run(expired).all()
    for row in rows:
        tx.run(
            sa.delete(event_keys).where(
                event_keys.c.project_id == row.project_id, event_keys.c.event_key == row.event_key
            )
        )
    return len(rows)


def newest(
    tx: Tx,
    project_id: ProjectId,
    between: Between,
    limit: int,
    *,
    arrived_after: int | None = None,
    narrow: Narrow = _ALL,
) -> list[Event]:
    """The project's newest events between two ids, or of the latest arrivals alone."""
    since, before = between
    query = sa.select(events).where(*_glance(narrow))
    if arrived_after is None:
        query = query.where(events.c.project_id == project_id)
    else:
        query = query.where(events.c.seq > arrived_after, _of_project(project_id))
    if since is not None:
        query = query.where(events.c.id >= since)
    if before is not None:
        query = query.where(events.c.id < before)
    return [of_row(row).event for row in tx.run(query.order_by(events.c.id.desc()).limit(limit))]


def oldest(tx: Tx, project_id: ProjectId, between: Between, limit: int) -> list[Event]:
    """The project's oldest events between two ids."""
    since, before = between
    query = sa.select(events).where(events.c.project_id == project_id)
    if since is not None:
        query = query.where(events.c.id >= since)
    if before is not None:
        query = query.where(events.c.id < before)
    return [of_row(row).event for row in tx.run(query.order_by(events.c.id).limit(limit))]


def place_of(tx: Tx, project_id: ProjectId, event_id: EventId) -> int | None:
    """An event's place in the order of arrival."""
    where = (events.c.project_id == project_id, events.c.id == event_id)
    return tx.run(sa.select(events.c.seq).where(*where)).scalar()


def after(
    tx: Tx,
    seq: int,
    limit: int,
    project_id: ProjectId | None = None,
    narrow: Narrow = _ALL,
) -> list[Stored]:
    """Events (of a project) that arrived after a place in the order of arrival, oldest first."""
    query = sa.select(events).where(events.c.seq > seq, sql.settled(tx, events.c.seq))
    if project_id is not None:
        query = query.where(_of_project(project_id))
    query = query.where(*_glance(narrow))
    return [of_row(row) for row in tx.run(query.order_by(events.c.seq).limit(limit))]


def _glance(narrow: Narrow) -> Iterator[sa.ColumnElement[bool]]:
    if narrow.channel is not None:
        yield events.c.channel_name == narrow.channel
    if narrow.users is not None:
        yield events.c.user_id.in_(narrow.users)
    for column, texts in ((events.c.tags, narrow.tags), (events.c.metadata, narrow.values)):
        for text in texts:
            # As it stands inside the quotes of a JSON string; a number's digits likewise.
            inner = msgspec.json.encode(text).decode()[1:-1]
            yield column.contains(inner, autoescape=True)


def _of_project(project_id: ProjectId) -> sa.ColumnElement[bool]:
    """The project as a mere check on rows found by their place: as an indexed condition it
    would make the planner sort all of the project's events.
    """
    return sa.func.coalesce(events.c.project_id, b"") == project_id


def last_seq(tx: Tx) -> int:
    """The place of the newest arrival that is settled, 0 when there is none."""
    settled = sql.settled(tx, events.c.seq)
    newest_first = sa.select(events.c.seq).where(settled).order_by(events.c.seq.desc())
    return tx.run(newest_first.limit(1)).scalar() or 0


def place_before(tx: Tx, newest: int, project_id: ProjectId | None = None) -> int:
    """The place after which so many of the newest arrivals (of a project) come."""
    query = sa.select(events.c.seq).where(sql.settled(tx, events.c.seq))
    if project_id is not None:
        query = query.where(_of_project(project_id))
    return tx.run(query.order_by(events.c.seq.desc()).offset(newest).limit(1)).scalar() or 0


def count_after(tx: Tx, seq: int, limit: int) -> int:
    """How many events arrived after a place, counted up to a limit."""
    some = sa.select(sa.literal(1)).select_from(events).where(events.c.seq > seq).limit(limit)
    return tx.run(sa.select(sa.func.count()).select_from(some.subquery())).scalar() or 0


def newest_seq(tx: Tx) -> int:
    """The place in the order of arrival up to which nothing can come any more."""
    query = sa.select(sa.func.max(events.c.seq)).where(sql.settled(tx, events.c.seq))
    return tx.run(query).scalar() or 0


def make_parts(tx: Tx, now: int) -> None:
    """Make room for the events of the days to come, and for their terms."""
    for parted in (EVENT_PARTS, TERM_PARTS):
        parts.make(tx, parted, now)


def mend_arrivals(tx: Tx) -> None:
    """See that what arrives from now on is numbered above all that is there."""
    sql.mend_arrivals(tx, events)


def drop_parts(tx: Tx, before: int) -> int:
    """Drop old events and their terms a part at a time.

    Returns the moment (ms) up to which single ones are left to be removed.
    """
    parts.drop(tx, TERM_PARTS, before)
    return parts.drop(tx, EVENT_PARTS, before)


def older_than(tx: Tx, project_id: ProjectId, before: bytes, limit: int) -> list[Stored]:
    """The project's oldest events that sort before an id."""
    query = sa.select(events).where(events.c.project_id == project_id, events.c.id < before)
    return [of_row(row) for row in tx.run(query.order_by(events.c.id).limit(limit))]


def at_places(tx: Tx, project_id: ProjectId, places: Iterable[int]) -> Iterator[Event]:
    """The project's events at places (see `ids.place_of`), in their order."""
    bounds = map(ids.at_place, places)
    for row in sql.within(tx, events, COLUMNS, ("project_id", project_id), "id", bounds):
        values = list(row)
        values[NOTIFY] = bool(values[NOTIFY])
        yield Event(*values)


def remove(tx: Tx, project_id: ProjectId, event_ids: Iterable[EventId]) -> None:
    """Delete events."""
    tx.run(
        sa.delete(events).where(events.c.project_id == project_id, events.c.id.in_(list(event_ids)))
    )


def forget_user(
    tx: Tx,
    project_id: ProjectId,
    user_id: str,
    *,
    among: Sequence[EventId] | None = None,
    arrived_after: int = 0,
) -> int:
    """Take a user id out of events that stay; returns how many it was taken out of.

    Looks `among` some, or at all those that arrived after a place in the order of arrival.
    """
    if among is None:
        where = sa.and_(events.c.seq > arrived_after, _of_project(project_id))
    else:
        where = sa.and_(events.c.project_id == project_id, events.c.id.in_(among))
    holds = events.c.user_id == user_id
    return tx.run(sa.update(events).where(where, holds).values(user_id=None)).rowcount


def of_row(row: Any) -> Stored:
    """Read a row of the table, whose columns stand in the order of Event's members."""
    return Stored(row[0], Event(*row[1:]))
