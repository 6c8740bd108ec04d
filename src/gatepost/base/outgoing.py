"""Numbers of deliveries: what a process has tried, and what waits in the outbox of all."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from gatepost.base.clock import Clock, now_ms

BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
OK = "ok"


class Level(NamedTuple):
    """How many open deliveries of a transport and class of priority stand how, and since when
    (ms) the oldest of them is due, None for none that is.
    """

    transport: str
    priority: str
    state: str
    many: int
    oldest: int | None


class Outgoing:
    """Counts attempts; holds what was seen of the outbox last."""

    def __init__(self, clock: Clock = now_ms) -> None:
        """Start with nothing counted, and nothing known of the outbox."""
        self._clock = clock
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._durations: defaultdict[str, list[float]] = defaultdict(_slots)
        self._waits: defaultdict[str, list[float]] = defaultdict(_slots)
        self._levels: Sequence[Level] = ()
        self._circuits: dict[str, int] = {}

    def attempt(
        self, transport: str, result: str, duration_ms: int, waited_ms: int | None = None
    ) -> None:
        """Count an attempt. `waited_ms` is how long the first one has come after it was due."""
        self._attempts[(transport, result)] += 1
        _put(self._durations[transport], duration_ms / 1000)
        if waited_ms is not None:
            _put(self._waits[transport], max(waited_ms, 0) / 1000)

    def look(self, levels: Sequence[Level], circuits: dict[str, int]) -> None:
        """Hold what was seen of the outbox; a scrape looks for nothing itself."""
        self._levels = levels
        self._circuits = circuits

    def collect(self) -> Iterator[Metric]:
        """Hand everything to the Prometheus client."""
        yield self._tries()
        yield _histogram(
            "gatepost_delivery_attempt_duration_seconds",
            "Seconds an attempt took.",
            self._durations,
        )
        yield _histogram(
            "gatepost_delivery_first_attempt_seconds",
            "Seconds from when a delivery was due until its first attempt began.",
            self._waits,
        )
        yield from self._outbox()

    def _tries(self) -> Metric:
        family = CounterMetricFamily(
            "gatepost_delivery_attempts",
            "Attempts, by `ok` or the kind of failure.",
            labels=("transport", "result"),
        )
        for labels, count in list(self._attempts.items()):
            family.add_metric(labels, count)
        return family

    def _outbox(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "gatepost_outbox_deliveries",
            "Open deliveries: `due`, due `later`, `waiting` for an earlier one, `sending`.",
            labels=("transport", "priority", "state"),
        )
        oldest: dict[tuple[str, str], float] = {}
        now = self._clock()
        for level in self._levels:
            key = (level.transport, level.priority)
            depth.add_metric((*key, level.state), level.many)
            age = 0 if level.oldest is None else max(now - level.oldest, 0) / 1000
            oldest[key] = max(oldest.get(key, 0), age)
        yield depth
        ages = GaugeMetricFamily(
            "gatepost_outbox_oldest_due_seconds",
            "Age of the oldest delivery that is due and has not ended, whatever it waits for.",
            labels=("transport", "priority"),
        )
        for key, age in oldest.items():
            ages.add_metric(key, age)
        yield ages
        circuits = GaugeMetricFamily(
            "gatepost_outbox_circuits_open",
            "Destinations that are left alone for a while.",
            labels=("transport",),
        )
        for transport, count in self._circuits.items():
            circuits.add_metric((transport,), count)
        yield circuits


def _slots() -> list[float]:
    """A count for each bound and beyond, and the sum."""
    return [0.0] * (len(BOUNDS_S) + 2)


def _put(slots: list[float], seconds: float) -> None:
    slots[bisect_left(BOUNDS_S, seconds)] += 1
    slots[-1] += seconds


def _histogram(name: str, words: str, kept: dict[str, list[float]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=("transport",))
    for transport, slots in list(kept.items()):
        total, buckets = 0.0, []
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), slots[:-1], strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric((transport,), buckets, slots[-1])
    return family
