"""What one request costs on each backend, alone and in company, and what it leaves behind."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench import contestants, counters
from bench.backing import Backing, Installation, backing, install
from bench.client import Client
from bench.contestants import Contestant
from bench.counters import Counters
from bench.load import WARM_UP_S, Load, fire
from bench.measured import Costs, Indexing, Kept, Measured, Row
from bench.pages import load
from bench.process import InvalidRunError
from bench.relay import relay
from bench.report import conditions
from bench.road import EVENTS, Plan, commit_ms, payment

LEVELS = (1, 8, 64, 256)
STORED = 50_000
ASKED = 200
LOOK_S = 0.05
EXTENSION = "pg_stat_statements"
SETTINGS = {"shared_preload_libraries": EXTENSION, "track_wal_io_timing": "on"}
SYNC_MS = """
    SELECT sum(fsync_time) / sum(fsyncs) FROM pg_stat_io
    WHERE object = 'wal' AND context = 'normal' AND backend_type = 'client backend'
"""
TREE_BYTES = "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('{}')"
BEHIND = """
    SELECT count(*) FROM (
        SELECT 1 FROM events WHERE seq > coalesce((SELECT max(seq) FROM event_index), 0) LIMIT {}
    ) AS counted
"""

Read = Callable[[], Counters]


def measure(plan: Plan) -> Measured:
    """Both backends, one after the other."""
    under = conditions(f"{plan.seconds:g} s a run, 1 process").splitlines()
    return Measured(_sqlite(plan), _postgres(plan), [line.removeprefix("- ") for line in under])


# One request, on any backend


def _levels(plan: Plan, runner: Contestant, counted: Read, rest: Callable[[], Any]) -> list[Row]:
    return [_level(plan, runner, counted, rest, level) for level in LEVELS]


def _level(
    plan: Plan, runner: Contestant, counted: Read, rest: Callable[[], Any], connections: int
) -> Row:
    bodies = payment(plan.folder)
    fire(runner, EVENTS, bodies, WARM_UP_S, connections)
    before = counted()
    seen = fire(runner, EVENTS, bodies, plan.seconds, connections)
    used = counted().since(before)
    row = _row(connections, seen, used, used.requests)
    plan.say(f"  {shown(row)}")
    rest()
    return row


def _batch(plan: Plan, runner: Contestant, counted: Read) -> Row:
    """Store events in batches of 1,000."""
    before = counted()
    seconds = load(runner, STORED, datetime.now(UTC))
    row = _row(4, Load(STORED, seconds, 0, 0, 0, 0, 0), counted().since(before), STORED)
    plan.say(f"  in batches: {shown(row)}")
    return row


def _row(connections: int, seen: Load, used: Counters, of: float) -> Row:
    return Row(
        connections=connections,
        per_s=seen.per_s,
        p50_ms=seen.p50_ms,
        group=of / used.commits,
        statements=used.statements / of,
        log_bytes=used.log_bytes / of,
        loop_us=used.loop_us / of,
        threads_us=used.threads_us / of,
        database_us=used.database_us / of,
        valkey_us=used.valkey_us / of,
        trips=used.trips / of,
        client_us=used.client_us / of,
    )


def shown(row: Row) -> str:
    words = (
        f"{row.connections} connections {row.per_s:,.0f}/s",
        f"p50 {row.p50_ms:.1f} ms",
        f"group {row.group:.1f}",
        f"statements {row.statements:.2f}",
        f"log {row.log_bytes:,.0f} B",
        f"us: loop {row.loop_us:.0f}, threads {row.threads_us:.0f}",
        f"database {row.database_us:.0f}, Valkey {row.valkey_us:.1f}",
        f"trips {row.trips:.3f}",
    )
    return "  ".join(words)


# SQLite


def _sqlite(plan: Plan) -> Costs:
    folder = plan.folder / "sqlite"
    folder.mkdir()
    with contestants.gatepost(folder) as runner, _opened(folder) as file:
        counted = lambda: counters.on_sqlite(runner.server)  # noqa: E731 # the same at each level
        rows = _levels(plan, runner, counted, lambda: contestants.await_quiet(runner))
        before = _table_bytes(file)
        batch = _batch(plan, runner, counted)
        indexing = _index_sqlite(file, runner, counted)
        after = _table_bytes(file)
        (replies,) = file.execute("SELECT count(*) FROM idempotency").fetchone()
    event, terms = ((after[name] - before[name]) / STORED for name in ("events", "event_terms"))
    kept = Kept(event, terms, before["idempotency"] / replies)
    return Costs(rows, batch, kept, indexing, commit_ms(folder, {}), rounds=0)


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / "data" / "gatepost.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as file:
        yield file


def _table_bytes(file: sqlite3.Connection) -> dict[str, int]:
    """Size of the tables that grow, with their indexes."""
    sizes = dict(file.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    return {
        table: sum(
            size
            for name, size in sizes.items()
            if re.fullmatch(
                rf"{table}|sqlite_autoindex_{table}_\d+|{table}_(data|idx|entries|runs)", name
            )
        )
        for table in ("events", "event_terms", "idempotency")
    }


def _index_sqlite(file: sqlite3.Connection, runner: Contestant, counted: Read) -> Indexing:
    """Of what the index has left behind so far."""
    start, before = time.perf_counter(), counted()
    (events,) = file.execute(BEHIND.format(STORED)).fetchone()
    contestants.await_quiet(runner)
    seconds, used = time.perf_counter() - start, counted().since(before)
    if not events:
        raise InvalidRunError("the index was not behind")
    return Indexing(events / seconds, used.threads_us / events, 0, used.log_bytes / events)


# PostgreSQL


def _postgres(plan: Plan) -> Costs:
    with backing(SETTINGS) as servers:
        servers.postgres.execute(f"CREATE EXTENSION {EXTENSION}")
        rows, reply = _requests(plan, servers)
        rounds = _rounds(plan, servers)
        here = install(servers, plan.folder / "stored")
        with psycopg.connect(here.url, autocommit=True) as db:
            batch = _stored(plan, servers, here)
            event = _tree_bytes(db, "events") / STORED
            indexing = _index_postgres(servers, here, db)
            terms = _tree_bytes(db, "event_terms") / STORED
        ((sync_ms,),) = servers.postgres.execute(SYNC_MS)
    return Costs(rows, batch, Kept(event, terms, reply), indexing, sync_ms, rounds)


def _requests(plan: Plan, servers: Backing) -> tuple[list[Row], float]:
    """The levels, without the index; and the bytes of a remembered reply."""
    here = install(servers, plan.folder / "costs")
    with here.start("serve", "--no-workers") as server:
        runner = Contestant("gatepost", server, here.key())
        contestants.check_replay(runner)
        rows = _levels(plan, runner, partial(counters.on_postgres, server, here, servers), int)
    with psycopg.connect(here.url, autocommit=True) as db:
        replies = _number(db, "SELECT count(*) FROM idempotency")
        return rows, _tree_bytes(db, "idempotency") / replies


def _rounds(plan: Plan, servers: Backing) -> int:
    """How often a commit of one request waits for the database."""
    here = install(servers, plan.folder / "rounds")
    body = payment(plan.folder)[0].read_bytes()
    with relay(servers.postgres.port) as between:
        url = here.url.replace(f":{servers.postgres.port}/", f":{between.port}/")
        here = Installation(here.folder, url, here.env | {"GATEPOST_DATABASE_URL": url})
        with here.start("serve", "--no-workers") as server:
            client = Client(server.port, here.key())
            _ask(client, body, "before")  # connections and statements are prepared
            before = between.trips
            _ask(client, body, "counted")
            trips = between.trips - before
            client.close()
    plan.say(f"  {trips / ASKED:.2f} round trips to the database a commit")
    return round(trips / ASKED)


def _ask(client: Client, body: bytes, name: str) -> None:
    for number in range(ASKED):
        client.post(EVENTS, body, f"{name}-{number}")


def _stored(plan: Plan, servers: Backing, here: Installation) -> Row:
    with here.start("serve", "--no-workers") as server:
        runner = Contestant("gatepost", server, here.key())
        contestants.check_replay(runner)
        return _batch(plan, runner, partial(counters.on_postgres, server, here, servers))


def _index_postgres(servers: Backing, here: Installation, db: psycopg.Connection[Any]) -> Indexing:
    """All that was stored, by a process that does nothing else."""
    with here.start("worker") as worker:
        before, start = counters.indexing(worker, servers), time.perf_counter()
        events = _number(db, BEHIND.format(STORED))
        while _number(db, BEHIND.format(1)):
            time.sleep(LOOK_S)
        seconds = time.perf_counter() - start
        used = counters.indexing(worker, servers).since(before)
    return Indexing(
        per_s=events / seconds,
        worker_us=used.threads_us / events,
        database_us=used.database_us / events,
        log_bytes=used.log_bytes / events,
    )


def _tree_bytes(db: psycopg.Connection[Any], table: str) -> int:
    """Size of a table's parts, with their indexes."""
    return _number(db, TREE_BYTES.format(table))


def _number(db: psycopg.Connection[Any], query: str) -> int:
    row = db.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
