"""What the feed's address asks for: the API's own parameters, and a few that people type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

import msgspec

from gatepost.dashboard.desk import Query
from gatepost.dashboard.forms import Fields

METADATA = "metadata."
SINGLE = ("channel", "q", "userId")
MOMENTS = ("since", "before")
TYPED = "%Y-%m-%dT%H:%M"
"""How a browser writes what was typed into a field for a moment, and wants it back."""


class Asked(msgspec.Struct, frozen=True):
    """Which events. `since` and `before` are as they stand in the address."""

    channel: str = ""
    q: str = ""
    user_id: str = ""
    tags: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    since: str = ""
    before: str = ""
    cursor: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the channel is asked for."""
        return any((self.q, self.user_id, self.tags, self.metadata, self.since, self.before))

    @property
    def newest(self) -> bool:
        """Whether what arrives now belongs to the top of this list."""
        return not (self.cursor or self.before)

    def query(self, zone: tzinfo) -> Query:
        """The same as the API's list takes it."""
        between = {"since": moment(self.since, zone), "before": moment(self.before, zone)}
        return {**self.filter(), **between, "cursor": self.cursor}

    def filter(self) -> dict[str, str | list[str]]:
        """The same as the API's stream takes it: without time and place."""
        metadata: dict[str, list[str]] = {}
        for path, value in self.metadata:
            metadata.setdefault(METADATA + path, []).append(value)
        return {
            "channel": self.channel,
            "q": self.q,
            "userId": self.user_id,
            "tag": list(self.tags),
            **metadata,
        }


def read(query: Fields) -> Asked:
    """Read an address. Several tags may be typed at once, with commas between; a pair of `field`
    and `value` stands for `metadata.<field>=<value>`.
    """
    return Asked(
        channel=query.get("channel"),
        q=query.get("q"),
        user_id=query.get("userId"),
        tags=tuple(dict.fromkeys(_tags(query))),
        metadata=tuple(dict.fromkeys(_metadata(query))),
        since=query.get("since"),
        before=query.get("before"),
        cursor=query.get("cursor"),
    )


def _tags(query: Fields) -> Iterator[str]:
    for given in query.all("tag"):
        yield from (one.strip() for one in given.split(",") if one.strip())


def _metadata(query: Fields) -> Iterator[tuple[str, str]]:
    for name, value in query.pairs:
        if name.startswith(METADATA) and name != METADATA:
            yield name.removeprefix(METADATA), value
    if "field" in query and "value" in query:
        yield query.get("field"), query.get("value")


def moment(text: str, zone: tzinfo) -> str:
    """A moment as the API takes it: what was typed without a zone is in the viewer's own one. What
    is none stays as it is, for the API to refuse.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()


def typed(text: str, zone: tzinfo) -> str:
    """A moment as a field shows it, "" for none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (at.astimezone(zone) if at.tzinfo else at).strftime(TYPED)
