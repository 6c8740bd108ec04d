"""The limiter of a single process: a dict of rolling logs."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from gatepost.limiter.contract import REPEATED, Subject, Verdict, Window
from gatepost.limiter.windows import RollingLog

# Each hit earns one step of sweeping per SWEEP_DIVISOR, each new subject two, and steps are made
# once SWEEP_DUE has gathered. Two steps per new subject keep the number of subjects held below
# about twice the number in use, however fast new ones arrive.
SWEEP_DIVISOR = 4
SWEEP_PER_SUBJECT = 2 * SWEEP_DIVISOR
SWEEP_DUE = 64


class MemoryLimiter:
    """Keeps the promise of `Limiter` for the callers of one process, and answers at once.

    Not locked: call it from one thread, that of the event loop. No call suspends, so each is
    atomic there. `clock` gives seconds and must never go back. Nothing is ever evicted to save
    memory, which would break limits; subjects whose units have all left their window are dropped,
    a few per call.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no subject."""
        self._clock = clock
        self._logs: dict[str, RollingLog] = {}
        self._ring: deque[str] = deque()  # the keys of _logs, the next one to be swept first
        self._sweep_credit = 0

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def __len__(self) -> int:
        """Count the subjects held."""
        return len(self._logs)

    def hit(
        self,
        subjects: Sequence[Subject],
        cost: int = 1,
        *,
        lenient: bool = False,  # noqa: ARG002 # it always knows how the windows stand
        overdraw: bool = False,
    ) -> Verdict:
        """Charge `cost` units to all the subjects, or to none of them if one has no room."""
        if cost < 1:
            message = f"a cost must be at least 1, got {cost}"
            raise ValueError(message)
        now = self._clock()
        # Before any log is taken in hand: a log swept while in use would forget its charge.
        self._sweep_credit += 1
        if self._sweep_credit >= SWEEP_DUE:
            self._sweep(now)
        room = 1 if overdraw else cost
        if len(subjects) == 1:
            ((key, window),) = subjects
            log = self._logs.get(key)
            if log is None or log.window is not window:
                log = self._settle(key, window)
            if log.fits(now, room):
                return Verdict(True, (log.charge(now, cost),), 0.0)
            return _uncharged([log], now, room)
        logs = [self._settle(key, window) for key, window in subjects]
        if len(set(logs)) < len(logs):
            raise ValueError(REPEATED)
        for log in logs:
            if not log.fits(now, room):
                return _uncharged(logs, now, room)
        return Verdict(True, tuple([log.charge(now, cost) for log in logs]), 0.0)

    def peek(self, subjects: Sequence[Subject]) -> Verdict:
        """Tell what a hit of one unit would be answered, with the standings before any charge."""
        if len({key for key, _ in subjects}) < len(subjects):
            raise ValueError(REPEATED)
        now = self._clock()
        logs = [
            self._settle(key, window) if key in self._logs else RollingLog(window)
            for key, window in subjects
        ]
        return _uncharged(logs, now, 1)

    def _settle(self, key: str, window: Window) -> RollingLog:
        """Find the log of `key`, or make it, and see that it goes by this window."""
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = RollingLog(window)
            self._ring.append(key)
            self._sweep_credit += SWEEP_PER_SUBJECT
        elif log.window is not window:
            log.resize(window)
        return log

    def _sweep(self, now: float) -> None:
        """Look at the next few subjects and drop those that are idle."""
        steps = min(self._sweep_credit // SWEEP_DIVISOR, len(self._ring))
        self._sweep_credit = 0
        for _ in range(steps):
            key = self._ring.popleft()
            if self._logs[key].idle(now):
                del self._logs[key]
            else:
                self._ring.append(key)


def _uncharged(logs: list[RollingLog], now: float, cost: int) -> Verdict:
    """Answer without a charge; CostAboveLimitError if one of the logs can never take `cost`."""
    wait_s = max((log.wait_s(now, cost) for log in logs), default=0.0)
    return Verdict(wait_s == 0, tuple([log.standing(now) for log in logs]), wait_s)
