"""From nothing to ready, and what an idle server holds."""

import statistics
import time
from pathlib import Path

from bench import contestants
from bench.process import rss_mb
from bench.report import Figure
from bench.road import Plan

TRIES = 5
IDLE_S = 5


def start(plan: Plan) -> list[Figure]:
    """First runs on empty folders and second runs on the same; the first try only warms caches."""
    first: list[float] = []
    again: list[float] = []
    memory: list[float] = []
    for index in range(TRIES + 1):
        data = plan.folder / f"start-{index}"
        first.append(ready(data))
        with contestants.serve(data, plan.folder / "start.log") as server:
            again.append(server.ready_s)
        memory.append(idle(plan.folder / f"idle-{index}") if index else 0)
        plan.say(
            f"  {index}/{TRIES} first {first[-1]:.2f} s, again {again[-1]:.2f} s, "
            f"idle {memory[-1]:.0f} MB"
        )
    return [
        Figure("start", "ready, first run", median(first), "s", at_most=2, note=span(first)),
        Figure("start", "ready, second run", median(again), "s", at_most=2, note=span(again)),
        Figure("start", "idle memory after a first run", max(memory), "MB", at_most=120),
    ]


def ready(data: Path) -> float:
    with contestants.serve(data, data.with_suffix(".log")) as server:
        return server.ready_s


def idle(data: Path) -> float:
    """Resident memory of a first run after some idle seconds, in MB."""
    with contestants.serve(data, data.with_suffix(".log")) as server:
        time.sleep(IDLE_S)
        return rss_mb(server.pid)


def median(values: list[float]) -> float:
    return statistics.median(values[1:])


def span(values: list[float]) -> str:
    return f"{min(values[1:]):.2f} to {max(values[1:]):.2f} over {TRIES} starts"
