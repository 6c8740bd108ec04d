"""`gatepost selftest`: the promises, tried out on this machine and its disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from gatepost.cli.common import FAILED, OK, put_json, say

if TYPE_CHECKING:
    from gatepost.cli.accounting import Books
    from gatepost.cli.trial import Report, Trial

app = App(name="selftest", help="Try the promises out on this machine and its disk.")


@app.command
def durability(
    *,
    cycles: Annotated[
        int, Parameter(validator=Number(gte=1), help="How often the server is killed.")
    ] = 200,
    connections: Annotated[
        int, Parameter(validator=Number(gte=1, lte=256), help="Clients at the same time.")
    ] = 16,
    json: Annotated[bool, Parameter(negative="", help="Answer in JSON, for programs.")] = False,
    keep: Annotated[bool, Parameter(negative="", help="Keep the scratch folder.")] = False,
) -> int:
    """Kill a server under load, again and again: is all it acknowledged there, once?

    Runs on a scratch folder under the system's folder for temporary files (set TMPDIR to try
    another disk), never on your data. Exit code 1 when any promise was broken.
    """
    import shutil
    import signal
    import tempfile
    from pathlib import Path

    from gatepost.cli.trial import Trial

    # However it is told to end, it takes the server it started with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="gatepost-selftest-"))
    try:
        report = _with_progress(Trial(folder / "data", connections), cycles)
    finally:
        if keep:
            say(f"Kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if json:
        put_json(report)
    else:
        show(report)
    return OK if report.kept else FAILED


def _with_progress(trial: Trial, cycles: int) -> Report:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Killing and counting", total=cycles)

        def step(books: Books) -> None:
            text = f"{len(books.acknowledged)} acknowledged"
            bar.update(task, advance=1, description=text)

        return asyncio.run(trial.run(cycles, step))


def show(report: Report) -> None:
    """Print the numbers as a table."""
    import msgspec
    from rich.console import Console
    from rich.table import Table

    verdict = "Every promise was kept" if report.kept else "Promises were broken"
    table = Table(title=verdict, show_header=False)
    fields = msgspec.to_builtins(report)
    problems = fields.pop("problems")
    for name, value in fields.items():
        table.add_row(name, str(value))
    for problem in problems:
        table.add_row("problem", problem)
    Console().print(table)
