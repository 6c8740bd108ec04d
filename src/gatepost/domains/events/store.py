"""Events in the database: append, look up, read in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gatepost.base.clock import DAY_MS
from gatepost.base.errors import not_found
from gatepost.base.ids import ChannelId, EventId, ProjectId
from gatepost.domains.events.model import Event, Stored
from gatepost.domains.events.tables import event_keys, events
from gatepost.storage import sql
from gatepost.storage.db import Tx

KEY_MS = 7 * DAY_MS
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


def append(tx: Tx, batch: Sequence[Event]) -> None:
    """Store events, all with one statement per power of two."""
    sql.insert_rows(tx, events, COLUMNS, [_row(event) for event in batch])


def _row(event: Event) -> tuple[Any, ...]:
    return (
        event.project_id,
        event.id,
        event.channel_id,
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
    rows = sql.lookup(tx, event_keys, names, "project_id", project_id, "event_key", keys)
    return {key: EventId(raw) for key, raw, expires in rows if expires > now}


def remember_keys(tx: Tx, project_id: ProjectId, keys: Mapping[str, EventId], now: int) -> None:
    """Keep client keys for seven days; a stale one of the same name gives way."""
    stale = sa.delete(event_keys).where(
        event_keys.c.project_id == project_id,
        event_keys.c.event_key.in_(list(keys)),
        event_keys.c.expires_at <= now,
    )
    tx.run(stale)
    rows = [(project_id, key, event_id, now + KEY_MS) for key, event_id in keys.items()]
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


def after(tx: Tx, seq: int, limit: int, project_id: ProjectId | None = None) -> list[Stored]:
    """Events that arrived after a place in the order of arrival, oldest first."""
    query = sa.select(events).where(events.c.seq > seq)
    if project_id is not None:
        query = query.where(events.c.project_id == project_id)
    return [of_row(row) for row in tx.run(query.order_by(events.c.seq).limit(limit))]


def last_seq(tx: Tx) -> int:
    """The place of the newest arrival, 0 when there is none."""
    return tx.run(sa.select(sa.func.max(events.c.seq))).scalar() or 0


def older_than(tx: Tx, project_id: ProjectId, before: bytes, limit: int) -> list[Event]:
    """The project's oldest events that sort before an id."""
    query = sa.select(events).where(events.c.project_id == project_id, events.c.id < before)
    return [of_row(row).event for row in tx.run(query.order_by(events.c.id).limit(limit))]


def by_ids(tx: Tx, project_id: ProjectId, wanted: Sequence[bytes]) -> list[Event]:
    """Events by id, newest first; those that are gone are left out."""
    query = sa.select(events).where(events.c.project_id == project_id, events.c.id.in_(wanted))
    return [of_row(row).event for row in tx.run(query.order_by(events.c.id.desc()))]


def remove(tx: Tx, project_id: ProjectId, event_ids: Iterable[EventId]) -> None:
    """Delete events."""
    tx.run(
        sa.delete(events).where(events.c.project_id == project_id, events.c.id.in_(list(event_ids)))
    )


def forget_user(tx: Tx, project_id: ProjectId, event_ids: Sequence[EventId]) -> None:
    """Take the person out of events that stay."""
    tx.run(
        sa.update(events)
        .where(events.c.project_id == project_id, events.c.id.in_(event_ids))
        .values(user_id=None)
    )


def of_row(row: Any) -> Stored:
    """Read a row of the table."""
    event = Event(
        ProjectId(row.project_id),
        EventId(row.id),
        ChannelId(row.channel_id),
        row.channel_name,
        row.title,
        row.description,
        row.icon,
        row.tags,
        row.metadata,
        row.user_id,
        bool(row.notify),
        row.source,
        row.display_as,
    )
    return Stored(row.seq, event)
