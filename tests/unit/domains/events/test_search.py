"""Search against a plain look at everything: whatever is asked, whatever the index has reached."""

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import pytest

from gatepost.base import ids
from gatepost.base.ids import ChannelId, EventId, ProjectId
from gatepost.domains.events import search, store, terms
from gatepost.domains.events.model import Event, Narrow
from gatepost.domains.events.search import Filter
from gatepost.domains.events.tables import event_terms
from gatepost.storage.db import Database, Tx

HERE = ProjectId(ids.new())
ELSEWHERE = ProjectId(ids.new())
START = 1_700_000_000_000
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon"]


def make_event(chance: random.Random, project: ProjectId = HERE, **fields: Any) -> Event:
    """An event at a random moment of some days, so that most come as if backfilled."""
    made = {
        "id": EventId(ids.new_at(START + chance.randrange(10_000_000))),
        "channel_name": chance.choice(["one", "two", "three"]),
        "title": " ".join(chance.choices(WORDS, k=2)),
        "description": chance.choice([None, "alpha", "Ünder"]),
        "tags_json": msgspec.json.encode(chance.sample(["a", "b", "c"], k=2)).decode(),
        "metadata_json": msgspec.json.encode({"n": chance.randrange(4), "o": {"p": "q"}}).decode(),
        "user_id": chance.choice([None, "u1", "u2", "alias"]),
    }
    return Event(
        project_id=project,
        channel_id=ChannelId(bytes(16)),
        icon=None,
        notify=True,
        source="api",
        display_as="message",
        **(made | fields),
    )


def expected(stored: Sequence[Event], wanted: Filter, limit: int) -> list[Event]:
    """The same, found by looking at every event with other means than terms."""
    found = [event for event in stored if event.project_id == HERE and _holds(event, wanted)]
    return sorted(found, key=lambda event: event.id, reverse=True)[:limit]


def _holds(event: Event, wanted: Filter) -> bool:
    text = f"{event.title} {event.description or ''}".lower().replace("ü", "u").split()
    leaves = msgspec.json.decode(event.metadata_json)
    flat = {("n", str(leaves["n"])), ("o.p", leaves["o"]["p"])}
    return (
        (wanted.channel is None or event.channel_name == wanted.channel)
        and (wanted.users is None or event.user_id in wanted.users)
        and set(wanted.tags) <= set(msgspec.json.decode(event.tags_json))
        and set(wanted.words) <= set(text)
        and set(wanted.metadata) <= flat
        and (wanted.since is None or event.id >= wanted.since)
        and (wanted.before is None or event.id < wanted.before)
    )


def random_filter(chance: random.Random) -> Filter:
    def maybe(value: Any, otherwise: Any) -> Any:
        return value if chance.random() < 0.35 else otherwise

    low, high = sorted(START + chance.randrange(10_000_000) for _ in range(2))
    return Filter(
        channel=maybe(chance.choice(["one", "two", "three", "none"]), None),
        tags=maybe(tuple(chance.sample(["a", "b", "c"], k=chance.randrange(3))), ()),
        users=maybe(chance.choice([("u1",), ("u2", "alias"), ("nobody",)]), None),
        words=maybe(tuple(chance.sample([*WORDS, "under"], k=chance.randrange(1, 3))), ()),
        metadata=maybe((("n", str(chance.randrange(5))),), ()),
        since=maybe(ids.floor_at(low), None),
        before=maybe(ids.floor_at(high), None),
    )


async def fill(database: Database, batch: Sequence[Event]) -> None:
    await database.write(lambda tx: store.append(tx, batch))


async def index(database: Database, count: int) -> int:
    return await database.write(lambda tx: search.advance(tx, count))


async def ask(database: Database, wanted: Filter, limit: int = 20) -> list[Event]:
    return await database.read(lambda tx: search.find(tx, HERE, wanted, limit))


@pytest.mark.parametrize("reached", [0, 1, 300, 599, 600])
async def test_any_filter_wherever_the_index_stands(database: Database, reached: int) -> None:
    chance = random.Random(reached)
    stored = [make_event(chance, chance.choice([HERE, HERE, ELSEWHERE])) for _ in range(600)]
    await fill(database, stored)
    if reached:
        assert await index(database, reached) == reached
    for _ in range(60):
        wanted, limit = random_filter(chance), chance.choice([1, 7, 100, 1000])
        found = await ask(database, wanted, limit)
        assert found == expected(stored, wanted, limit), (wanted, limit)
        assert all(wanted.matches(event) for event in found)


@pytest.mark.parametrize("size", [1, 7, 50])
async def test_pages_join_without_gap_or_repeat(database: Database, size: int) -> None:
    chance = random.Random(size)
    stored = [make_event(chance) for _ in range(300)]
    await fill(database, stored)
    await index(database, 150)
    wanted, joined = Filter(tags=("a",)), []
    while page := await ask(database, wanted, size):
        joined += page
        wanted = msgspec.structs.replace(wanted, before=page[-1].id)
        # What arrives meanwhile is newer than any page.
        await fill(database, [make_event(chance, id=EventId(ids.new()))])
    assert joined == expected(stored, Filter(tags=("a",)), 300)


async def test_a_search_misses_nothing_while_the_index_catches_up(
    database: Database,
) -> None:
    chance = random.Random(5)
    acknowledged: list[Event] = []
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(60):
            batch = [make_event(chance, channel_name="busy") for _ in range(20)]
            await fill(database, batch)
            acknowledged.extend(batch)
        done.set()

    async def catch_up() -> None:
        while not done.is_set() or await index(database, 33):
            await index(database, 33)

    async def search_on() -> int:
        rounds = 0
        while not done.is_set():
            before = list(acknowledged)
            found = await ask(database, Filter(channel="busy", words=("alpha",)), 100_000)
            missing = {event.id for event in before if "alpha" in _words(event)} - {
                event.id for event in found
            }
            assert not missing
            assert len({event.id for event in found}) == len(found)
            rounds += 1
        return rounds

    _, _, rounds, _ = await asyncio.gather(write(), catch_up(), search_on(), search_on())
    assert rounds > 3
    assert await database.read(lambda tx: search.lag(tx, 1000)) == 0


def _words(event: Event) -> list[str]:
    return f"{event.title} {event.description or ''}".lower().split()


async def test_dropped_events_leave_nothing_behind(database: Database) -> None:
    chance = random.Random(6)
    stored = [make_event(chance) for _ in range(100)]
    await fill(database, stored)
    await index(database, 60)
    oldest = sorted(stored, key=lambda event: event.id)

    def drop(tx: Any) -> None:
        old = store.older_than(tx, HERE, oldest[50].id, 1000)
        assert [one.event for one in old] == oldest[:50]
        search.drop(tx, old)
        store.remove(tx, HERE, [one.event.id for one in old])

    await database.write(drop)
    await index(database, 1000)
    for _ in range(50):
        wanted = random_filter(chance)
        assert await ask(database, wanted) == expected(oldest[50:], wanted, 20)
    left = await database.read(_entries_of(oldest[:50]))
    assert left == []


def _entries_of(gone: Sequence[Event]) -> Any:
    """The places of events that the index still lists, whatever it lists them under."""
    places = {ids.place_of(event.id) for event in gone}
    every = tuple({term for event in gone for term in terms.of(event)})

    def seek(tx: Tx) -> list[int]:
        return [place for place in event_terms.find(tx, [every], 10_000) if place in places]

    return seek


@pytest.mark.parametrize("reached", [0, 50, 100])
async def test_a_forgotten_user_is_found_no_more(database: Database, reached: int) -> None:
    chance = random.Random(7)
    stored = [make_event(chance, chance.choice([HERE, ELSEWHERE])) for _ in range(100)]
    await fill(database, stored)
    await index(database, reached)
    mine = [event for event in stored if event.project_id == HERE and event.user_id == "u1"]

    gone = await database.write(lambda tx: search.forget_user(tx, HERE, "u1"))

    assert gone == len(mine) > 0
    assert await ask(database, Filter(users=("u1",))) == []
    await index(database, 1000)
    assert await ask(database, Filter(users=("u1",))) == []
    after = await ask(database, Filter(), 1000)
    assert {event.id for event in after if event.user_id == "u1"} == set()
    others = Filter(users=("u2",))
    assert await ask(database, others) == expected(stored, others, 20)
    elsewhere = await database.read(lambda tx: search.find(tx, ELSEWHERE, Filter(), 1000))
    assert any(event.user_id == "u1" for event in elsewhere)


async def test_several_projects_are_one_list(database: Database) -> None:
    chance = random.Random(8)
    stored = [make_event(chance, chance.choice([HERE, ELSEWHERE])) for _ in range(100)]
    await fill(database, stored)
    await index(database, 70)
    found = await database.read(
        lambda tx: search.find_in(tx, [HERE, ELSEWHERE], Filter(users=("u1",)), 1000)
    )
    wanted = [event for event in stored if event.user_id == "u1"]
    assert found == sorted(wanted, key=lambda event: event.id, reverse=True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "wanted",
    [Filter(), Filter(channel="one"), Filter(channel="one", tags=("a",), since=bytes(16))],
)
async def test_no_search_sorts_or_reads_a_whole_table(database: Database, wanted: Filter) -> None:
    asked: list[str] = []

    def trace(tx: Any) -> None:
        tx.driver.set_trace_callback(asked.append)
        search.find(tx, HERE, wanted, 10)
        store.after(tx, 5, 10, HERE, Narrow("one", ("u",), ("a",)))
        tx.driver.set_trace_callback(None)

    await fill(database, [make_event(random.Random(1))])
    await index(database, 10)
    await database.read(trace)
    assert asked
    for text in asked:
        if text.startswith("--"):  # the engine's own, within its index
            continue
        plan = await database.read(partial(_plan, text=text))
        steps = [step for *_, step in plan]
        if "TEMP B-TREE" in str(steps):  # only ever of what the index has not reached
            assert "INTEGER PRIMARY KEY (rowid>?)" in str(steps), (text, steps)
        scans = [step for step in steps if step.startswith("SCAN event")]
        assert all(":M" in step for step in scans), (text, steps)  # a look-up by MATCH


def _plan(tx: Tx, text: str) -> list[tuple[Any, ...]]:
    return list(tx.driver.execute(f"EXPLAIN QUERY PLAN {text}"))
