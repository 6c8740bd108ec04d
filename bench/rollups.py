"""Reports over thirteen months of an aggregator with a thousand names and two hundred tags."""

import random
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from bench import contestants
from bench.client import Client
from bench.counting import aggregator
from bench.pages import p95
from bench.process import InvalidRunError
from bench.report import Figure
from bench.road import Plan
from gatepost.base import ids
from gatepost.base.clock import DAY_MS, HOUR_MS, now_ms
from gatepost.base.ids import AggregatorId
from gatepost.base.periods import SLOT_MS
from gatepost.domains.accounts import store as accounts
from gatepost.domains.aggregators import counts as counters
from gatepost.domains.aggregators import labels
from gatepost.domains.aggregators import rollups as moving
from gatepost.domains.aggregators.labels import Kind, Place
from gatepost.domains.aggregators.tables import counts
from gatepost.storage import sql
from gatepost.storage.db import Tx
from gatepost.storage.sqlite.backend import SqliteBackend

DAYS = 396
"""Thirteen months: about 9,500 hours."""
PER_SLOT = 50
NAMES, TAGS, SETS = 1000, 200, 2000
DRAWS, SLOW_DRAWS = 40, 3
P95_MS = 200
MOVE = 20_000
INSERT = 100_000

Draw = Callable[[random.Random], str]
Params = Mapping[str, str | Sequence[str]]


class Shape(msgspec.Struct, frozen=True):
    """A kind of report; `quick` ones have the target."""

    name: str
    params: Mapping[str, str]
    quick: bool = True
    event: bool = False
    tags: int = 0


HOURLY = Shape("hourly", {"bucket": "hour"})
SHAPES = (
    HOURLY,
    Shape("hourly, of one name", {"bucket": "hour"}, event=True),
    Shape("hourly, with a tag", {"bucket": "hour"}, tags=1),
    Shape("daily in Berlin", {"bucket": "day", "timezone": "Europe/Berlin"}),
    Shape("monthly, by event", {"bucket": "month", "groupBy": "event"}, quick=False),
    Shape("monthly, by tag", {"bucket": "month", "groupBy": "tag"}),
    Shape(
        "monthly, by event, in Berlin",
        {"bucket": "month", "groupBy": "event", "timezone": "Europe/Berlin"},
        quick=False,
    ),
    Shape("daily, by tag", {"bucket": "day", "groupBy": "tag"}, quick=False),
    Shape("monthly, with two tags at once", {"bucket": "month"}, quick=False, tags=2),
    Shape("monthly, by prefix", {"bucket": "month", "groupBy": "prefix"}, quick=False),
)


class Corpus:
    """What is counted: names and sets of tags of falling frequency, from a seed."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self.names = [f"event {number:03}" for number in range(NAMES)]
        self.tags = [f"dimension{number % 8}:{number:03}" for number in range(TAGS)]
        sizes = (chance.choice((1, 1, 2, 3)) for _ in range(SETS))
        self.sets = [tuple(sorted(chance.sample(self.tags, size))) for size in sizes]
        self._weights = [_falling(NAMES), _falling(SETS)]
        self._chance = chance

    def slot(self) -> dict[tuple[int, int], int]:
        """Events of one slot, by the numbers of name and set."""
        draws = (tuple(self._one(each) for each in self._weights) for _ in range(PER_SLOT))
        return {(name, set_): self._chance.randrange(1, 50) for name, set_ in draws}

    def _one(self, weights: Sequence[float]) -> int:
        return bisect_right(weights, self._chance.random() * weights[-1])


def _falling(count: int) -> list[float]:
    return list(accumulate(1 / (number + 5) for number in range(count)))


class Filled(msgspec.Struct, frozen=True):
    """How many counters and events there are, and how long it took to move them (s)."""

    counters: int
    events: int
    moved_s: float


def rollups(plan: Plan) -> list[Figure]:
    """Fill a folder while nobody serves it, then ask."""
    folder = plan.folder / "report"
    folder.mkdir()
    with contestants.gatepost(folder) as gatepost:
        shown, key = aggregator(gatepost), gatepost.key
    corpus, end = Corpus(), now_ms() // HOUR_MS * HOUR_MS
    filled = fill(folder / "data", AggregatorId(ids.parse("aggregator", shown)), corpus, end)
    plan.say(f"  {filled.counters:,} counters, moved on in {filled.moved_s:.0f} s")
    with contestants.serve(folder / "data", folder / "again.log") as server:
        client = Client(server.port, key)
        path = f"/v1/aggregators/{shown}/report"
        timed = [(shape, ask(client, path, shape, corpus, end, filled)) for shape in SHAPES]
        client.close()
    size = sum(file.stat().st_size for file in (folder / "data").rglob("*") if file.is_file())
    return [
        *(figure(shape, times) for shape, times in timed),
        Figure("report", "counters, each of a name, a set of tags and a slot", filled.counters, ""),
        Figure("report", "to move one on", filled.moved_s / filled.counters * 1e6, "µs"),
        Figure("report", "data folder", size / 1e6, "MB"),
    ]


def figure(shape: Shape, times: Sequence[float]) -> Figure:
    target = P95_MS if shape.quick else None
    note = f"p50 {statistics.median(times):.0f} ms"
    name = f"13 months, {shape.name}, p95"
    return Figure("report", name, p95(times), "ms", at_most=target, note=note)


# Filling


def fill(data: Path, aggregator_id: AggregatorId, corpus: Corpus, end: int) -> Filled:
    """Write counters down as the program would have, and let its own chore's code move them."""
    backend = SqliteBackend(data / "gatepost.db")
    with backend.write() as tx:
        (account,) = accounts.list_(tx)
        place: Place = (account.id, aggregator_id)
        label(tx, place, corpus)
    written = events = 0
    for rows in chunks(corpus, place, end):
        with backend.write() as tx:
            sql.insert_rows(tx, counts, (*counters.KEYS, "events"), rows)
        written, events = written + len(rows), events + sum(row[-1] for row in rows)
    start = time.perf_counter()
    # The first day is moved at its end, the others now: of old ones, no quarters are kept.
    for now in (end - (DAYS - 1) * DAY_MS, now_ms()):
        while move(backend, place, now):
            pass
    moved_s = time.perf_counter() - start
    backend.engine.dispose()
    return Filled(written, events, moved_s)


def move(backend: SqliteBackend, place: Place, now: int) -> int:
    with backend.write() as tx:
        return moving.move(tx, place, now, MOVE)


def label(tx: Tx, place: Place, corpus: Corpus) -> None:
    """Write names, tags and sets of tags down."""
    fresh = {(*place, int(Kind.NAME), labels.digest(name)): name for name in corpus.names}
    fresh |= {(*place, int(Kind.TAG), labels.digest(tag)): tag for tag in corpus.tags}
    for tags in corpus.sets:
        fresh[*place, int(Kind.TAG_SET), labels.set_digest(tags)] = labels.set_text(tags)
    labels.write(tx, fresh)


def chunks(corpus: Corpus, place: Place, end: int) -> Iterator[list[tuple[Any, ...]]]:
    """Counters of all slots, oldest first."""
    names = [labels.digest(name) for name in corpus.names]
    sets = [labels.set_digest(tags) for tags in corpus.sets]
    rows: list[tuple[Any, ...]] = []
    for slot in range(end - DAYS * DAY_MS, end, SLOT_MS):
        found = {
            (names[name], sets[set_]): events for (name, set_), events in corpus.slot().items()
        }
        rows += [(*place, slot, *key, found[key]) for key in sorted(found)]
        if len(rows) >= INSERT:
            yield rows
            rows = []
    yield rows


# Asking


def ask(
    client: Client, path: str, shape: Shape, corpus: Corpus, end: int, filled: Filled
) -> list[float]:
    """Ask for different reports of one shape; returns how long each took, in ms."""
    chance = random.Random(shape.name)
    times = []
    for _ in range(DRAWS if shape.quick else SLOW_DRAWS):
        query = f"{path}?{urlencode(params(shape, corpus, end, chance), doseq=True)}"
        start = time.perf_counter()
        answer = client.get(query)
        times.append((time.perf_counter() - start) * 1e3)
        if answer.status != 200:
            raise InvalidRunError(f"{query}: {answer.status} {answer.body[:300]!r}")
        check(shape, msgspec.json.decode(answer.body)["data"], filled)
    return times


def params(shape: Shape, corpus: Corpus, end: int, chance: random.Random) -> Params:
    """A range of thirteen months that ends now, and what the shape draws."""
    until = datetime.fromtimestamp(end / 1000, UTC)
    first = until - timedelta(days=DAYS)
    found: dict[str, str | Sequence[str]] = {
        **shape.params, "from": first.isoformat(), "to": until.isoformat()
    }  # fmt: skip
    if shape.event:
        found["event"] = chance.choice(corpus.names)
    if shape.tags:
        there = [tags for tags in corpus.sets if len(tags) >= shape.tags]
        found["tagAll"] = chance.choice(there)[: shape.tags]
    return found


def check(shape: Shape, made: dict[str, object], filled: Filled) -> None:
    """A report without a filter holds every event."""
    whole = not shape.event and not shape.tags
    total = int(str(made["total"]))
    if total == 0 or (whole and total != filled.events):
        raise InvalidRunError(f"{shape.name}: {total} of {filled.events} events")
