"""What an aggregator is, and what is counted in it."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import AccountId, AggregatorId

NAME_MAX = 255
DESCRIPTION_MAX = 2000
TAGS_MAX = 64
"""Tags of one event that are kept, in the order they come."""
DISTINCT_TAGS_MAX = 2000
OTHER_TAG = "(other)"
"""What a tag beyond the distinct ones is counted as."""


class Aggregator(msgspec.Struct, frozen=True, kw_only=True):
    """A set of counters of one account. An archived one takes no more events. Times in ms."""

    id: AggregatorId
    account_id: AccountId
    name: str
    description: str
    timezone: str
    created_at: int
    updated_at: int
    archived_at: int | None = None
    deleted_at: int | None = None


Tags = tuple[str, ...]


class Tally(msgspec.Struct, frozen=True, gc=False):
    """What is counted apart: a name with a set of tags (sorted), in one slot (ms)."""

    account_id: AccountId
    aggregator_id: AggregatorId
    slot: int
    name: str
    tags: Tags
