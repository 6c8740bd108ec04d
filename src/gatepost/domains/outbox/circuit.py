"""When a destination is left alone for a while. Pure."""

from __future__ import annotations

from typing import NamedTuple

from gatepost.base.clock import MINUTE_MS, SECOND_MS

FAILURES = 8
OPEN_MS = 10 * SECOND_MS
OPEN_MS_MAX = 5 * MINUTE_MS


class Circuit(NamedTuple):
    """Failures in a row, and until when (ms) nothing is sent; then one attempt finds out."""

    failures: int = 0
    open_until: int = 0

    def is_open(self, now: int) -> bool:
        """Whether nothing may be sent now. A moment further ahead than any that is ever set is one
        of a clock that was set back since.
        """
        return now < self.open_until <= now + OPEN_MS_MAX

    def room(self, cap: int) -> int:
        """How many attempts may be under way at once."""
        return 1 if self.failures >= FAILURES else cap


def after(circuit: Circuit, now: int, *, reached: bool) -> Circuit:
    """The circuit after an attempt: `reached` is false where the destination did not answer, or
    said that it cannot. The longer it fails, the longer it is left alone.
    """
    if reached:
        return Circuit()
    failures = circuit.failures + 1
    if failures < FAILURES or circuit.is_open(now):
        return Circuit(failures, circuit.open_until)
    times = min(failures - FAILURES, 10)
    return Circuit(failures, now + min(OPEN_MS * 2**times, OPEN_MS_MAX))
