"""Numbers for Prometheus. The hot path adds to plain dictionaries; a scrape renders them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics(Collector):
    """All counters, gauges and histograms of one process."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self.durations: dict[tuple[str, str], list[float]] = {}
        self.counters: dict[str, float] = defaultdict(float)
        self.gauges: dict[str, Callable[[], float]] = {}
        self.levels: dict[str, float] = defaultdict(float, {"gatepost_streams": 0})
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request(self, dialect: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the pattern, never the path itself."""
        self.requests[(dialect, route, status)] += 1
        slots = self.durations.get((dialect, route))
        if slots is None:
            slots = self.durations[(dialect, route)] = [0.0] * (len(SECONDS) + 2)
        slots[bisect_left(SECONDS, seconds)] += 1
        slots[-1] += seconds

    def add(self, name: str, amount: float = 1) -> None:
        """Add to a named counter."""
        self.counters[name] += amount

    def level(self, name: str, change: float) -> None:
        """Raise or lower a named gauge."""
        self.levels[name] += change

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Register a gauge that is read at each scrape."""
        self.gauges[name] = read

    def collect(self) -> Iterator[Metric]:
        """Hand everything to the Prometheus client (its Collector interface)."""
        requests = CounterMetricFamily(
            "gatepost_http_requests",
            "Requests answered.",
            labels=("dialect", "route", "status"),
        )
        for (dialect, route, status), count in list(self.requests.items()):
            requests.add_metric((dialect, route, str(status)), count)
        yield requests
        yield self._histogram()
        for name, value in list(self.counters.items()):
            yield CounterMetricFamily(name, HELP.get(name, name), value=value)
        for name, value in list(self.levels.items()):
            yield GaugeMetricFamily(name, HELP.get(name, name), value=value)
        for name, read in list(self.gauges.items()):
            yield GaugeMetricFamily(name, HELP.get(name, name), value=read())

    def _histogram(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "gatepost_http_request_duration_seconds",
            "Seconds from the request's head to its last byte.",
            labels=("dialect", "route"),
        )
        for labels, slots in list(self.durations.items()):
            total, buckets = 0.0, []
            for bound, count in zip((*map(str, SECONDS), "+Inf"), slots[:-1], strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric(labels, buckets, slots[-1])
        return family

    def render(self) -> bytes:
        """Write the text exposition format, version 0.0.4."""
        return generate_latest(self._registry)


HELP = {
    "gatepost_commits": "Transactions committed.",
    "gatepost_commit_items": "Requests those transactions carried.",
    "gatepost_commit_retries": "Transactions tried again: others were faster, or it broke.",
    "gatepost_commit_failures": "Transactions rolled back by a fault.",
    "gatepost_writer_queue": "Requests waiting for a writer.",
    "gatepost_writer_busy_seconds": "Time a writer has worked since the start, on average.",
    "gatepost_search_lag_events": "Stored events the search index has not reached yet.",
    "gatepost_limiter_outage": "1 while shared limits cannot be reached, else 0.",
    "gatepost_limiter_outages": "Times the shared limits could not be reached any more.",
    "gatepost_limiter_outage_lenient": "Reads that passed uncharged in an outage.",
    "gatepost_limiter_outage_admitted": "Requests within this process's share in an outage.",
    "gatepost_limiter_outage_throttled": "Requests beyond this process's share in an outage.",
    "gatepost_limiter_outage_refused": "Requests answered with 503 in an outage.",
    "gatepost_limiter_outage_open": "Requests that passed uncharged in an outage, as set.",
    "gatepost_signals_connected": "Whether doorbells of other processes are heard (0 or 1).",
    "gatepost_signals_sent": "Messages with rings sent to other processes.",
    "gatepost_signals_received": "Messages with rings heard from other processes.",
    "gatepost_signals_losses": "Times the connection for signals was lost.",
    "gatepost_streams": "Open event streams.",
    "gatepost_unknown_keys": "Requests with an unknown or unusable key.",
    "gatepost_wal_bytes": "Size of the write-ahead log.",
    "gatepost_database_bytes": "Size of the database file.",
}
