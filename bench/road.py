"""The hot path: POST /v1/events and its batch, beside the echo and the baseline, in turns."""

import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bench import contestants, corpus
from bench.contestants import Contestant, Shim
from bench.load import Load, measure
from bench.process import ROOT, InvalidRunError, build_shim, environment, python
from bench.report import Figure

EVENTS = "/v1/events"
BATCH = "/v1/events/batch"
BATCH_SIZE = 100
BATCH_BODIES = 8
SHIM_DELAY_US = 2600


class Plan(msgspec.Struct, frozen=True):
    """How to measure: seconds and connections of each run, how many rounds of turns."""

    folder: Path
    seconds: float
    rounds: int
    connections: int
    events: int
    say: Callable[[str], None]
    keep_costs: bool = False


class Turns(msgspec.Struct, frozen=True):
    """The loads of one contestant, one per round, and the longest wait for its index in seconds."""

    loads: list[Load]
    catch_up_s: float = 0

    @property
    def per_s(self) -> float:
        return statistics.median(load.per_s for load in self.loads)

    @property
    def p50_ms(self) -> float:
        return statistics.median(load.p50_ms for load in self.loads)

    @property
    def p99_ms(self) -> float:
        return statistics.median(load.p99_ms for load in self.loads)


def in_turns(
    plan: Plan,
    runners: Sequence[Contestant],
    path: str,
    bodies: Sequence[Path],
    *,
    keyed: bool = True,
) -> list[Turns]:
    """Measure the runners one after the other, `rounds` times; background work may not overlap."""
    loads: list[list[Load]] = [[] for _ in runners]
    waits = [0.0 for _ in runners]
    for turn in range(plan.rounds):
        for index, runner in enumerate(runners):
            load = measure(runner, path, bodies, plan.seconds, plan.connections, keyed=keyed)
            loads[index].append(load)
            plan.say(
                f"  {turn + 1}/{plan.rounds} {runner.name:<11}{load.per_s:>10,.0f} requests/s"
                f"   p50 {load.p50_ms:.1f} ms   p99 {load.p99_ms:.1f} ms",
            )
            if runner.indexes:
                waits[index] = max(waits[index], contestants.await_quiet(runner))
                plan.say(f"      search index caught up after {waits[index]:.0f} s at most")
    return [Turns(*pair) for pair in zip(loads, waits, strict=True)]


def ratio(ours: Turns, theirs: Turns) -> float:
    """Median of the rounds' own ratios: noise that lasts a round hits both sides."""
    pairs = zip(ours.loads, theirs.loads, strict=True)
    return statistics.median(our.per_s / their.per_s for our, their in pairs)


def spread(turns: Turns) -> str:
    rates = [load.per_s for load in turns.loads]
    return f"{min(rates):,.0f} to {max(rates):,.0f} over {len(rates)} rounds"


def rates(part: str, named: dict[str, Turns]) -> list[Figure]:
    """Context rows: requests per second and p99 of every contestant."""
    return [
        figure
        for name, turns in named.items()
        for figure in (
            Figure(part, f"{name}, requests", turns.per_s, "/s", note=spread(turns)),
            Figure(part, f"{name}, p50", turns.p50_ms, "ms"),
            Figure(part, f"{name}, p99", turns.p99_ms, "ms"),
        )
    ]


def payment(folder: Path) -> list[Path]:
    path = folder / "payment.json"
    path.write_bytes(msgspec.json.encode(corpus.PAYMENT))
    return [path]


def road(plan: Plan) -> list[Figure]:
    """Echo, baseline and Gatepost at the disk's own sync speed."""
    with (
        contestants.echo(plan.folder) as echo,
        contestants.diy(plan.folder) as diy,
        contestants.gatepost(plan.folder) as gatepost,
    ):
        bare, usual, ours = in_turns(plan, [echo, diy, gatepost], EVENTS, payment(plan.folder))
    return [
        Figure("road", "POST ÷ echo", ratio(ours, bare), "x", at_least=0.30),
        Figure("road", "POST ÷ do-it-yourself", ratio(ours, usual), "x", at_least=15),
        *rates("road", {"echo": bare, "do-it-yourself": usual, "Gatepost": ours}),
        Figure("road", "search index caught up after at most", ours.catch_up_s, "s"),
    ]


def slow_sync(plan: Plan) -> list[Figure]:
    """The same with 2.6 ms more on every sync, of ours and of the baseline's database."""
    library = build_shim(plan.folder)
    our_shim = Shim(library, SHIM_DELAY_US, plan.folder / "gatepost.syncs")
    their_shim = Shim(library, SHIM_DELAY_US, plan.folder / "diy.syncs")
    with (
        contestants.echo(plan.folder) as echo,
        contestants.diy(plan.folder, their_shim) as diy,
        contestants.gatepost(plan.folder, our_shim) as gatepost,
    ):
        before = our_shim.count()
        bare, usual, ours = in_turns(plan, [echo, diy, gatepost], EVENTS, payment(plan.folder))
        synced = our_shim.count() - before
    plain, slow = commit_ms(plan.folder, {}), commit_ms(plan.folder, our_shim.env())
    if not synced:
        raise InvalidRunError("the server never synced behind the shim")
    return [
        Figure("sync", "POST p99 behind the shim", ours.p99_ms, "ms", at_most=25),
        Figure("sync", "POST ÷ echo", ratio(ours, bare), "x"),
        Figure("sync", "POST ÷ do-it-yourself", ratio(ours, usual), "x"),
        *rates("sync", {"echo": bare, "do-it-yourself": usual, "Gatepost": ours}),
        Figure("sync", "one SQLite commit without the shim", plain, "ms"),
        Figure("sync", "one SQLite commit behind the shim", slow, "ms"),
        Figure("sync", "Gatepost, syncs in the whole part", synced, ""),
    ]


def commit_ms(folder: Path, env: dict[str, str]) -> float:
    """Median of a durable single-row commit, in milliseconds."""
    command = python("-m", "bench.commits", str(folder))
    done = subprocess.run(command, check=True, capture_output=True, env=environment(env), cwd=ROOT)
    return float(done.stdout)


def batch_bodies(folder: Path) -> list[Path]:
    paths = [folder / f"batch-{seed}.json" for seed in range(BATCH_BODIES)]
    for seed, path in enumerate(paths):
        path.write_bytes(corpus.load_batch(seed, BATCH_SIZE))
    return paths


def accepted(body: bytes) -> int:
    """How many items of a batch reply were accepted."""
    results = msgspec.json.decode(body)["data"]["results"]
    return sum(result.get("status") == "accepted" for result in results)


def check_batches(gatepost: Contestant, bodies: Sequence[Path]) -> None:
    client = gatepost.client()
    for path in bodies:
        answer = client.post(BATCH, path.read_bytes(), f"check-{path.name}")
        if answer.status != 200 or accepted(answer.body) != BATCH_SIZE:
            raise InvalidRunError(f"a batch was refused: {answer.status} {answer.body[:300]!r}")
    client.close()


def batch(plan: Plan) -> list[Figure]:
    """Batches of 100 beside the echo of the same bodies."""
    bodies = batch_bodies(plan.folder)
    with contestants.echo(plan.folder) as echo, contestants.gatepost(plan.folder) as gatepost:
        check_batches(gatepost, bodies)
        bare, ours = in_turns(plan, [echo, gatepost], BATCH, bodies)
    per_s = ours.per_s * BATCH_SIZE
    size = sum(path.stat().st_size for path in bodies) / len(bodies) / BATCH_SIZE
    return [
        Figure("batch", "events of batches of 100", per_s, "/s", at_least=60_000),
        Figure("batch", "batch ÷ echo of the same bytes", ratio(ours, bare), "x"),
        Figure("batch", "bytes of an event", size, ""),
        *rates("batch", {"echo": bare, "Gatepost": ours}),
        Figure("batch", "search index caught up after at most", ours.catch_up_s, "s"),
    ]
