"""How soon many pages are shown something again, and how much of it. Pure."""

from __future__ import annotations

from collections import deque

SHARE = 0.1
"""How much of the process's time all waves together may take."""
WAVE_S = 150e-6
WRITE_S = 25e-6
REST_MAX_S = 2.0
SECOND_S = 1.0


def rest_s(audiences: int, members: int) -> float:
    """How long to rest after a wave: so long that if all audiences of a process rest alike, their
    waves take no more than their share. Few pages are shown everything at once.
    """
    return min(REST_MAX_S, (audiences * WAVE_S + members * WRITE_S) / SHARE)


class Allowance:
    """At most so many events within any second; None: as many as come."""

    def __init__(self, most: int | None) -> None:
        """Begin with all of it."""
        self._most = most
        self._shown: deque[tuple[float, int]] = deque()

    def left(self, now: float) -> int | None:
        """How many may be shown now, in seconds of any clock."""
        if self._most is None:
            return None
        while self._shown and self._shown[0][0] + SECOND_S <= now:
            self._shown.popleft()
        return self._most - sum(count for _, count in self._shown)

    def take(self, count: int, now: float) -> None:
        """Know of so many that are shown."""
        if self._most is not None and count:
            self._shown.append((now, count))

    def free_at(self, now: float) -> float:
        """When some may be shown again: now, if any are left."""
        left = self.left(now)
        return now if left is None or left > 0 else self._shown[0][0] + SECOND_S
