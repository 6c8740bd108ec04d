"""What every limiter promises, whatever store it keeps its windows in.

The promise: at most `limit` units are admitted in any half-open window `[t, t + seconds)`. A unit
charged at `t` no longer counts at exactly `t + seconds` when the limit is at most 1,000 (an exact
log); above that it may count up to a sixtieth of the window longer, never shorter.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeAlias

import msgspec

# None of these structs can be part of a reference cycle, so the garbage collector need not track
# them (gc=False): they are made on every request.


REPEATED = "a subject's key may be given only once per call"


class Window(msgspec.Struct, frozen=True, gc=False):
    """At most `limit` units in any rolling `seconds`; both are at least 1, else ValueError.

    `name` is for people and headers ("minute"); it identifies no state.
    """

    name: str
    limit: int
    seconds: int

    def __post_init__(self) -> None:
        """Refuse a window nothing could pass, or that would never hold anything."""
        if self.limit < 1 or self.seconds < 1:
            message = f"a window needs limit and seconds of at least 1, got {self!r}"
            raise ValueError(message)


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How one window stands at the moment of the verdict, after the charge if there was one.

    `remaining` is what the window would still admit at that instant, never negative. `reset_s` is
    the time in seconds until `remaining` next grows by itself, 0 when nothing is counted.
    """

    window: Window
    remaining: int
    reset_s: float


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The answer to one hit: `standings` are in the order of the subjects asked about.

    `retry_after_s` is 0 when admitted, else the seconds until the same hit would be admitted if
    nothing else were charged meanwhile.
    """

    admitted: bool
    standings: tuple[Standing, ...]
    retry_after_s: float

    @property
    def tightest(self) -> Standing:
        """The window that admits the least now, and of several the one that grows last."""
        standings = self.standings
        return standings[0] if len(standings) == 1 else min(standings, key=_room)


def _room(standing: Standing) -> tuple[int, float]:
    return (standing.remaining, -standing.reset_s)


Subject: TypeAlias = tuple[str, Window]
"""Whose window it is: a key unique to this subject and window (`key:<id>:minute`), and its size.

The key alone names the recorded units. Coming back with another window keeps them: they count
against the new limit and length, as far as they had not already left the old one.
"""


class CostAboveLimitError(ValueError):
    """The cost is above the limit of `window`, so waiting cannot help; nothing was charged."""

    def __init__(self, cost: int, window: Window) -> None:
        """Keep the window, so that the caller can tell the client which limit it is."""
        super().__init__(f"a cost of {cost} can never pass a limit of {window.limit}")
        self.cost = cost
        self.window = window


class UnreachableError(Exception):
    """The server that keeps the windows gives no verdict; whether it has charged is unknown.

    The text names no password.
    """


class Limiter(Protocol):
    """Decides whether a request may pass, and charges it if so.

    Both methods are plain functions that return a verdict or, from a limiter that has to ask a
    server, an awaitable of one. A limiter in memory knows its answer at once, and making a
    coroutine only to await it would cost about as much as the decision. The caller writes

        verdict = limiter.hit(subjects)
        if not isinstance(verdict, Verdict):
            verdict = await verdict

    The caller's errors are ValueErrors: `CostAboveLimitError`, a cost below 1, a key given twice.
    They are raised by the call or by its awaitable. Call it from one event loop's thread only.
    """

    async def start(self) -> None:
        """Open for hits; a server that cannot be reached yet is no error."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...

    def hit(
        self,
        subjects: Sequence[Subject],
        cost: int = 1,
        *,
        lenient: bool = False,
        overdraw: bool = False,
    ) -> Verdict | Awaitable[Verdict]:
        """Charge `cost` units to all the subjects, or to none of them if one has no room.

        A `lenient` hit may pass uncharged, without standings, while nobody can tell how the windows
        stand. One that may `overdraw` needs room for a single unit, and is charged all of its cost.
        """
        ...

    def peek(self, subjects: Sequence[Subject]) -> Verdict | Awaitable[Verdict]:
        """Tell what a hit of one unit would be answered, with the standings before any charge."""
        ...
