"""What one process tells the others: its own name, then the topics that were rung.

Words with a space between them. A topic is `b` or `t` (bytes or text) and its bytes in hex; any
other word rings every bell, so that an older program stays right among newer ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from gatepost.signals.contract import Topic

WORDS_BYTES_MAX = 7_000
"""PostgreSQL's notifications end below 8,000 bytes."""
EVERYTHING: Final = None
Rung: TypeAlias = Topic | None
"""A topic, or `EVERYTHING`."""


def pack(rung: Iterable[Rung]) -> dict[Rung, str]:
    """Take the first topics that fit into one message, each with its word."""
    words: dict[Rung, str] = {}
    size = 0
    for topic in rung:
        word = _word(topic)
        size += len(word) + 1
        if size > WORDS_BYTES_MAX:
            break
        words[topic] = word
    return words


def join(sender: str, words: Iterable[str]) -> str:
    """Write a message."""
    return " ".join((sender, *words))


def split(message: str) -> tuple[str, list[Rung]]:
    """Read a message: who sent it, and what was rung."""
    sender, *words = message.split(" ")
    return sender, [_topic(word) for word in words]


def _word(topic: Rung) -> str:
    if topic is EVERYTHING:
        return "*"
    word = f"t{topic.encode().hex()}" if isinstance(topic, str) else f"b{topic.hex()}"
    return word if len(word) < WORDS_BYTES_MAX else "*"


def _topic(word: str) -> Rung:
    kind, digits = word[:1], word[1:]
    try:
        if kind == "b":
            return bytes.fromhex(digits)
        if kind == "t":
            return bytes.fromhex(digits).decode()
    except ValueError:
        pass
    return EVERYTHING
