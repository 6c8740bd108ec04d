"""`python -m bench [PART]`: one part, or all of them, which writes RESULTS.md."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import process, report
from bench.counting import counting
from bench.delivering import delivering
from bench.gate import gate
from bench.pages import pages
from bench.painting import painting
from bench.process import InvalidRunError
from bench.relaying import relaying
from bench.report import Figure, Invalid, Outcome
from bench.road import Plan, batch, road, slow_sync
from bench.rollups import rollups
from bench.shared import shared
from bench.start import start
from bench.watching import watching

PARTS: dict[str, Callable[[Plan], list[Figure]]] = {
    "road": road,
    "sync": slow_sync,
    "batch": batch,
    "counting": counting,
    "gate": gate,
    "relay": relaying,
    "report": rollups,
    "delivery": delivering,
    "shared": shared,
    "start": start,
    "pages": pages,
    "painting": painting,
    "watching": watching,
}
BUSY_CORES = 0.2
EVENTS_MIN = 100_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Gatepost.")
    parser.add_argument("part", nargs="?", default="all", choices=[*PARTS, "all"])
    parser.add_argument("--seconds", type=float, default=8, help="of each measured run")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--events", type=int, default=1_000_000, help="stored for the pages")
    parser.add_argument("--write", action="store_true", help="write one part's rows, as `all` does")
    parser.add_argument("--keep-costs", action="store_true", help="write costs.json, as `all` does")
    options = parser.parse_args()
    if options.events < EVENTS_MIN:
        parser.error(f"--events: below {EVENTS_MIN} a filter may rightly find nothing")
    return options


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(name: str, options: argparse.Namespace) -> list[Outcome]:
    """Run one part in a folder of its own."""
    say(name)
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-") as folder:
        plan = Plan(
            Path(folder),
            options.seconds,
            options.rounds,
            options.connections,
            options.events,
            say,
            options.keep_costs or options.part == "all",
        )
        try:
            return [*PARTS[name](plan)]
        except InvalidRunError as failure:
            say(f"  invalid: {failure}")
            return [Invalid(name, str(failure))]


def main() -> int:
    """Measure; returns 1 if a part was invalid or a target was missed."""
    options = arguments()
    # An ended harness must not leave its servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    others = process.busy_cores()
    if others > BUSY_CORES:
        say(f"warning: other work keeps {others:.1f} cores busy, the figures will be too low")
    names = list(PARTS) if options.part == "all" else [options.part]
    outcomes = [outcome for name in names for outcome in run(name, options)]
    print(report.table(outcomes))
    how = (
        f"{options.connections} connections, {options.rounds} rounds of "
        f"{options.seconds:g} s after 2 s of warm-up, {options.events:,} events for the pages, "
        f"{others:.1f} cores busy with other work at the start"
    )
    if options.part == "all":
        report.write(outcomes, how)
    elif options.write:
        report.renew(options.part, list(PARTS), outcomes, how)
    return 0 if report.ok(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
