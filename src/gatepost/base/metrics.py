"""Numbers for Prometheus. The hot path adds to plain dictionaries; a scrape renders them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from math import inf
from operator import add

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gatepost.base.outgoing import Outgoing

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COMMIT_SECONDS = (0.001, 0.0025, *SECONDS)


Answer = tuple[str, str, int]
"""How requests are told apart: dialect, route and status."""


def quantile(bounds: Sequence[float], slots: Sequence[float], share: float) -> float | None:
    """The bound that so many of a histogram's observations keep, infinity beyond the last one;
    None where there are none. `slots` count by bound and beyond, and have the sum at their end.
    """
    left = sum(slots[:-1]) * share
    if not left:
        return None
    for bound, count in zip((*bounds, inf), slots[:-1], strict=True):
        left -= count
        if left <= 0:
            return bound
    return inf


class Metrics(Collector):
    """All counters, gauges and histograms of one process."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.requests: dict[Answer, list[float]] = {}
        self.commits = [0.0] * (len(COMMIT_SECONDS) + 2)
        self.counters: dict[str, float] = defaultdict(float)
        self.gauges: dict[str, Callable[[], float]] = {}
        self.levels: dict[str, float] = defaultdict(float, {"gatepost_streams": 0})
        self.outgoing = Outgoing()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request(self, dialect: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the pattern, never the path itself."""
        answer = (dialect, route, status)
        slots = self.requests.get(answer)
        if slots is None:
            slots = self.requests[answer] = [0.0] * (len(SECONDS) + 2)
        slots[bisect_left(SECONDS, seconds)] += 1
        slots[-1] += seconds

    def commit(self, seconds: float) -> None:
        """Count one transaction by how long a writer was busy with it."""
        self.commits[bisect_left(COMMIT_SECONDS, seconds)] += 1
        self.commits[-1] += seconds

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
        for (dialect, route, status), slots in list(self.requests.items()):
            requests.add_metric((dialect, route, str(status)), sum(slots[:-1]))
        yield requests
        yield self._histogram()
        yield self._commits()
        yield from self.outgoing.collect()
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
        durations: dict[tuple[str, str], list[float]] = {}
        for (dialect, route, _), slots in list(self.requests.items()):
            before = durations.get((dialect, route))
            added = slots if before is None else list(map(add, before, slots))
            durations[(dialect, route)] = added
        for labels, slots in durations.items():
            family.add_metric(labels, _buckets(SECONDS, slots), slots[-1])
        return family

    def _commits(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(
            "gatepost_commit_seconds",
            "Seconds a writer was busy with a transaction, up to its sync.",
            buckets=_buckets(COMMIT_SECONDS, self.commits),
            sum_value=self.commits[-1],
        )

    def render(self) -> bytes:
        """Write the text exposition format, version 0.0.4."""
        return generate_latest(self._registry)


def _buckets(bounds: Sequence[float], slots: Sequence[float]) -> list[tuple[str, float]]:
    """How many observations keep each bound."""
    names = (*map(str, bounds), "+Inf")
    return list(zip(names, accumulate(slots[:-1]), strict=True))


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
    "gatepost_deliveries_under_way": "Attempts under way in this process.",
    "gatepost_rule_faults": "Times something was wrong with a rule that had something to tell.",
    "gatepost_delivery_faults": "Rounds of deliveries, or of telling events, that failed.",
    "gatepost_submission_connections": "Open connections to the SMTP port.",
    "gatepost_submission_mails": "Mails taken by SMTP.",
    "gatepost_submission_refusals": "Mails and log-ins with a known key refused by SMTP.",
    "gatepost_wal_bytes": "Size of the write-ahead log.",
    "gatepost_database_bytes": "Size of the database file.",
}
