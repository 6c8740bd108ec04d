"""A simulation of processes, writers and a database: discrete events, seeded, times in seconds.

Each server process has one interpreter, which its event loop and its writers share in turns of a
millisecond. Requests ask Valkey (those that wait share a trip), queue, and are taken by a writer
in a group; a group's transaction is a number of round trips to the database, each with some work
on one of its cores, then a sync that all commits waiting for it share. Counters of usage are rows
that a transaction locks towards its end and holds until it has been synced.
"""

import random
from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from bench.resources import TURN_S, Clock, Cores, Interpreter, Log, Rows, Then, Thread

GROUP_MAX = 256
"""As the committer's."""
ADMIT, PARSE = 0.4, 0.3
"""Parts of the event loop's work on a request before Valkey's answer and after it; the rest is
the reply."""
ROUNDS_HELD = 3
"""Round trips after the counters' rows are locked: two of COPY, one of COMMIT."""
BUNCHES = 32
"""Replies leave, and the next requests come, in bunches of this part of all connections."""
TICK_S = 0.00025
"""Arrivals within it are told together."""
CHUNK, GLANCE_S = 1000, 0.005
"""Of the index: events in a chunk, and the rest between two."""


class Prices(msgspec.Struct, frozen=True):
    """Seconds of work: per request or event, and once per trip, commit."""

    loop_request: float
    loop_trip: float
    thread_request: float
    thread_commit: float
    database_request: float
    database_commit: float
    valkey_request: float
    valkey_trip: float
    index_worker: float
    index_database: float
    rounds: int


class Site(msgspec.Struct, frozen=True):
    """What is simulated. `connections` are per process; `rate` is requests per second over all of
    them, 0 for clients that send the next request as soon as they are answered. With `cores` all
    of it shares that many, the load generator (`client_s` a request) included.
    """

    processes: int
    database_cores: int
    sync_s: float
    trip_s: float
    prices: Prices
    connections: int = 256
    writers: int = 2
    keys: int = 100_000
    rate: float = 0
    cores: int = 0
    client_s: float = 0
    index: bool = True

    @property
    def bunch(self) -> int:
        return max(1, self.connections // BUNCHES)


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. `used` is the busy share of each resource that can run out, `blocked` the
    share of their time that writers waited for rows others held.
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    group: float
    indexed_per_s: float
    blocked: float
    used: dict[str, float]


class World:
    """What all processes share, and what is counted."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.random = random.Random(1)
        self.clock = clock = Clock()
        pool = Cores(clock, site.cores) if site.cores else None
        self.run = pool.do if pool else clock.after
        self.database = pool or Cores(clock, site.database_cores)
        self.valkey = pool or Cores(clock, 1)
        self.log = Log(clock, lambda: self.spread(site.sync_s))
        self.rows = Rows()
        self.waits: list[float] = []
        self.commits = self.stored = self.indexed = 0
        self.blocked_s = 0.0

    def spread(self, seconds: float) -> float:
        """Half to one and a half of it."""
        return seconds * (0.5 + self.random.random())

    def travel(self, then: Then) -> None:
        """Half a round trip."""
        self.clock.after(self.spread(self.site.trip_s / 2), then)


Request = float
"""When it was sent."""
Answered = Callable[["Server", list[Request]], None]


class Server:
    """One process that serves."""

    def __init__(self, world: World, answered: Answered) -> None:
        self.world = world
        self.interpreter = Interpreter(world.run)
        self.loop = Thread(self.interpreter)
        self.queue: deque[Request] = deque()
        self._answered = answered
        self._asking: list[Request] = []
        self._trip = False
        self._idle = [Writer(self) for _ in range(world.site.writers)]

    def arrive(self, requests: list[Request]) -> None:
        """Take what came in one turn of the loop."""
        work = self.world.site.prices.loop_request * ADMIT * len(requests)
        self.loop.do(work, lambda: self._ask(requests))

    def _ask(self, requests: list[Request]) -> None:
        self._asking += requests
        if not self._trip:
            self._travel()

    def _travel(self) -> None:
        prices, world = self.world.site.prices, self.world
        asked, self._asking = self._asking, []
        self._trip = bool(asked)
        if asked:
            work = prices.valkey_trip + prices.valkey_request * len(asked)
            back = lambda: world.travel(lambda: self._decided(asked))  # noqa: E731 # two in a row
            world.travel(lambda: world.valkey.do(work, back))

    def _decided(self, requests: list[Request]) -> None:
        prices = self.world.site.prices
        self.loop.do(prices.loop_trip, self._travel)
        parse = prices.loop_request * PARSE * len(requests)
        self.loop.do(parse, lambda: self._submit(requests))

    def _submit(self, requests: list[Request]) -> None:
        self.queue.extend(requests)
        while self._idle and self.queue:
            self._idle.pop().take()

    def done(self, writer: "Writer", group: list[Request]) -> None:
        """Answer them; the writer goes on."""
        reply = self.world.site.prices.loop_request * (1 - ADMIT - PARSE)
        size = self.world.site.bunch
        for start in range(0, len(group), size):
            some = group[start : start + size]
            self.loop.do(reply * len(some), partial(self._answered, self, some))
        if self.queue:
            writer.take()
        else:
            self._idle.append(writer)


class Writer:
    """One connection to the database."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._world = server.world
        self._thread = Thread(server.interpreter)
        self._group: list[Request] = []
        self._counters: list[int] = []
        self._left = 0
        self._since = 0.0

    def take(self) -> None:
        queue, world = self._server.queue, self._world
        self._group = [queue.popleft() for _ in range(min(len(queue), GROUP_MAX))]
        keys, draw = world.site.keys, world.random.random
        self._counters = sorted({int(draw() * keys) for _ in self._group})
        self._left = world.site.prices.rounds
        self._round()

    def _round(self) -> None:
        """The next round trip: work here, on the way, there."""
        prices, world = self._world.site.prices, self._world
        share, rows = 1 / prices.rounds, len(self._group) * self._copies()
        here = prices.thread_commit * share + prices.thread_request * rows
        there = prices.database_commit * share + prices.database_request * rows
        work = lambda: world.database.do(there, self._worked)  # noqa: E731 # read from within
        self._thread.do(here, lambda: world.travel(work))

    def _copies(self) -> float:
        """The share of the work on rows in this round: half in each COPY."""
        return 0.5 if self._left in {ROUNDS_HELD + 2, ROUNDS_HELD} else 0.0

    def _worked(self) -> None:
        self._left -= 1
        if not self._left:
            self._world.log.sync(self._synced)
        elif self._left == ROUNDS_HELD:
            self._since = self._world.clock.now
            self._world.rows.lock(self._counters, self._locked)
        else:
            self._world.travel(self._round)

    def _locked(self) -> None:
        self._world.blocked_s += self._world.clock.now - self._since
        self._world.travel(self._round)

    def _synced(self) -> None:
        self._world.rows.release(self._counters)
        self._world.travel(self._committed)

    def _committed(self) -> None:
        self._world.commits += 1
        self._world.stored += len(self._group)
        self._server.done(self, self._group)


class Index:
    """The process that enters events into the index, chunk by chunk."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._thread = Thread(Interpreter(world.run))
        world.clock.after(GLANCE_S, self._look)

    def _look(self) -> None:
        world = self._world
        events = min(world.stored - world.indexed, CHUNK)
        if not events:
            world.clock.after(GLANCE_S, self._look)
            return
        prices = world.site.prices
        pieces = max(int(events * prices.index_database / TURN_S), 1)
        piece = events * prices.index_database / pieces
        self._thread.do(events * prices.index_worker, lambda: self._enter(events, piece, pieces))

    def _enter(self, events: int, piece: float, pieces: int) -> None:
        if pieces:
            self._world.database.do(piece, lambda: self._enter(events, piece, pieces - 1))
        else:
            self._world.log.sync(lambda: self._entered(events))

    def _entered(self, events: int) -> None:
        self._world.indexed += events
        self._world.clock.after(GLANCE_S, self._look)


class Clients:
    """They send, and note how long they waited."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._site = site = world.site
        self.servers = [Server(world, self._answered) for _ in range(site.processes)]
        for server in self.servers:
            if site.rate:
                self._keep_coming(server)
            else:
                for start in range(0, site.connections, site.bunch):
                    self._send(server, min(site.bunch, site.connections - start))

    def _send(self, server: Server, count: int) -> None:
        self._arrive(server, [self._world.clock.now] * count)

    def _arrive(self, server: Server, requests: list[Request]) -> None:
        work = self._site.client_s * len(requests)
        if work:
            self._world.run(work, lambda: server.arrive(requests))
        else:
            server.arrive(requests)

    def _keep_coming(self, server: Server) -> None:
        """At random moments, told a few at a time."""
        world, start = self._world, self._world.clock.now
        requests, at = [], start
        while (
            at := at + world.random.expovariate(self._site.rate / self._site.processes)
        ) < start + TICK_S:
            requests.append(at)
        world.clock.after(TICK_S, lambda: self._keep_coming(server))
        if requests:
            world.clock.after(TICK_S, lambda: self._arrive(server, requests))

    def _answered(self, server: Server, requests: list[Request]) -> None:
        world = self._world
        world.waits += [world.clock.now - sent for sent in requests]
        if not self._site.rate:
            pause = world.spread(self._site.trip_s)
            world.clock.after(pause, lambda: self._send(server, len(requests)))


def simulate(site: Site, warm_up_s: float = 0.3, seconds: float = 0.6) -> Outcome:
    """Let it run for a while, then watch."""
    world = World(site)
    clients = Clients(world)
    if site.index:
        Index(world)
    world.clock.run(warm_up_s)
    before = _totals(world, clients)
    world.waits.clear()
    world.clock.run(warm_up_s + seconds)
    now = _totals(world, clients)
    used = {name: (now[name] - before[name]) / seconds for name in now}
    waits = sorted(world.waits)
    return Outcome(
        per_s=len(waits) / seconds,
        p50_ms=waits[len(waits) // 2] * 1e3,
        p99_ms=waits[len(waits) * 99 // 100] * 1e3,
        group=used["stored"] / used["commits"],
        indexed_per_s=used["indexed"],
        blocked=used["blocked"],
        used={name: used[name] for name in RESOURCES},
    )


RESOURCES = ("processes", "database", "Valkey")
"""Syncs are not among them: one serves all who wait, however many."""


def _totals(world: World, clients: Clients) -> dict[str, float]:
    servers = clients.servers
    return {
        "processes": sum(one.interpreter.busy_s for one in servers) / len(servers),
        "database": world.database.busy_s / world.database.count,
        "Valkey": world.valkey.busy_s / world.valkey.count,
        "blocked": world.blocked_s / (len(servers) * world.site.writers),
        "stored": world.stored,
        "commits": world.commits,
        "indexed": world.indexed,
    }
