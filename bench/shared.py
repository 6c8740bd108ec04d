"""The same request on PostgreSQL and Valkey: from one process, from two, and what it costs."""

from collections.abc import Callable, Sequence

import msgspec

from bench import contestants, costs, measured
from bench.backing import backing, baseline, install
from bench.capacity import two_to_one
from bench.contestants import Contestant
from bench.measured import Costs, Measured, Row
from bench.report import Figure, number
from bench.road import EVENTS, Plan, in_turns, payment, rates, ratio

PART = "shared"
CROWD = 4
"""Two processes need more clients than one to be as busy."""
COUNTED: tuple[tuple[str, str, Callable[[Row], float]], ...] = (
    ("requests per commit", "", lambda row: row.group),
    ("statements", "", lambda row: row.statements),
    ("bytes of log", "", lambda row: row.log_bytes),
    ("event loop", "µs", lambda row: row.loop_us),
    ("other threads of the server", "µs", lambda row: row.threads_us),
    ("database", "µs", lambda row: row.database_us),
    ("Valkey", "µs", lambda row: row.valkey_us),
    ("trips to Valkey", "", lambda row: row.trips),
)


def shared(plan: Plan) -> list[Figure]:
    """Speed beside the baseline on the same PostgreSQL; then costs, for the model."""
    figures = _speeds(plan)
    found = costs.measure(plan)
    if plan.keep_costs:
        measured.write(found)
        plan.say("  costs kept: `python -m bench.capacity --write` renews docs/explain/scaling.md")
    lonely, busy = (_at(found.postgres.rows, connections) for connections in (1, 64))
    falling = busy.statements / lonely.statements
    return [
        *figures,
        Figure(PART, "statements a request, 64 connections ÷ 1", falling, "x", at_most=0.1),
        *_foretold(found),
        *_costs("SQLite", found.sqlite),
        *_costs("PostgreSQL", found.postgres),
        Figure(PART, "PostgreSQL, round trips a commit", found.postgres.rounds, ""),
    ]


def _speeds(plan: Plan) -> list[Figure]:
    bodies = payment(plan.folder)
    crowd = msgspec.structs.replace(plan, connections=plan.connections * CROWD)
    with backing() as servers:
        here = install(servers, plan.folder / "shared")
        with here.start("serve") as first:
            key = here.key()
            one = Contestant("gatepost", first, key)
            contestants.check_replay(one)
            with baseline(servers, plan.folder) as diy:
                usual, ours = in_turns(plan, [diy, one], EVENTS, bodies)
            with here.start("serve", "--no-workers") as second:
                contestants.check_replay(Contestant("gatepost", second, key))
                two = Contestant("gatepost x2", first, key, (second,))
                alone, both = in_turns(crowd, [one, two], EVENTS, bodies)
    crowded = f"{crowd.connections} connections"
    return [
        Figure(PART, "POST ÷ do-it-yourself", ratio(ours, usual), "x", at_least=8),
        Figure(PART, "two processes ÷ one", ratio(both, alone), "x", at_least=1.5, note=crowded),
        *rates(PART, {"do-it-yourself": usual, "one process": ours}),
        *rates(PART, {f"one process, {crowded}": alone, f"two processes, {crowded}": both}),
    ]


def _foretold(found: Measured) -> list[Figure]:
    """What the model makes of two processes, where they share two cores and where they do not."""
    return [
        Figure(
            PART,
            f"two processes ÷ one, simulated {where}",
            two_to_one(found, same_cores=same_cores),
            "x",
        )
        for where, same_cores in (("here", True), ("on hosts of their own", False))
    ]


def _costs(name: str, found: Costs) -> list[Figure]:
    """One row for each thing counted, at 64 connections; the note has all levels."""
    levels = ", ".join(str(row.connections) for row in found.rows)
    busy = _at(found.rows, 64)
    rows = []
    for thing, unit, of in COUNTED:
        if any(map(of, found.rows)):
            note = (
                ", ".join(f"{number(of(row))}" for row in found.rows) + f" at {levels} connections"
            )
            rows.append(Figure(PART, f"{name}, {thing}", of(busy), unit, note=note))
    kept, indexing = found.kept, found.indexing
    return [
        *rows,
        Figure(PART, f"{name}, one sync of the log", found.sync_ms, "ms"),
        Figure(PART, f"{name}, kept of an event", kept.event, "B"),
        Figure(PART, f"{name}, kept of its terms", kept.terms, "B"),
        Figure(PART, f"{name}, kept of a reply", kept.reply, "B"),
        Figure(PART, f"{name}, events indexed", indexing.per_s, "/s"),
    ]


def _at(rows: Sequence[Row], connections: int) -> Row:
    return next(row for row in rows if row.connections == connections)
