"""Weeks of rules in a real database: work that fails before its commit, programs that begin
anew, and backlogs. Every message must be there once.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, ChannelId, EventId, ProjectId, RuleId
from gatepost.base.metrics import Metrics
from gatepost.domains.events import store as events
from gatepost.domains.events.model import Event
from gatepost.domains.outbox import store as outbox
from gatepost.domains.rules import store as rules
from gatepost.domains.rules.model import (
    Absence,
    Destination,
    Digest,
    Group,
    Quiet,
    Rule,
    Spec,
    Step,
    Threshold,
    ToWebhook,
    Way,
    Window,
)
from gatepost.engine import fanout, tick, watch
from gatepost.engine.fanout import Fanout
from gatepost.engine.tick import Rewinding
from gatepost.engine.ways import Means
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database, Tx

T = TypeVar("T")
MINUTE = 60_000
HOUR = 60 * MINUTE
START = int(datetime(2026, 3, 20, tzinfo=UTC).timestamp()) * 1000
ACCOUNT, PROJECT, CHANNEL = AccountId(ids.new()), ProjectId(ids.new()), ChannelId(ids.new())
ZONE = "Europe/Berlin"
NIGHT = Window(start="22:00", end="07:00", timezone=ZONE)
SPECS = {
    "digest": Spec(digest=Digest(at="02:30", timezone=ZONE)),
    "group": Spec(group=Group(seconds=7200, by="userId")),
    "quiet": Spec(quiet=Quiet(window=NIGHT)),
    "escalate": Spec(),
    "threshold": Spec(when=Threshold(3, 60, "userId")),
    "absence": Spec(when=Absence(180)),
}
STEPS = (30.0, 90.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    settings = Settings(data=str(tmp_path))
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    database = backend.database(Metrics(), settings)
    database.start()
    yield database
    await database.close()


@dataclass
class World:
    """A project with a rule of each kind, and all that has happened in it."""

    database: Database
    random: Random
    now: int = START
    wrong: int = 0
    happened: list[tuple[int, str, str]] = field(default_factory=list)
    means: Means = field(default_factory=lambda: Means(Settings(), b"p" * 32))

    def __post_init__(self) -> None:
        self.rules = {name: self._rule(name, spec) for name, spec in SPECS.items()}
        self.fanout = Fanout(self.means)

    @property
    def clock(self) -> int:
        return self.now + self.wrong

    async def begin(self) -> None:
        def work(tx: Tx) -> None:
            for rule in self.rules.values():
                rules.add(tx, rule)
                watch.follow(tx, None, rule, self.now)
            self.fanout(tx, self.now, 100)

        await self.database.write(work)

    async def commit(self, work: Callable[[Tx], T]) -> T | None:
        """Do something, unless it fails at the last moment; then the program begins anew."""
        if self.random.random() < 0.15:
            with pytest.raises(AppError):
                await self.database.write(_failing(work))
            self.fanout = Fanout(self.means)
            return None
        return await self.database.write(work)

    async def happens(self) -> None:
        event = self._event()
        self.happened.append((self.now, ids.show("event", event.id), event.user_id or ""))
        await self.database.write(lambda tx: events.append(tx, [event]))

    async def told(self) -> None:
        clock = self.clock
        await self.commit(lambda tx: self.fanout(tx, clock, 100))

    async def ticks(self) -> None:
        clock = self.clock
        due = await self.database.read(tick.next_due)
        if due is not None and due <= clock:
            await self.commit(lambda tx: tick.tick(tx, self.means, clock, 50))

    async def set_clock(self, wrong: int) -> None:
        back, self.wrong = wrong < self.wrong, wrong
        at, clock = Rewinding(), self.clock
        while back and not at.over:
            at = await self.database.write(_rewinding(self.means, clock, at))

    async def messages(self, name: str) -> list[dict[str, Any]]:
        """What a rule has told, oldest first."""
        found = await self.database.read(
            lambda tx: outbox.search(tx, ACCOUNT, outbox.Asked(), 1_000_000)
        )
        mine = [one for one in found if one.rule_id == self.rules[name].id]
        return [dict(json.loads(one.body or "")) for one in reversed(mine)]

    def _event(self) -> Event:
        return Event(
            project_id=PROJECT,
            id=EventId(ids.new_at(self.clock)),
            channel_id=CHANNEL,
            channel_name="orders",
            title="Something",
            description=None,
            icon=None,
            tags_json="[]",
            metadata_json="{}",
            user_id=self.random.choice(["ada", "bob"]),
            notify=True,
            source="api",
            display_as="message",
        )

    def _rule(self, name: str, spec: Spec) -> Rule:
        rule_id = RuleId(ids.new())
        to = (Destination(webhook=ToWebhook("https://hooks.example.com/one")),)
        steps = tuple(Step(one, to) for one in STEPS) if name == "escalate" else ()
        return Rule(
            account_id=ACCOUNT,
            id=rule_id,
            project_id=PROJECT,
            name=name,
            enabled=True,
            match="",
            spec=spec,
            way=self.means.ways.seal(Way(to, steps), rule_id),
            created_at=self.now,
            updated_at=self.now,
        )


def _rewinding(means: Means, now: int, at: Rewinding) -> Callable[[Tx], Rewinding]:
    return lambda tx: tick.rewind(tx, means, now, at, 3)


def _failing(work: Callable[[Tx], object]) -> Callable[[Tx], None]:
    def fail(tx: Tx) -> None:
        work(tx)
        raise AppError(Code.CONFLICT, "Just before the commit")

    return fail


def told_of(found: list[dict[str, Any]]) -> Counter[str]:
    """How often each event was told, alone or with others."""
    told: Counter[str] = Counter()
    for one in found:
        data = one["data"]
        items = data["alert"].get("items")
        told.update([one["eventId"] for one in items] if items else [_about(data)])
    return told


def _about(data: dict[str, Any]) -> str:
    return str(data["event"]["id"] if "event" in data else data["alert"]["eventId"])


def silences(times: list[int], until: int, length: int) -> int:
    """How many gaps there are that are longer than this."""
    every = [START, *times, until]
    return sum(later - earlier > length for earlier, later in pairwise(every))


def crossings(happened: list[tuple[int, str, str]], count: int, window: int) -> list[str]:
    """The events that made enough of one person's."""
    found, above = [], Counter[str]()
    for place, (at, name, user) in enumerate(happened):
        before = sum(it[2] == user and it[0] > at - window for it in happened[:place])
        above[user] = int(above[user] and before >= count)
        if not above[user] and before + 1 >= count:
            above[user] = 1
            found.append(name)
    return found


async def live(world: World, days: int) -> None:
    """Let time pass; at its end all that is due is told, and nothing happens any more."""
    random = world.random
    while world.now < START + days * 24 * HOUR:
        for _ in range(random.choice([0, 0, 1, 1, 4])):
            world.now += random.randrange(1, 10 * MINUTE)
            await world.happens()
        if random.random() < 0.8:
            await world.told()
        if random.random() < 0.8:
            await world.ticks()
        world.now += random.choice([2, 20, 60, 300, 900]) * MINUTE
    for _ in range(60):
        world.now += HOUR
        await world.told()
        await world.ticks()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2])
async def test_everything_is_told_once(database: Database, seed: int) -> None:
    world = World(database, Random(seed))
    await world.begin()
    await live(world, 21)
    names = [name for _, name, _ in world.happened]
    assert len(names) > 50
    for kind in ("digest", "group", "quiet"):
        found = await world.messages(kind)
        assert told_of(found) == Counter(names), kind
        assert {one["type"] for one in found} == {"alert.event", "alert.summary"}
    crossed = [one["data"]["event"]["id"] for one in await world.messages("threshold")]
    assert crossed == crossings(world.happened, 3, HOUR)
    types = Counter(one["type"] for one in await world.messages("absence"))
    gaps = silences([at for at, _, _ in world.happened], world.now, 3 * HOUR)
    assert types == {"alert.absence": gaps, "alert.recovery": gaps - 1}
    steps = Counter(
        (one["data"]["event"]["id"] if "event" in one["data"] else one["data"]["alert"]["id"])
        for one in await world.messages("escalate")
    )
    assert Counter(steps.values()) == {1: len(names), 2: len(names)}


@pytest.mark.timeout(180)
async def test_clocks_that_are_set_tell_nothing_twice(database: Database) -> None:
    world = World(database, Random(3))
    await world.begin()
    for wrong in (0, -HOUR, 2 * HOUR, 0, 72 * HOUR, -72 * HOUR, 0):
        await world.set_clock(wrong)
        for _ in range(12):
            await world.happens()
            await world.told()
            await world.ticks()
            world.now += world.random.choice([1, 50, 400]) * MINUTE
    for _ in range(200):
        world.now += HOUR
        await world.told()
        await world.ticks()
    names = [name for _, name, _ in world.happened]
    for kind in ("digest", "group", "quiet"):
        assert told_of(await world.messages(kind)) == Counter(names), kind
    types = Counter(one["type"] for one in await world.messages("absence"))
    assert types["alert.absence"] == types["alert.recovery"] + 1
    assert types["alert.recovery"] > 10


async def test_many_messages_are_made_in_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "MESSAGES_MAX", 2 * len(SPECS) + 1)
    world = World(database, Random(4))
    await world.begin()
    for _ in range(5):
        await world.happens()
    parts = [await database.write(lambda tx: world.fanout(tx, world.now, 100)) for _ in range(4)]
    assert [(one.events, one.more) for one in parts] == [
        (2, True),
        (2, True),
        (1, False),
        (0, False),
    ]
    names = [name for _, name, _ in world.happened]
    assert told_of(await world.messages("escalate")) == Counter(names)
