"""Rolling-window limits for throttling: at most N units in *any* window of W seconds.

`contract` says what every limiter promises, `windows` holds the pure window state, and `memory`
is the limiter of a single process.
"""

from gatepost.limiter.contract import (
    CostAboveLimitError,
    Limiter,
    Standing,
    Subject,
    Verdict,
    Window,
)
from gatepost.limiter.memory import MemoryLimiter

__all__ = [
    "CostAboveLimitError",
    "Limiter",
    "MemoryLimiter",
    "Standing",
    "Subject",
    "Verdict",
    "Window",
]
