"""What an event can be found by: a set of 64-bit terms. Pure.

One inverted index serves every filter (channel, tag, person, word, metadata), so that writing
an event touches a single index, and any filter or mixture of filters is answered alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from gatepost.base.ids import ProjectId
from gatepost.domains.events.model import Event

LEAVES_MAX = 256
DEPTH_MAX = 32
REMEMBERED = 16_384
_WORD = re.compile(r"\w+")
_decode = msgspec.json.Decoder().decode


def of(event: Event) -> set[str]:
    """All the terms of an event."""
    here = event.project_id
    found = {channel(here, event.channel_name)}
    if event.user_id is not None:
        found.add(user(here, event.user_id))
    if event.tags_json != "[]":
        found.update([tag(here, name) for name in _decode(event.tags_json)])
    found.update([word(here, text) for text in _words(event)])
    if event.metadata_json != "{}":
        pairs = _pairs(event.metadata_json)
        found.update([metadata(here, path, value) for path, value in pairs])
    return found


def has(
    event: Event,
    tags: Collection[str],
    folded: Collection[str],
    pairs: Collection[tuple[str, str]],
) -> Iterator[bool]:
    """Whether an event has all tags, all folded words, all pairs of metadata: as its terms say,
    without making them.
    """
    if tags:
        yield set(_decode(event.tags_json)).issuperset(tags)
    if folded:
        yield set(_words(event)).issuperset(folded)
    if pairs:
        yield set(_pairs(event.metadata_json)).issuperset(pairs)


def channel(project_id: ProjectId, name: str) -> str:
    """The term of a channel, by its normalised name."""
    return _term(project_id, "channel", name)


def user(project_id: ProjectId, user_id: str) -> str:
    """The term of a user id as it was stored with the event."""
    return _term(project_id, "user", user_id)


def tag(project_id: ProjectId, name: str) -> str:
    """The term of a tag, exactly as written."""
    return _term(project_id, "tag", name)


def word(project_id: ProjectId, text: str) -> str:
    """The term of one folded word of title or description."""
    return _term(project_id, "word", text)


def metadata(project_id: ProjectId, path: str, value: str) -> str:
    """The term of a scalar in the metadata: `plan`, or `user.plan` for a nested one.

    The value is compared as text: `pro`, `42`, `true`, `null`.
    """
    return _term(project_id, "metadata", f"{path}={value}")


def words(text: str) -> list[str]:
    """Split into words, without case and accents, each once, in order."""
    if text.isascii():
        return list(dict.fromkeys(_WORD.findall(text.lower())))
    plain = unicodedata.normalize("NFKD", text.casefold()).casefold()
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return list(dict.fromkeys(_WORD.findall(bare)))


def _words(event: Event) -> list[str]:
    return words(f"{event.title} {event.description}" if event.description else event.title)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Paths and values of the first `LEAVES_MAX` scalars at most `DEPTH_MAX` objects deep."""
    try:
        value = _decode(text)
    except RecursionError:
        return iter(())
    return islice(_leaves(value), LEAVES_MAX)


def _leaves(root: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Walk without recursion: metadata may be nested as deeply as a client likes."""
    stack = [(iter(root.items()), "")]
    while stack:
        items, prefix = stack[-1]
        for name, item in items:
            if isinstance(item, dict):
                if len(stack) < DEPTH_MAX:
                    stack.append((iter(item.items()), f"{prefix}{name}."))
                    break
            elif isinstance(item, list):
                yield from ((prefix + name, _text(one)) for one in item if _scalar(one))
            else:
                yield prefix + name, _text(item)
        else:
            stack.pop()


def _scalar(value: object) -> bool:
    return not isinstance(value, dict | list)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@lru_cache(REMEMBERED)
def _term(project_id: ProjectId, kind: str, value: str) -> str:
    """Sixteen hexadecimal digits; those of one project mean nothing in another."""
    return blake2b(f"{kind}:{value}".encode(), digest_size=8, key=project_id).hexdigest()
