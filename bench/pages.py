"""First pages of filtered lists with a million events stored."""

import math
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from bench import contestants, corpus
from bench.contestants import Contestant
from bench.process import InvalidRunError, rss_mb
from bench.queries import KINDS, PAGE, Query, wrong
from bench.report import Figure
from bench.road import BATCH, EVENTS, Plan, accepted

LOAD_BATCH = 1000
LOADERS = 4
DRAWS = 25
P95_MS = 50


class Timed(msgspec.Struct, frozen=True):
    query: Query
    ms: float


def load(gatepost: Contestant, total: int, end: datetime) -> float:
    """Store `total` events; returns the seconds it took. Raises InvalidRunError if one is lost."""
    bodies = enumerate(corpus.batches(total, LOAD_BATCH, end))
    lock = threading.Lock()
    start = time.perf_counter()
    with ThreadPoolExecutor(LOADERS) as pool:
        stored = sum(pool.map(lambda _: send(gatepost, bodies, lock), range(LOADERS)))
    if stored != total:
        raise InvalidRunError(f"{stored} of {total} events were accepted")
    return time.perf_counter() - start


def send(gatepost: Contestant, bodies: Iterator[tuple[int, bytes]], lock: threading.Lock) -> int:
    """Post batches until there are none; returns how many events were accepted."""
    client, stored = gatepost.client(), 0
    while True:
        with lock:
            number, body = next(bodies, (0, b""))
        if not body:
            client.close()
            return stored
        answer = client.post(BATCH, body, f"load-{number}")
        if answer.status != 200:
            raise InvalidRunError(f"batch {number}: {answer.status} {answer.body[:300]!r}")
        stored += accepted(answer.body)


def draw(total: int, end: datetime) -> list[Query]:
    """Every kind of query several times, in a random but repeatable order."""
    rng = random.Random(1)
    queries = [kind(rng, total, end) for kind in KINDS for _ in range(DRAWS)]
    rng.shuffle(queries)
    return queries


def ask(gatepost: Contestant, queries: Sequence[Query]) -> list[Timed]:
    """Time each query once on one connection, and check its answer."""
    client = gatepost.client()
    timed = []
    for query in queries:
        path = f"{EVENTS}?{urlencode(query.params)}"
        start = time.perf_counter()
        answer = client.get(path)
        timed.append(Timed(query, (time.perf_counter() - start) * 1e3))
        if answer.status != 200:
            raise InvalidRunError(f"{path}: {answer.status} {answer.body[:300]!r}")
        fault = wrong(query, msgspec.json.decode(answer.body)["data"]["events"])
        if fault:
            raise InvalidRunError(f"{path}: {fault}")
    client.close()
    return timed


def p95(values: Sequence[float]) -> float:
    """The nearest-rank 95th percentile."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def by_kind(timed: Sequence[Timed]) -> dict[str, list[float]]:
    kinds: dict[str, list[float]] = {}
    for one in timed:
        kinds.setdefault(one.query.kind, []).append(one.ms)
    return kinds


def figures(timed: Sequence[Timed]) -> list[Figure]:
    kinds = by_kind(timed)
    worst = max(kinds, key=lambda kind: p95(kinds[kind]))
    every = [one.ms for one in timed]
    note = f"{len(kinds)} kinds of filter, {DRAWS} of each, pages of {PAGE}"
    return [
        Figure("pages", "first page, p95", p95(every), "ms", at_most=P95_MS, note=note),
        Figure(
            "pages", "the slowest kind, p95", p95(kinds[worst]), "ms", at_most=P95_MS, note=worst
        ),
        Figure("pages", "first page, p50", statistics.median(every), "ms"),
        *(Figure("pages", f"{kind}, p95", p95(kinds[kind]), "ms") for kind in kinds),
    ]


def pages(plan: Plan) -> list[Figure]:
    """Load, wait for the search index, ask; then start again on the full folder."""
    end = datetime.now(UTC)
    folder = plan.folder / "pages"
    folder.mkdir()
    with contestants.gatepost(folder) as gatepost:
        load_s = load(gatepost, plan.events, end)
        plan.say(f"  {plan.events:,} events stored in {load_s:.0f} s")
        index_s = contestants.await_quiet(gatepost)
        plan.say(f"  search index caught up {index_s:.0f} s later")
        timed = ask(gatepost, draw(plan.events, end))
        memory = rss_mb(gatepost.server.pid)
    with contestants.serve(folder / "data", folder / "again.log") as again:
        ready_s = again.ready_s
    size = sum(file.stat().st_size for file in (folder / "data").rglob("*") if file.is_file())
    return [
        *figures(timed),
        Figure("pages", "ready with the events stored", ready_s, "s", at_most=2),
        Figure("pages", "events stored", plan.events, ""),
        Figure("pages", "time to store them", load_s, "s"),
        Figure("pages", "search index caught up after", index_s, "s"),
        Figure("pages", "memory after the pages", memory, "MB"),
        Figure("pages", "data folder", size / 1e6, "MB"),
    ]
