"""What is known of a process."""

from __future__ import annotations

import enum

import msgspec

ALIVE_MS = 15_000
"""A process that was not seen for so long counts as gone."""


class Role(enum.StrEnum):
    """What a process does: answer requests, work in the background, or both."""

    ALL = "all"
    API = "api"
    WORKER = "worker"

    @property
    def answers(self) -> bool:
        """Whether it takes requests."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it works in the background."""
        return self is not Role.API


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process. Times in ms."""

    id: bytes
    role: Role
    host: str
    pid: int
    version: str
    started_at: int
    seen_at: int
