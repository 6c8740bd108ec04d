"""What is metered of requests that write nothing: reads, and what was refused.

It is gathered in memory and written in the background, so a crash may lose the last second of
it. What changes anything, or is charged, is metered in its own transaction.
"""

from __future__ import annotations

from gatepost.domains.usage.model import Metered, Sums

SINGLE_MAX = 10_000


class Reads:
    """What waits to be written. Used from the event loop alone."""

    def __init__(self) -> None:
        """Start with nothing waiting."""
        self._waiting = Sums()

    def add(self, metered: Metered) -> None:
        """Note a request that was answered."""
        self._waiting.add(metered)

    def take(self) -> Sums:
        """Hand over what waits."""
        waiting, self._waiting = self._waiting, Sums()
        return waiting

    def put_back(self, waiting: Sums) -> None:
        """Take back what could not be written: all of the sums, of single requests so many."""
        waiting.merge(self._waiting)
        del waiting.single[SINGLE_MAX:]
        self._waiting = waiting
