"""How far processes, a database and its disk go: the model behind docs/explain/scaling.md.

`python -m bench.capacity` prints the tables of the page, `--write` puts them into it. With flags
that describe a site, it answers for that one.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench import measured
from bench.fit import per_commit, prices
from bench.measured import Measured, Row
from bench.simulation import Outcome, Site, simulate

PAGE = Path(__file__).parent.parent / "docs" / "explain" / "scaling.md"
BLOCK = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
PROCESSES = (1, 2, 4, 8, 16)
CORES = (4, 16, 64)
SYNCS_MS = (0.5, 2.6)
TRIP_S = 0.0002
LOOPBACK_S = 0.00005
LOAD = 0.7
HOT_CORES = 16
MANY = 1_000_000
"""Keys: so many that two groups hardly ever count in the same row."""
RATES = (10, 100, 1000, 5000)
DAY_S, KEPT_DAYS, GB = 86_400, 90, 1e9
BLOCKED = 0.5
"""Of their time: writers that wait so long for the same rows are what limits."""

Cells = Sequence[str]


def table(head: Cells, rows: Iterator[Cells]) -> str:
    lines = [" | ".join(cells) for cells in (head, ["---", *["--:"] * (len(head) - 1)], *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def short(value: float) -> str:
    """About three digits."""
    if value == int(value) and value < 100:
        return str(int(value))
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


# What was measured

COUNTED: tuple[tuple[str, Callable[[Row], float]], ...] = (
    ("requests a second, all on two cores", lambda row: row.per_s),
    ("requests in a commit", lambda row: row.group),
    ("statements", lambda row: row.statements),
    ("bytes of log", lambda row: row.log_bytes),
    ("event loop, µs", lambda row: row.loop_us),
    ("other threads of the server, µs", lambda row: row.threads_us),
    ("PostgreSQL, µs", lambda row: row.database_us),
    ("Valkey, µs", lambda row: row.valkey_us),
    ("trips to Valkey", lambda row: row.trips),
)


def costs_table(costs: measured.Costs) -> str:
    """What one request costs, by connections, and what an event costs in a batch."""
    shown = [*costs.rows, costs.batch]
    head = ["one request at", *(str(row.connections) for row in costs.rows), "in batches"]
    return table(
        head,
        ([name, *(short(of(row)) for row in shown)] for name, of in COUNTED if any(map(of, shown))),
    )


def prices_table(found: Measured) -> str:
    """The straight lines through the measured costs."""
    one = prices(found.postgres)
    log = per_commit(found.postgres.rows, lambda row: row.log_bytes)
    trip, commit = "trip to Valkey", "commit"
    rows = [
        ("event loop, µs", one.loop_request * 1e6, one.loop_trip * 1e6, trip),
        ("writer's thread, µs", one.thread_request * 1e6, one.thread_commit * 1e6, commit),
        ("PostgreSQL, µs", one.database_request * 1e6, one.database_commit * 1e6, commit),
        ("Valkey, µs", one.valkey_request * 1e6, one.valkey_trip * 1e6, trip),
        ("log, bytes", *log, commit),
        ("round trips to PostgreSQL", 0, one.rounds, commit),
    ]
    shown = ([name, short(each), short(more), of] for name, each, more, of in rows)
    return table(["", "each request", "and each", "of these"], shown)


def index_table(found: Measured) -> str:
    rows = (
        [
            name,
            short(one.per_s),
            short(one.worker_us),
            short(one.database_us) if one.database_us else "",
            short(one.log_bytes),
        ]
        for name, one in (
            ("SQLite", found.sqlite.indexing),
            ("PostgreSQL", found.postgres.indexing),
        )
    )
    head = [
        "the index, per event",
        "events a second",
        "Gatepost, µs",
        "PostgreSQL, µs",
        "bytes of log",
    ]
    return table(head, rows)


# What the simulation says


def check_table(found: Measured) -> str:
    """The simulation of the very machine that was measured."""
    pairs = [(row, simulate(here(found, row), 0.5, 2)) for row in found.postgres.rows]
    head = ["connections", "requests a second", "simulated", "requests in a commit", "simulated"]
    return table(
        head,
        (
            [str(row.connections), *map(short, (row.per_s, one.per_s, row.group, one.group))]
            for row, one in pairs
        ),
    )


def here(found: Measured, row: Row) -> Site:
    """Everything on two cores and one host; all requests of one key; no index."""
    return Site(
        processes=1,
        database_cores=0,
        sync_s=found.postgres.sync_ms / 1e3,
        trip_s=LOOPBACK_S,
        prices=prices(found.postgres),
        connections=row.connections,
        keys=1,
        cores=2,
        client_s=row.client_us * 1e-6,
        index=False,
    )


def two_to_one(found: Measured, *, same_cores: bool, connections: int = 256) -> float:
    """How much more two processes take than one, of as many clients, all of one key."""
    site = here(found, found.postgres.rows[-1])
    if not same_cores:
        site = msgspec.structs.replace(site, cores=0, database_cores=4, trip_s=TRIP_S)
    one, two = (
        msgspec.structs.replace(site, processes=count, connections=connections // count)
        for count in (1, 2)
    )
    return simulate(two, 1, 2).per_s / simulate(one, 1, 2).per_s


class Answer(msgspec.Struct, frozen=True):
    """The most a site takes, and how it feels with a part of that."""

    most: Outcome
    usual: Outcome

    def cells(self) -> Cells:
        usual = self.usual
        waits = (f"{usual.p50_ms:.0f}", f"{usual.p99_ms:.0f}")
        return [short(self.most.per_s), busiest(self.most), *waits, f"{usual.group:.0f}"]


ANSWER = ("requests a second at most", "busiest then", "p50, ms", "p99, ms", "requests in a commit")


def ask(site: Site, warm_up_s: float = 0.2) -> Answer:
    """Simulate a site with clients that never rest, then with a part of the requests it takes."""
    seconds = max(warm_up_s, 0.8 / site.processes)
    most = simulate(site, warm_up_s, seconds)
    steady = msgspec.structs.replace(site, rate=most.per_s * LOAD)
    return Answer(most, simulate(steady, warm_up_s, seconds))


def busiest(one: Outcome) -> str:
    """What limits: rows of counters, when writers mostly wait for them, or else what works most."""
    if one.blocked > BLOCKED:
        return f"counters ({one.blocked:.0%} of writers wait)"
    name = max(one.used, key=lambda resource: one.used[resource])
    return f"{name} ({one.used[name]:.0%})"


def site_of(found: Measured, processes: int, cores: int, sync_ms: float, keys: int) -> Site:
    return Site(processes, cores, sync_ms / 1e3, TRIP_S, prices(found.postgres), keys=keys)


def capacity_table(found: Measured, sync_ms: float) -> str:
    """Requests of a great many keys."""
    return table(
        ["processes", "cores of PostgreSQL", *ANSWER],
        (
            [str(processes), str(cores), *ask(site).cells()]
            for processes in PROCESSES
            for cores in CORES
            for site in [site_of(found, processes, cores, sync_ms, MANY)]
        ),
    )


def hot_table(found: Measured) -> str:
    """All requests of one key, which all count in one row."""
    return table(
        ["processes", "sync, ms", *ANSWER],
        (
            [str(processes), str(sync_ms), *ask(site, warm_up_s=0.6).cells()]
            for sync_ms in SYNCS_MS
            for processes in PROCESSES
            for site in [site_of(found, processes, HOT_CORES, sync_ms, 1)]
        ),
    )


def storage_table(found: Measured) -> str:
    """Gigabytes a day, for single requests with an idempotency key, none sharing a commit."""
    sqlite, postgres = found.sqlite.kept, found.postgres.kept
    log = found.postgres.rows[0].log_bytes + found.postgres.indexing.log_bytes
    per_event = (
        sqlite.event + sqlite.terms,
        sqlite.reply,
        postgres.event + postgres.terms,
        postgres.reply,
        log,
        (postgres.event + postgres.terms) * KEPT_DAYS,
    )
    head = [
        "events a second",
        "SQLite: events",
        "replies",
        "PostgreSQL: events",
        "replies",
        "log",
        f"events of {KEPT_DAYS} days",
    ]
    return table(
        head,
        ([f"{rate:,}", *(short(rate * DAY_S * size / GB) for size in per_event)] for rate in RATES),
    )


TABLES: dict[str, Callable[[Measured], str]] = {
    "sqlite": lambda found: costs_table(found.sqlite),
    "postgres": lambda found: costs_table(found.postgres),
    "prices": prices_table,
    "index": index_table,
    "check": check_table,
    "many-keys-0.5-ms": lambda found: capacity_table(found, 0.5),
    "many-keys-2.6-ms": lambda found: capacity_table(found, 2.6),
    "one-key": hot_table,
    "storage": storage_table,
    "conditions": lambda found: "\n".join(f"- {line}" for line in found.conditions),
}


def renewed(page: str, tables: dict[str, str]) -> str:
    """The page with these tables in their places."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{tables[found[2]]}\n\n{found[3]}", page)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew the page")
    parser.add_argument("--processes", type=int, help="answer for one site: its server processes")
    parser.add_argument("--database-cores", type=int, default=16)
    parser.add_argument("--sync-ms", type=float, default=1, help="one sync of PostgreSQL's log")
    parser.add_argument("--trip-ms", type=float, default=0.2, help="there and back between hosts")
    parser.add_argument("--keys", type=int, default=MANY, help="API keys that send, equally often")
    parser.add_argument("--connections", type=int, default=256, help="per process")
    parser.add_argument("--writers", type=int, default=2, help="per process")
    return parser.parse_args()


def answer(found: Measured, options: argparse.Namespace) -> str:
    site = Site(
        options.processes,
        options.database_cores,
        options.sync_ms / 1e3,
        options.trip_ms / 1e3,
        prices(found.postgres),
        connections=options.connections,
        writers=options.writers,
        keys=options.keys,
    )
    return table(["processes", *ANSWER], iter([[str(options.processes), *ask(site, 1).cells()]]))


def main() -> int:
    """Print, write or answer."""
    options, found = arguments(), measured.read()
    if options.processes:
        print(answer(found, options))
        return 0
    tables = {name: make(found) for name, make in TABLES.items()}
    if options.write:
        PAGE.write_text(renewed(PAGE.read_text(), tables))
        return 0
    for name, text in tables.items():
        print(f"{name}\n\n{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
