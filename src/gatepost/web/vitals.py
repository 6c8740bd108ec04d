"""How the whole installation fares: what is measured, and whether it is as it should be."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from gatepost.base.config import MASK, SECRET_FIELDS
from gatepost.base.metrics import COMMIT_SECONDS, SECONDS, Metrics, quantile
from gatepost.domains.events import search
from gatepost.domains.events import store as events
from gatepost.domains.outbox import gauges, marks
from gatepost.domains.outbox.gauges import Group, Held
from gatepost.domains.outbox.model import Priority
from gatepost.domains.processes import store as processes
from gatepost.domains.processes.model import Process
from gatepost.storage import copies
from gatepost.storage.db import Tx
from gatepost.web.contract import Services

LAG_MAX = 100_000
"""Up to how many events are counted of those that wait to be told, or to be indexed."""
SERVER_ERROR = 500
MEDIAN, NINETY_NINE = 0.5, 0.99
ENOUGH = 100
"""Of fewer, the slowest one alone would be 99 in a hundred."""

OLDEST_S = {Priority.HIGH: 60.0, Priority.NORMAL: 300.0, Priority.LOW: 1800.0}
"""How long what is due may wait, by its class, whatever keeps it."""
COMMIT_P99_S = 0.1
REQUEST_P99_S = 0.5
SEARCH_LAG = 10_000
TELL_LAG = 1_000
DISK_FREE_BYTES = 512 * 1024 * 1024


class Timing(NamedTuple):
    """How long something took since this process began: how often, half of it at most, and 99 in a
    hundred (seconds, at most what is told apart); None where there were too few.
    """

    many: int
    p50: float | None
    p99: float | None


class Disk(NamedTuple):
    """Room for the data folder, and what the database takes of it (bytes); when the database was
    last copied before an upgrade (ms). None where it is not known, as of a database elsewhere.
    """

    free: int | None
    total: int | None
    database: int | None
    log: int | None
    copied_at: int | None


class Vitals(NamedTuple):
    """What was measured. Lags are counted up to LAG_MAX."""

    groups: list[Group]
    held: list[Held]
    running: list[Process]
    search_lag: int
    tell_lag: int
    commits: Timing
    requests: Timing
    server_errors: int
    disk: Disk


class Objective(NamedTuple):
    """Something that should be at most (or for `at_least` at least) so much."""

    name: str
    unit: str
    target: float
    actual: float | None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is; so it is where nothing was measured."""
        if self.actual is None:
            return True
        return self.actual >= self.target if self.at_least else self.actual <= self.target


def look(tx: Tx, services: Services, now: int) -> Vitals:
    """Measure all of it."""
    metrics = services.metrics
    return Vitals(
        groups=gauges.groups(tx, now),
        held=gauges.held(tx, now),
        running=processes.alive(tx, now),
        search_lag=search.lag(tx, LAG_MAX),
        tell_lag=_untold(tx),
        commits=_timing(COMMIT_SECONDS, metrics.commits),
        requests=_timing(SECONDS, _all_requests(metrics)),
        server_errors=sum(
            round(sum(slots[:-1])) for (_, _, status), slots in list(metrics.requests.items())
            if status >= SERVER_ERROR
        ),
        disk=_disk(services),
    )  # fmt: skip


def objectives(vitals: Vitals, now: int) -> list[Objective]:
    """Judge it."""
    found = [
        Objective(f"oldest_due_{one.name.lower()}", "seconds", target, oldest(vitals, one, now))
        for one, target in OLDEST_S.items()
    ]
    disk = vitals.disk
    return [
        *found,
        Objective("commit_p99", "seconds", COMMIT_P99_S, vitals.commits.p99),
        Objective("request_p99", "seconds", REQUEST_P99_S, vitals.requests.p99),
        Objective("tell_lag", "events", TELL_LAG, vitals.tell_lag),
        Objective("search_lag", "events", SEARCH_LAG, vitals.search_lag),
        Objective("disk_free", "bytes", DISK_FREE_BYTES, disk.free, at_least=True),
    ]


def oldest(vitals: Vitals, priority: Priority, now: int) -> float:
    """For how long (seconds) the oldest of a class has been due, whatever keeps it."""
    since = [
        one.oldest for one in vitals.groups if one.priority is priority and one.oldest is not None
    ]
    return max(now - min(since), 0) / 1000 if since else 0.0


def shown(services: Services, name: str) -> object:
    """A setting's value; of a secret one only whether there is one."""
    value: object = getattr(services.settings, name)
    return MASK if name in SECRET_FIELDS and value else value


def _untold(tx: Tx) -> int:
    reached = marks.reached(tx)
    return 0 if reached is None else events.count_after(tx, reached, LAG_MAX)


def _all_requests(metrics: Metrics) -> list[float]:
    slots = [0.0] * (len(SECONDS) + 2)
    for one in list(metrics.requests.values()):
        slots = [mine + more for mine, more in zip(slots, one, strict=True)]
    return slots


def _timing(bounds: tuple[float, ...], slots: list[float]) -> Timing:
    many = round(sum(slots[:-1]))
    both = (quantile(bounds, slots, share) for share in (MEDIAN, NINETY_NINE))
    p50, p99 = (None if one is None else min(one, bounds[-1]) for one in both)
    return Timing(many, p50, p99 if many >= ENOUGH else None)


def _disk(services: Services) -> Disk:
    names = ("gatepost_database_bytes", "gatepost_wal_bytes")
    database, log = (_gauge(services.metrics, one) for one in names)
    try:
        usage = shutil.disk_usage(services.settings.folder)
        copied_at = copies.latest(services.settings.folder)
    except OSError:  # there need be no folder where the database is elsewhere
        return Disk(None, None, database, log, None)
    return Disk(usage.free, usage.total, database, log, copied_at)


def _gauge(metrics: Metrics, name: str) -> int | None:
    read = metrics.gauges.get(name)
    return None if read is None else int(read())
