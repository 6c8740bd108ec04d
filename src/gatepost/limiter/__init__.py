"""Rolling-window limits for throttling: at most N units in *any* window of W seconds.

`contract` says what every limiter promises, `windows` holds the pure window state, and `memory`
is the limiter of a single process. Many processes share the windows in `valkey`, decided there by
`rolling.lua` and asked through `link`; `outage` is what they do while it cannot be reached. Those
are imported from their modules, so that a process that needs no server loads no client.
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
