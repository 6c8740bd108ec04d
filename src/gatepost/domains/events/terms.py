"""What an event can be found by: a set of 64-bit terms. Pure.

One inverted index serves every filter (channel, tag, person, word, metadata), so that writing
an event touches a single index, and any filter or mixture of filters is answered alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from gatepost.domains.events.model import Event

WORDS_MAX = 256
LEAVES_MAX = 64
_WORD = re.compile(r"\w+")


def of(event: Event) -> set[int]:
    """All the terms of an event."""
    found = {channel(event.channel_name)}
    if event.user_id is not None:
        found.add(user(event.user_id))
    for value in msgspec.json.decode(event.tags_json):
        found.add(tag(value))
    for text in words(f"{event.title} {event.description or ''}")[:WORDS_MAX]:
        found.add(word(text))
    if event.metadata_json != "{}":
        found.update(_metadata(msgspec.json.decode(event.metadata_json)))
    return found


def channel(name: str) -> int:
    """The term of a channel, by its normalised name."""
    return _term("channel", name)


def user(user_id: str) -> int:
    """The term of a user id as it was stored with the event."""
    return _term("user", user_id)


def tag(name: str) -> int:
    """The term of a tag, exactly as written."""
    return _term("tag", name)


def word(text: str) -> int:
    """The term of one folded word of title or description."""
    return _term("word", text)


def metadata(path: str, value: str) -> int:
    """The term of a scalar in the metadata: `plan`, or `user.plan` for a nested one.

    The value is compared as text: `pro`, `42`, `true`, `null`.
    """
    return _term("metadata", f"{path}={value}")


def words(text: str) -> list[str]:
    """Split into words, without case and accents, each once, in order."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return list(dict.fromkeys(_WORD.findall(bare)))


def _metadata(value: dict[str, Any]) -> Iterator[int]:
    for count, (path, leaf) in enumerate(_leaves(value, "")):
        if count == LEAVES_MAX:
            return
        yield metadata(path, leaf)


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, f"{prefix}{name}.")
        elif isinstance(item, list):
            yield from ((prefix + name, _text(one)) for one in item if _scalar(one))
        else:
            yield prefix + name, _text(item)


def _scalar(value: object) -> bool:
    return not isinstance(value, dict | list)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _term(kind: str, value: str) -> int:
    digest = blake2b(f"{kind}:{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
