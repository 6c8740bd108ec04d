"""Years of a rule's life in a second: events, late looks at the clock, restarts, work that is done
twice because the first time was not committed, and clocks that are set; and what must come of it,
found by walking from quarter to quarter.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from gatepost.domains.rules import digest, timing
from gatepost.domains.rules.alerts_words import Item, Kind, Words
from gatepost.domains.rules.calendar import Daily, Hours
from gatepost.domains.rules.digest import Fate, Kept, Plan
from gatepost.domains.rules.model import DAYS, Absence, Window
from gatepost.domains.rules.timing import Silence

QUARTER = 15 * 60_000
HOUR = 4 * QUARTER
DAY = 24 * HOUR
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)


@dataclass(frozen=True)
class Life:
    """From when to when (ms), in which zone; in which hours, and at which time."""

    start: int
    end: int
    zone: str
    begin: int
    close: int
    days: tuple[int, ...]
    minutes: int

    @property
    def hours(self) -> Hours:
        return Hours(self.begin, self.close, self.zone, self.days)

    @property
    def daily(self) -> Daily:
        return Daily(self.begin, self.zone, self.days)

    @property
    def absence(self) -> Absence:
        names = tuple(DAYS[day] for day in self.days)
        times = [f"{one // 60:02d}:{one % 60:02d}" for one in (self.begin, self.close)]
        during = Window(start=times[0], end=times[1], timezone=self.zone, days=names)
        return Absence(self.minutes, during)

    def times(self, minute: int, days: tuple[int, ...], later: int = 0) -> list[int]:
        """When it gets so late on some days, or so many days later."""
        walked = walk(self.zone, self.start - 2 * DAY, self.end + 9 * DAY)
        day = walked[0][1].replace(hour=0, minute=0) + timedelta(days=1)
        late = day + timedelta(days=later, minutes=minute)
        found: list[int] = []
        for at, wall in walked:
            while wall >= late:
                found += [at] if day.weekday() in days else []
                day, late = day + timedelta(days=1), late + timedelta(days=1)
        return found

    def slots(self) -> list[int]:
        """When digests are sent; two at once are one."""
        return sorted(set(self.times(self.begin, self.days)))

    def open(self) -> frozenset[int]:
        """The quarters that begin within the hours."""
        over_night = 1 if self.close <= self.begin else 0
        starts = self.times(self.begin, self.days)
        ends = self.times(self.close, self.days, over_night)
        return frozenset(
            at
            for start, end in zip(starts, ends, strict=False)
            for at in range(start, end, QUARTER)
        )


@cache
def walk(zone: str, start: int, end: int) -> list[tuple[int, datetime]]:
    """Each quarter, and what the clock on the wall shows."""
    where = ZoneInfo(zone)
    return [
        (at, datetime.fromtimestamp(at / 1000, where).replace(tzinfo=None))
        for at in range(start, end, QUARTER)
    ]


def life(random: Random, days: int) -> Life:
    """Any life that begins within some years."""
    first = int(datetime(2017, 1, 2, tzinfo=UTC).timestamp()) * 1000
    start = first + random.randrange(365 * 9) * DAY + random.randrange(96) * QUARTER
    chosen = tuple(sorted(random.sample(range(7), random.randint(1, 7))))
    begin, close = (random.randrange(96) * 15 for _ in range(2))
    lasts = Hours(begin, close, "UTC", chosen).longest_minutes
    minutes = 15 * random.randint(1, max(1, min(lasts, 3 * 1440) // 15))
    return Life(start, start + days * DAY, random.choice(ZONES), begin, close, chosen, minutes)


@dataclass
class Clock:
    """The time that passes, and the one that the machine shows; it may be set."""

    random: Random
    at: int
    steps: bool = False
    wrong: int = 0

    @property
    def now(self) -> int:
        return self.at + self.wrong

    def passes(self, ms: int) -> None:
        self.at += ms

    def may_be_set(self) -> bool:
        """Sometimes sets it; says whether back."""
        if not self.steps or self.random.random() > 0.02:
            return False
        before = self.wrong
        self.wrong = self.random.choice([0, -HOUR, HOUR, -3 * DAY, 3 * DAY, -30 * DAY, QUARTER])
        return self.wrong < before


@dataclass
class Sent:
    """What was told: when the clock showed what, how much, and which items."""

    at: int
    due_at: int | None
    count: int
    items: list[str]


class Desk:
    """What is held back of one rule, and what was told of it."""

    def __init__(self, random: Random, plan: Plan) -> None:
        self.random, self.plan = random, plan
        self.kept = Kept()
        self.sent: list[Sent] = []
        self.came: list[int] = []

    def arrive(self, now: int) -> None:
        item = Item(Words(Kind.EVENT, now, str(len(self.came))))
        self.came.append(now)
        if self.random.random() < 0.1:
            digest.arrive(self.plan, self.kept, item, now)  # it was not committed
        fate, self.kept = digest.arrive(self.plan, self.kept, item, now)
        if fate is Fate.TELL:
            self.sent.append(Sent(now, None, 1, [item.words.title]))

    def release(self, now: int) -> None:
        kept = self.kept
        fate, left = digest.release(self.plan, kept, now)
        if self.random.random() < 0.1:
            return  # it was not committed
        self.kept = left
        if fate is Fate.TELL:
            titles = [one.words.title for one in kept.items]
            self.sent.append(Sent(now, kept.due_at, kept.count, titles))

    def restart(self) -> None:
        self.kept = msgspec.json.decode(msgspec.json.encode(self.kept), type=Kept)


def digests(random: Random, one: Life, plan: Plan, clock: Clock) -> Desk:
    """Let events come to a rule; what is held at the end of all days is told then."""
    desk = Desk(random, plan)
    while clock.at < one.end:
        if clock.may_be_set():
            desk.kept = digest.rewound(plan, desk.kept, clock.now)
        if random.random() < 0.3:
            desk.arrive(clock.now)
        due_at = desk.kept.due_at
        if due_at is not None and due_at <= clock.now and random.random() < 0.9:
            desk.release(clock.now)
        desk.restart()
        clock.passes(random.choice([1, 1, 2, 4, 12, 60]) * QUARTER)
    while desk.kept.count:
        desk.release(desk.kept.due_at or 0)
    return desk


def silences(random: Random, one: Life, clock: Clock) -> tuple[list[tuple[str, int]], list[int]]:
    """Let events come to a rule that tells of silence; returns what was told, and when each event
    came.
    """
    when, silence = one.absence, Silence(clock.now)
    told, came = list[tuple[str, int]](), list[int]()
    while clock.at < one.end:
        if clock.may_be_set():
            silence = timing.rewound(silence, clock.now)
        if random.random() < 0.2:
            came.append(clock.now)
            if random.random() < 0.1:
                timing.heard(when, silence, clock.now, clock.now)  # it was not committed
            silence, missed, ended = timing.heard(when, silence, clock.now, clock.now)
            told += [] if missed is None else [("silent", missed.at)]
            told += [("back", clock.now)] if ended else []
        elif random.random() < 0.7:
            later, missed = timing.missing(when, silence, clock.now)
            if random.random() < 0.9:
                silence = later
                told += [] if missed is None else [("silent", missed.at)]
        silence = msgspec.json.decode(msgspec.json.encode(silence), type=Silence)
        clock.passes(random.choice([1, 1, 2, 8, 40, 200, 700]) * QUARTER)
    return told, came
