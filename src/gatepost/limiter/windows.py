"""The recorded units of one rolling window: pure state, no clock of its own.

Every unit is remembered with its time, so the log is exact, up to `EXACT_LIMIT_MAX` units. A log
for a larger limit gathers the units of a sixtieth of the window under the time of the *last* of
them: an entry then leaves as a whole, when all its units are out of the window. Compared with the
exact log a unit can count up to a sixtieth of the window too long, never too short, so no traffic
pattern gets more than the limit through in any window.
"""

from math import inf

from gatepost.limiter.contract import CostAboveLimitError, Standing, Window

EXACT_LIMIT_MAX = 1000
SUB_BUCKETS = 60
COMPACT_FROM = 32  # entries gone before the lists are worth shortening


class RollingLog:
    """Units admitted within one window, as entries of (time of the last unit, units).

    Times are seconds of any one clock that never goes back. At most `limit` entries for an exact
    log, `SUB_BUCKETS` + 1 otherwise. The entries are two plain lists read from `_head` on, because
    most logs are short and a deque takes 600 bytes even when empty.
    """

    __slots__ = (
        "_head",
        "_leaves",
        "_limit",
        "_opened",
        "_seconds",
        "_times",
        "_units",
        "_used",
        "_width",
        "window",
    )

    window: Window

    def __init__(self, window: Window) -> None:
        """Start empty."""
        self._times: list[float] = []
        self._units: list[int] = []
        self._head = 0  # below the length of the lists, unless they are empty
        self._used = 0
        self._opened = -inf  # when the newest entry was begun
        self.resize(window)

    def __len__(self) -> int:
        """Count the entries held."""
        return len(self._times) - self._head

    def resize(self, window: Window) -> None:
        """Go on under another limit or length; recorded units stay with the times they have."""
        self.window = window
        self._limit = window.limit
        self._seconds = float(window.seconds)
        # An exact log is one whose entries are closed as soon as they are begun.
        self._width = window.seconds / SUB_BUCKETS if window.limit > EXACT_LIMIT_MAX else 0.0
        self._leaves = self._times[self._head] + self._seconds if self._times else inf

    def fits(self, now: float, cost: int) -> bool:
        """Whether `cost` more units may pass now; forgets what has left the window."""
        if self._leaves <= now:
            self._forget(now)
        return self._used + cost <= self._limit

    def charge(self, now: float, cost: int) -> Standing:
        """Record `cost` units; `fits` must have admitted them at the same `now`, or one of them."""
        times = self._times
        if now < self._opened + self._width and times:
            times[-1] = now
            self._units[-1] += cost
        else:
            times.append(now)
            self._units.append(cost)
            self._opened = now
        self._used = used = self._used + cost
        self._leaves = leaves = times[self._head] + self._seconds
        left = self._limit - used
        if left < 0:
            return self.standing(now)
        return Standing(self.window, left, leaves - now)

    def wait_s(self, now: float, cost: int) -> float:
        """Seconds until `cost` fits if nothing else is charged; CostAboveLimitError if never."""
        if cost > self._limit:
            raise CostAboveLimitError(cost, self.window)
        return 0.0 if self.fits(now, cost) else self._freed(self._used + cost - self._limit) - now

    def standing(self, now: float) -> Standing:
        """How the window stands without a charge."""
        if self.fits(now, 1):
            reset_s = self._leaves - now if self._used else 0.0
            return Standing(self.window, self._limit - self._used, reset_s)
        # It may be overdrawn: more than the oldest entry has to leave first.
        return Standing(self.window, 0, self._freed(self._used + 1 - self._limit) - now)

    def idle(self, now: float) -> bool:
        """Whether nothing recorded counts any more, so that the log may be dropped."""
        return not self._times or self._times[-1] + self._seconds <= now

    def _forget(self, now: float) -> None:
        """Drop the entries whose units have all left the window."""
        times, head, end = self._times, self._head, len(self._times)
        while head < end and times[head] + self._seconds <= now:
            self._used -= self._units[head]
            head += 1
        if head == end or (head >= COMPACT_FROM and head * 2 >= end):
            del times[:head], self._units[:head]
            head = 0
        self._head = head
        self._leaves = times[head] + self._seconds if times else inf

    def _freed(self, units: int) -> float:
        """When so many of the units held will have left; there must be that many."""
        at = self._head
        units -= self._units[at]
        while units > 0:
            at += 1
            units -= self._units[at]
        return self._times[at] + self._seconds
