"""What is poured into the demo's account: people, events, counts, usage and refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random
from typing import TypeVar

from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.ids import NO_CUSTOMER, NO_PROJECT, AggregatorId, CustomerId
from gatepost.base.periods import slot_of
from gatepost.cli.demo.cast import ADA, COMPANIES, COUNTRIES, COUNTRY_WEIGHTS, Person, maybe
from gatepost.cli.demo.stage import SHOP, STAGING, Stage, who
from gatepost.cli.demo.story import Said, busy, command, deploy, error, moments, story
from gatepost.domains.aggregators import counts
from gatepost.domains.aggregators.model import Tally
from gatepost.domains.events.model import Event
from gatepost.domains.usage import store as usage
from gatepost.domains.usage.model import Line, Metered, Sums
from gatepost.engine import aggregate, identify
from gatepost.engine.identify import Identify
from gatepost.engine.track import Origin, track
from gatepost.gate import ledger
from gatepost.gate.ledger import Refused

T = TypeVar("T")

BATCH = 1000
STAGING_SHARE = 0.05
PAGES = ("page_view", "product_view", "add_to_cart", "checkout")
PAGE_WEIGHTS = (100, 55, 14, 6)
DEVICES = ("phone", "laptop", "tablet")
OK, TOO_MANY = 200, 429
SINGLES_DAYS = 2
"""For how many days single requests of customers are kept in the demo."""
REFUSALS = (
    # key, code, route, detail
    ("web storefront", "rate_limited", "POST /v1/events", "More than 100 requests in 60 s"),
    ("web storefront", "forbidden", "GET /v1/events", "This key lacks the scope events:read"),
    ("staging", "validation_error", "POST /v1/events", "title: Required"),
    ("shop backend", "idempotency_conflict", "POST /v1/messages", "The same key, another body"),
    ("data export", "forbidden", "DELETE /v1/identities/{userId}", "This key lacks people:erase"),
)
EVENT = "POST /v1/events"
SENDERS = {SHOP: ("shop backend", "web storefront"), STAGING: ("staging",)}
DATA = "POST /emmi/v1/data"


class Stream:
    """Pours, and remembers the events that others tell of."""

    def __init__(self, stage: Stage, random: Random, crowd: list[Person]) -> None:
        """Nothing is poured yet."""
        self._stage = stage
        self._random = random
        self._crowd = crowd
        self._sums = Sums()

    def people(self) -> None:
        """Make everybody known, with an alias each."""
        stage = self._stage
        project_id = stage.projects[SHOP].id
        for some in chunks(self._crowd, BATCH):
            with stage.local.write() as tx:
                for one in some:
                    known = Identify(one.user_id, one.properties, (one.email,))
                    at = stage.ago(self._random.uniform(1, 88))
                    identify.identify(tx, stage.account_id, project_id, known, at)

    def events(self, start: int, many: int) -> Iterator[list[tuple[Said, Event]]]:
        """Store events from a moment (ms) on up to now, some of them elsewhere; gives each batch
        once it is kept.
        """
        stage, staged = self._stage, round(many * STAGING_SHARE)
        told = story(self._random, self._crowd, start, stage.now - 1000, many - staged)
        for some in chunks(told, BATCH):
            yield self._store(SHOP, some)
        quiet = [
            (at, (deploy if maybe(self._random, 0.5) else error)(self._random, self._crowd))
            for at in moments(self._random, start, stage.now - 1000, staged)
        ]
        for some in chunks(quiet, BATCH):
            yield self._store(STAGING, some)

    def _store(self, name: str, some: list[tuple[int, Said]]) -> list[tuple[Said, Event]]:
        stage, project = self._stage, self._stage.projects[name]
        origin = Origin(stage.account_id, project.id, stage.now, project.counting)
        with stage.local.write() as tx:
            wanted = [command(said, at) for at, said in some]
            done = track(tx, [origin] * len(some), wanted)
        for at, _ in some:
            self._line(NO_CUSTOMER, at, EVENT, self._random.choice(SENDERS[name]), 1)
        return [
            (said, one.event)
            for (_, said), one in zip(some, done, strict=True)
            if one.event is not None
        ]

    def counts(self, start: int) -> None:
        """Count visits, hour by hour."""
        stage = self._stage
        with stage.local.write() as tx:
            made = aggregate.create_aggregator(
                tx, stage.account_id, "Storefront", who(ADA), stage.ago(89),
                description="Visits, counted without cookies",
            )  # fmt: skip
        amounts = self._visits(made.id, start)
        for some in chunks(amounts, 5 * BATCH):
            with stage.local.write() as tx:
                counts.add(tx, dict(some))

    def _visits(self, aggregator_id: AggregatorId, start: int) -> Iterator[tuple[Tally, int]]:
        stage = self._stage
        for at in range(slot_of(start), stage.now, HOUR_MS):
            level = busy(at, start, stage.now) / 40
            for page, weight in zip(PAGES, PAGE_WEIGHTS, strict=True):
                country = self._random.choices(COUNTRIES, COUNTRY_WEIGHTS)[0].lower()
                device = self._random.choice(DEVICES)
                many = round(level * weight * self._random.uniform(0.7, 1.3) / 10)
                tags = tuple(sorted((country, device)))
                if many:
                    yield Tally(stage.account_id, aggregator_id, at, page, tags), many

    def usage(self, start: int) -> None:
        """Meter the account's own requests, and those of its customers."""
        stage = self._stage
        for at in range(slot_of(start), stage.now, HOUR_MS):
            level = busy(at, start, stage.now) / 130
            for index, (identifier, _, _) in enumerate(COMPANIES):
                many = round(level * self._random.uniform(0, 9) / (1 + index / 2))
                self._line(stage.customers[identifier], at, DATA, "metering", many)
        for lines in chunks(self._sums.lines.items(), 2 * BATCH):
            self._meter(dict(lines), [])
        for single in chunks(self._sums.single, 2 * BATCH):
            self._meter({}, single)

    def _meter(self, lines: dict[Line, list[int]], single: list[Metered]) -> None:
        """Write as much as one statement takes."""
        some = Sums()
        some.lines, some.single = lines, single
        with self._stage.local.write() as tx:
            usage.add(tx, some)

    def _line(self, customer_id: CustomerId, at: int, route: str, key: str, many: int) -> None:
        """Add so many requests of an hour up; the newest ones of customers one by one."""
        stage, failed, sums = self._stage, int(maybe(self._random, 0.02)), self._sums
        for status, share in ((OK, many), (TOO_MANY, failed)):
            if share <= 0:
                continue
            line = Line(
                stage.account_id,
                customer_id,
                slot_of(at),
                stage.keys[key].project_id or NO_PROJECT,
                stage.keys[key].id,
                route,
                status,
            )
            total = sums.lines.setdefault(line, [0, 0])
            total[0] += share
            total[1] += share if status == OK else 0
            if customer_id != NO_CUSTOMER and at > stage.now - SINGLES_DAYS * DAY_MS:
                sums.single += [self._single(line) for _ in range(share)]

    def _single(self, line: Line) -> Metered:
        at = min(line.slot + self._random.randrange(HOUR_MS), self._stage.now)
        return Metered(
            account_id=line.account_id,
            customer_id=line.customer_id,
            project_id=line.project_id,
            key_id=line.key_id,
            route=line.route,
            status=line.status,
            units=int(line.status == OK),
            at=at,
            request_id=f"demo-{self._random.randrange(16**12):012x}",
            response_bytes=self._random.randint(80, 4000),
            duration_ms=self._random.randint(1, 90),
        )

    def refusals(self) -> None:
        """Refuse some requests of each of the last days."""
        found = [self._refused(day, one) for day in range(12) for one in self._some(REFUSALS)]
        with self._stage.local.write() as tx:
            ledger.write_refused(tx, found)

    def _some(self, all_: Iterable[T]) -> list[T]:
        return [one for one in all_ if maybe(self._random, 0.4)]

    def _refused(self, day: int, one: tuple[str, str, str, str]) -> Refused:
        name, code, route, detail = one
        stage, key = self._stage, self._stage.keys[name]
        at = stage.ago(day + self._random.random())
        return Refused(
            account_id=stage.account_id,
            hour=at // HOUR_MS,
            key_id=key.id,
            code=code,
            route=route,
            project_id=key.project_id,
            count=self._random.randint(1, 40),
            detail=detail,
            address=f"198.51.100.{self._random.randint(2, 250)}",
            request_id=f"demo-{self._random.randrange(16**12):012x}",
            last_at=at,
        )


def chunks(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut something into lists."""
    waiting = iter(things)
    while some := list(islice(waiting, size)):
        yield some
