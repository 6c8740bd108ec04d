"""What an event is."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import ChannelId, EventId, ProjectId


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened. `tags_json` and `metadata_json` are JSON as it is stored.

    The id sorts by, and carries, the moment the event happened (ms).
    """

    project_id: ProjectId
    id: EventId
    channel_id: ChannelId
    channel_name: str
    title: str
    description: str | None
    icon: str | None
    tags_json: str
    metadata_json: str
    user_id: str | None
    notify: bool
    source: str
    display_as: str


class Narrow(msgspec.Struct, frozen=True):
    """What a row shows at a glance. `tags` and `values` (of metadata) may let others through."""

    channel: str | None = None
    users: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An event with its place in the order of arrival."""

    seq: int
    event: Event
