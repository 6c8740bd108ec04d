"""What a channel is, and how its name is made."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from gatepost.base.ids import ChannelId, ProjectId

_DROPPED = re.compile(r"[^A-Za-z0-9_\s-]", re.ASCII)
_JOINED = re.compile(r"[\s_-]+", re.ASCII)
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


class Channel(msgspec.Struct, frozen=True):
    """A stream of a project's events. `icon` and `description` come from its first event."""

    id: ChannelId
    project_id: ProjectId
    name: str
    icon: str | None
    description: str | None
    created_at: int


@lru_cache(4096)
def normalise(name: str) -> str:
    """Make `Payments & Co` into `payments-co`; a name of symbols alone becomes empty."""
    if _PLAIN.fullmatch(name):
        return name
    kept = _DROPPED.sub("", name.lower().strip())
    return _JOINED.sub("-", kept).strip("-")
