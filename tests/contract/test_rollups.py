"""Counters moved on into sums, on both engines: reports stay what counting one by one gives."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import psycopg
import pytest
import sqlalchemy

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, AggregatorId
from gatepost.base.periods import SLOT_MS, Bucket, periods, slot_of
from gatepost.cli import move
from gatepost.domains.aggregators import counts, rollups, store
from gatepost.domains.aggregators import report as reports
from gatepost.domains.aggregators.grains import HOURS_DAYS, QUARTERS_DAYS, bounds
from gatepost.domains.aggregators.model import Tally
from gatepost.domains.aggregators.report import Ask, Filter, GroupBy, Report, Row
from gatepost.domains.aggregators.tables import counts as live
from gatepost.domains.aggregators.tables import kept, labels, past, seen, sums
from gatepost.storage import moving
from gatepost.storage.backend import Backend, backend_of
from tests.backends import postgres

NOW = int(datetime(2026, 11, 21, 14, 22, tzinfo=UTC).timestamp()) * 1000
DAYS = 500
NAMES = [f"name {number}" for number in range(6)]
TAGS = ["plan:pro", "plan:free", "region-eu", "region-us", "beta"]
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]
LENGTHS = {Bucket.HOUR: 20, Bucket.DAY: 90, Bucket.WEEK: 500, Bucket.MONTH: 500, Bucket.NONE: 500}
Place = tuple[AccountId, AggregatorId]
T = TypeVar("T")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    url = postgres().create_database() if request.param == "postgres" else ""
    folder = tmp_path_factory.mktemp("rollups")
    backend = backend_of(Settings(data=str(folder), database_url=url))
    migrations.upgrade(backend.engine)
    yield backend
    backend.engine.dispose()


@pytest.fixture
def place() -> Place:
    return AccountId(ids.new()), AggregatorId(ids.new())


class Counting:
    """Counts in an aggregator, and keeps its own list of it."""

    def __init__(self, backend: Backend, place: Place) -> None:
        self.backend = backend
        self.place = place
        self.rows: list[Row] = []

    def add(self, at: int, name: str, *tags: str, events: int = 1) -> None:
        self.add_all([Row(slot_of(at), events, name, tuple(sorted(tags)))])

    def add_all(self, rows: list[Row]) -> None:
        amounts: dict[Tally, int] = {}
        for row in rows:
            tally = Tally(*self.place, row.slot, row.name, row.tags)
            amounts[tally] = amounts.get(tally, 0) + row.events
        with self.backend.write() as tx:
            counts.add(tx, amounts)
        self.rows += rows

    def move(self, limit: int = 100, now: int = NOW) -> int:
        with self.backend.write() as tx:
            return rollups.move(tx, self.place, now, limit)

    def move_all(self) -> None:
        while self.move():
            pass

    def thin(self, now: int = NOW) -> None:
        more = True
        while more:
            with self.backend.write() as tx:
                more = rollups.thin(tx, self.place, now)

    def report(self, ask: Ask) -> Report:
        with self.backend.read() as tx:
            return counts.report(tx, self.place, ask)

    def recount(self, ask: Ask) -> Report:
        chosen = ask.filter.names
        inside = (row for row in self.rows if ask.since <= row.slot < ask.until)
        return reports.report(ask, [row for row in inside if not chosen or row.name in chosen])


@pytest.fixture
def fresh(backend: Backend, place: Place) -> Counting:
    """An aggregator that begins to count."""
    return Counting(backend, place)


@pytest.fixture
def counting(fresh: Counting) -> Counting:
    """An aggregator that has counted for long."""
    fresh.add(NOW - DAYS * DAY_MS, "first")
    assert fresh.move(now=NOW - DAYS * DAY_MS + DAY_MS) == 1
    return fresh


def some_rows(chance: random.Random, days: int) -> list[Row]:
    first = slot_of(NOW) - days * DAY_MS
    slots = [first + SLOT_MS * chance.randrange(days * 96) for _ in range(25)]
    return [
        Row(
            slot,
            chance.randrange(1, 9),
            chance.choice(NAMES),
            tuple(sorted(chance.sample(TAGS, chance.randrange(4)))),
        )
        for slot in slots
    ]


def some_ask(chance: random.Random) -> Ask:
    bucket = chance.choice(list(Bucket))
    unit = chance.choice([1, SLOT_MS, HOUR_MS, DAY_MS, DAY_MS])
    since = NOW - chance.randrange(DAYS * DAY_MS)
    until = since + chance.randrange(1, LENGTHS[bucket] * DAY_MS)
    since -= since % unit
    until += -until % unit
    chosen = Filter(
        names=tuple(chance.sample(NAMES, chance.choice([0, 0, 1, 3]))),
        tag_all=tuple(chance.sample(TAGS, chance.choice([0, 0, 0, 1, 2]))),
        tag_any=tuple(chance.sample(TAGS, chance.choice([0, 0, 0, 1, 3]))),
        tag_none=tuple(chance.sample(TAGS, chance.choice([0, 0, 0, 1]))),
    )
    return Ask(
        since=since,
        until=until,
        zone=chance.choice(ZONES),
        bucket=bucket,
        group_by=chance.choice(list(GroupBy)),
        filter=chosen,
    )


def may_be_refused(ask: Ask) -> bool:
    """Whether a period begins or ends within an hour or a day of which no parts are kept."""
    cuts = bounds(periods(ask.since, ask.until, ask.bucket, ask.zone), ask.until)
    quarters, hours = NOW - QUARTERS_DAYS * DAY_MS, NOW - HOURS_DAYS * DAY_MS
    return any((at < quarters and at % HOUR_MS) or (at < hours and at % DAY_MS) for at in cuts)


def test_reports_are_what_counting_one_by_one_gives(counting: Counting) -> None:
    chance = random.Random(0)
    answered = refused = 0
    for turn in range(4):
        counting.add_all(some_rows(chance, DAYS))
        counting.add_all(some_rows(chance, 1))
        counting.move(limit=chance.choice([1, 7, 100]))
        if turn in {1, 3}:
            counting.thin()
        for _ in range(12):
            ask = some_ask(chance)
            try:
                found = counting.report(ask)
            except AppError:
                assert may_be_refused(ask), ask
                refused += 1
            else:
                assert found == counting.recount(ask), ask
                answered += 1
    assert answered > 15
    assert refused > 2


def test_what_is_seen_is_what_was_counted(counting: Counting) -> None:
    chance = random.Random(5)
    for number in range(6):
        counting.add_all(some_rows(chance, 100 * (number + 1)))
        counting.move(limit=50)
    with counting.backend.read() as tx:
        names = counts.names(tx, counting.place, None, 100)
        tags = counts.tags(tx, counting.place, None, 100)
    naive = reports.seen_tags((row.tags, row.events, row.slot, row.slot) for row in counting.rows)
    assert tags == naive
    by_name = (((row.name,), row.events, row.slot, row.slot) for row in counting.rows)
    assert names == reports.seen_tags(by_name)


def test_a_slot_is_moved_once_it_is_over(counting: Counting) -> None:
    slot = slot_of(NOW)
    counting.add(slot - SLOT_MS, "before")
    counting.add(slot, "now")
    assert counting.move(now=slot + MINUTE_MS - 1) == 0
    assert counting.move(now=slot + MINUTE_MS) == 1
    assert counting.move(now=slot + MINUTE_MS) == 0
    assert counting.move(now=slot + SLOT_MS + MINUTE_MS) == 1


def test_who_waits_is_found(backend: Backend) -> None:
    places = [(AccountId(ids.new()), AggregatorId(ids.new())) for _ in range(3)]
    places.append((places[0][0], AggregatorId(ids.new())))
    for at, place in enumerate(places):
        Counting(backend, place).add(NOW - (at != 1) * DAY_MS, "n")
    with backend.read() as tx:
        found = rollups.waiting(tx, NOW)
    assert {place for place in places if place in found} == {*places} - {places[1]}


def test_counters_are_moved_by_the_slot_oldest_first(counting: Counting) -> None:
    for hours in (3, 1, 2):
        counting.add(NOW - hours * HOUR_MS, "n")
    assert counting.move(limit=2) == 2
    left = slots_of(counting)
    assert left == [slot_of(NOW - HOUR_MS)]


def slots_of(counting: Counting) -> list[int]:
    with counting.backend.read() as tx:
        rows = tx.run(live.select().where(live.c.aggregator_id == counting.place[1])).all()
    return sorted(row.slot for row in rows)


# How long


def test_a_refusal_names_when_to_begin(counting: Counting) -> None:
    counting.add(NOW - 450 * DAY_MS, "old")
    counting.move_all()
    counting.thin()
    ask = Ask(since=NOW - 430 * DAY_MS, until=NOW, bucket=Bucket.DAY, zone="Europe/Berlin")
    with pytest.raises(AppError) as refused:
        counting.report(ask)
    cut = (NOW - HOURS_DAYS * DAY_MS) // DAY_MS * DAY_MS
    ((problem,)) = refused.value.fields
    assert problem.path == ("from",)
    assert "Before 2025-10-17T00:00:00.000Z only whole days of UTC" in problem.message
    later = Ask(since=cut, until=NOW, bucket=Bucket.DAY, zone="Europe/Berlin")
    assert counting.report(later) == counting.recount(later)
    aligned = Ask(since=0, until=slot_of(NOW), bucket=Bucket.MONTH)
    assert counting.report(aligned).total == len(counting.rows)


def test_nothing_is_refused_where_nothing_was_dropped(fresh: Counting) -> None:
    fresh.add(NOW - 10 * DAY_MS, "young")
    fresh.move_all()
    fresh.thin()
    ask = Ask(since=NOW - 100 * DAY_MS + 1, until=NOW, bucket=Bucket.DAY, zone="Asia/Kolkata")
    assert fresh.report(ask) == fresh.recount(ask)


def test_what_came_late_to_a_new_one_is_kept_as_what_is_new(fresh: Counting) -> None:
    fresh.add(NOW - 700 * DAY_MS, "imported")
    fresh.move_all()
    since = slot_of(NOW - 700 * DAY_MS)
    ask = Ask(since=since, until=since + SLOT_MS)
    for days in range(QUARTERS_DAYS):
        fresh.thin(now=NOW + days * DAY_MS)
        assert fresh.report(ask).total == 1
    fresh.thin(now=NOW + QUARTERS_DAYS * DAY_MS)
    with pytest.raises(AppError):
        fresh.report(ask)


def test_time_drops_quarters_and_then_hours_but_no_day(fresh: Counting) -> None:
    fresh.add(NOW, "n", "plan:pro", events=3)
    whole = Ask(since=0, until=NOW + 2000 * DAY_MS - (NOW % DAY_MS), group_by=GroupBy.TAG)
    expected = {1: (15, 60, 1440), QUARTERS_DAYS + 2: (60, 1440), HOURS_DAYS + 2: (1440,)}
    for days, grains in expected.items():
        now = NOW + days * DAY_MS
        fresh.move(now=now)
        with fresh.backend.read() as tx:
            assert (fresh.place in rollups.overdue(tx, now)) is (days > 1)
        fresh.thin(now=now)
        with fresh.backend.read() as tx:
            assert fresh.place not in rollups.overdue(tx, now)
        assert grains_of(fresh) == {"past": grains, "sums": grains}
        assert fresh.report(whole).total == 3
        assert [line.events for line in fresh.report(whole).lines] == [3]


def grains_of(counting: Counting) -> dict[str, tuple[int, ...]]:
    with counting.backend.read() as tx:
        found = {
            name: {
                row.grain
                for row in tx.run(table.select().where(table.c.aggregator_id == counting.place[1]))
            }
            for name, table in (("past", past), ("sums", sums))
        }
    return {name: tuple(sorted(grains)) for name, grains in found.items()}


# The end


def test_a_deleted_aggregator_leaves_nothing(backend: Backend) -> None:
    account = AccountId(ids.new())
    with backend.write() as tx:
        made = store.create(tx, account, "short-lived", "", "UTC", NOW)
    counting = Counting(backend, (account, made.id))
    chance = random.Random(1)
    counting.add_all(some_rows(chance, DAYS))
    counting.move_all()
    counting.add_all(some_rows(chance, DAYS))
    with backend.write() as tx:
        store.save(tx, msgspec.structs.replace(made, deleted_at=NOW))
    gone = -1
    while gone:
        with backend.write() as tx:
            gone = store.purge(tx, 50)
        assert gone <= 50
    with backend.read() as tx:
        for table in (live, past, sums, seen, kept, labels):
            assert tx.run(table.select().where(table.c.aggregator_id == made.id)).first() is None


def test_what_was_counted_can_be_moved_to_postgresql(tmp_path: Path) -> None:
    source = backend_of(Settings(data=str(tmp_path)))
    target = backend_of(Settings(data=str(tmp_path), database_url=postgres().create_database()))
    for one in (source, target):
        migrations.upgrade(one.engine)
    here = Counting(source, (AccountId(ids.new()), AggregatorId(ids.new())))
    here.add_all(some_rows(random.Random(2), DAYS))
    here.move(limit=10)
    there = Counting(target, here.place)
    with source.read() as old, target.write() as new:
        copies = [one for one in move.copies(NOW) if one.table.name.startswith("aggregator")]
        moving.begin(new, copies)
        for table in copies:
            while moving.advance(old, new, table):
                pass
    ask = Ask(since=0, until=NOW, bucket=Bucket.MONTH, group_by=GroupBy.TAG)
    assert there.report(ask) == here.report(ask) == here.recount(ask)
    for one in (source, target):
        one.engine.dispose()


# Both at once


def test_what_is_counted_while_it_is_moved_is_counted_once(fresh: Counting) -> None:
    """Writers that add to slots which are over, beside two that move these on."""
    slots = [slot_of(NOW) - hours * HOUR_MS for hours in (1, 2, 400 * 24)]
    chance = random.Random(7)
    batches = [
        [Row(chance.choice(slots), 1, chance.choice(NAMES), (tag,)) for tag in TAGS * 3]
        for _ in range(40)
    ]
    counting = threading.Event()
    counting.set()

    def move() -> int:
        moved = 0
        while counting.is_set():
            moved += again(lambda: fresh.move(limit=5))
        return moved

    with ThreadPoolExecutor(5) as pool:
        movers = [pool.submit(move) for _ in range(2)]
        try:
            list(pool.map(lambda batch: again(lambda: fresh.add_all(batch)), batches))
        finally:
            counting.clear()
        assert sum(mover.result() for mover in movers) > 0
    ask = Ask(since=0, until=slot_of(NOW), bucket=Bucket.MONTH, group_by=GroupBy.TAG)
    assert fresh.report(ask) == fresh.recount(ask)
    fresh.move_all()
    assert fresh.report(ask) == fresh.recount(ask)
    by_name = msgspec.structs.replace(ask, group_by=GroupBy.EVENT, bucket=Bucket.NONE)
    assert fresh.report(by_name) == fresh.recount(by_name)


def again(work: Callable[[], T]) -> T:
    """Do it again as long as others were faster, as the program's writers do."""
    while True:
        with contextlib.suppress(sqlalchemy.exc.OperationalError, psycopg.OperationalError):
            return work()
