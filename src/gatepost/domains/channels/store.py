"""Channels in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.ids import ChannelId, ProjectId
from gatepost.domains.channels.model import Channel
from gatepost.domains.channels.tables import channels
from gatepost.storage import sql
from gatepost.storage.db import Tx

KNOWN_MAX = 20_000
# A channel keeps its name and id for good, so one that was committed is never looked up again.
_known: dict[tuple[ProjectId, str], ChannelId] = {}


def ensure(
    tx: Tx, project_id: ProjectId, wanted: Mapping[str, tuple[str | None, str | None]], now: int
) -> dict[str, ChannelId]:
    """Return the ids of channels by name, making those that do not exist.

    `wanted` maps names to the (icon, description) a new one takes over.
    """
    known = {name: _known[project_id, name] for name in wanted if (project_id, name) in _known}
    if len(known) == len(wanted):
        return known
    found = _ids(tx, project_id, [name for name in wanted if name not in known])
    missing = sorted(wanted.keys() - known.keys() - found.keys())
    for name in missing:
        icon, description = wanted[name]
        values = {
            "project_id": project_id,
            "name": name,
            "id": ids.new(),
            "icon": icon,
            "description": description,
            "created_at": now,
        }
        sql.insert_new(tx, channels, values, ["project_id", "name"])
    if missing:
        found |= _ids(tx, project_id, missing)
    tx.after_commit(lambda: _know(project_id, found))
    return known | found


def _know(project_id: ProjectId, found: Mapping[str, ChannelId]) -> None:
    if len(_known) + len(found) > KNOWN_MAX:
        _known.clear()
    _known.update(((project_id, name), channel_id) for name, channel_id in found.items())


def _ids(tx: Tx, project_id: ProjectId, names: list[str]) -> dict[str, ChannelId]:
    rows = sql.lookup(tx, channels, ("name", "id"), ("project_id", project_id), "name", names)
    return {name: ChannelId(raw) for name, raw in rows}


def list_(tx: Tx, project_id: ProjectId) -> list[Channel]:
    """The project's channels by name."""
    query = sa.select(channels).where(channels.c.project_id == project_id)
    return [_channel(row) for row in tx.run(query.order_by(channels.c.name))]


def names(tx: Tx, project_id: ProjectId) -> dict[ChannelId, str]:
    """Names of all the project's channels by id."""
    query = sa.select(channels.c.id, channels.c.name).where(channels.c.project_id == project_id)
    return {ChannelId(row.id): row.name for row in tx.run(query)}


def _channel(row: Any) -> Channel:
    return Channel(
        ChannelId(row.id),
        ProjectId(row.project_id),
        row.name,
        row.icon,
        row.description,
        row.created_at,
    )
