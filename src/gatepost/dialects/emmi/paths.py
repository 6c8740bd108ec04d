"""Where EMMI's API lies: one set of paths under three prefixes."""

from __future__ import annotations

from typing import NamedTuple

LATEST = "/latest/api/v1"
OTHERS = ("/v1/api/v1", "/api/v1")


class Place(NamedTuple):
    """The path that is published, and the others of the same thing."""

    path: str
    aliases: tuple[str, ...]


def place(path: str) -> Place:
    """Put a path, which is empty or begins with a slash, under each prefix."""
    return Place(LATEST + path, tuple(prefix + path for prefix in OTHERS))
