"""An upstream's answer, as the road needs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from gatepost.web.contract import Header


class Broken(Exception):  # noqa: N818 # it names what happened to an answer
    """The upstream has broken off in the middle of its answer."""


class Answer(Protocol):
    """One of which the head is here."""

    status: int
    headers: Sequence[Header]

    def whole(self) -> bytes | None:
        """The whole body, if it is here already."""
        ...

    def parts(self) -> AsyncGenerator[bytes]:
        """The body, as it comes; raises Broken."""
        ...

    def close(self) -> None:
        """Hang up unless all of it has come."""
        ...
