"""`gatepost data`: an installation's data as a whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, OK, USAGE, Common, Failure, load, put_json, say

if TYPE_CHECKING:
    from gatepost.base.config import Settings
    from gatepost.cli.move import Report, Step

app = App(name="data", help="An installation's data as a whole.")


@app.command
def move(
    *,
    from_: Annotated[
        str | None,
        Parameter(name="--from", help="sqlite:///path/gatepost.db; else the data folder's."),
    ] = None,
    to: Annotated[
        str | None,
        Parameter(help="postgresql://user:password@host/database; else the setting database_url."),
    ] = None,
    common: Common = COMMON,
) -> int:
    """Copy an installation from SQLite to an empty PostgreSQL database, and compare the two.

    Stop the server first. When it is cut off, the same command goes on where it was. The source
    stays as it is. Exit code 1 when anything differs.
    """
    import logging

    import msgspec

    from gatepost.cli.move import run
    from gatepost.cli.serve import locked
    from gatepost.storage.db import NotDurable

    logging.getLogger("alembic").setLevel(logging.WARNING)
    path, settings = _source(from_, common)
    if to is not None:
        settings = msgspec.structs.replace(settings, database_url=to)
    try:
        with locked(path.parent), _progress(common) as step:
            report = run(path, settings, step)
    except NotDurable as error:
        raise Failure(str(error)) from None
    _show(common, report)
    if report.tables and not common.json:
        _advise(path, settings)
    return OK


def _source(url: str | None, common: Common) -> tuple[Path, Settings]:
    """The file to move, and the settings of its data folder."""
    from gatepost.base.config import DATABASE

    given = None if url is None else _path(url)
    data = common.data if given is None else str(given.parent)
    settings, _ = load(Common(data))
    path = given or settings.folder / DATABASE
    if not path.is_file():
        raise Failure(f"there is no database at {path}")
    return path, settings


def _path(url: str) -> Path:
    import sqlalchemy

    with contextlib.suppress(sqlalchemy.exc.ArgumentError):
        found = sqlalchemy.make_url(url)
        if found.drivername == "sqlite" and found.database:
            return Path(found.database)
    # It is not repeated: somebody may have mixed up the two addresses, and one has a password.
    raise Failure("--from must be sqlite:///path/gatepost.db, with a fourth / for /path", USAGE)


@contextlib.contextmanager
def _progress(common: Common) -> Iterator[Step]:
    """A bar for each thing that is done, on stderr; none for programs."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TaskID

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=common.json) as bar:
        tasks: dict[str, TaskID] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield step


def _show(common: Common, report: Report) -> None:
    import msgspec

    from gatepost.cli import show

    if common.json:
        put_json(report)
    elif not report.tables:
        say(f"{report.target} holds all of it already, since {report.moved_at}")
    else:
        rows = [msgspec.structs.asdict(one) for one in report.tables]
        show.many(common, "tables", rows, ("name", "rows", "checksum"))
        say(f"\n{report.target} holds the same as the source ({report.seconds:.0f} s).")


def _advise(path: Path, settings: Settings) -> None:
    """Say what the processes on the new database need."""
    from gatepost.base.config import PEPPER

    pepper = "the same GATEPOST_PEPPER as now"
    if not settings.pepper:
        pepper = f"GATEPOST_PEPPER, the 64 hexadecimal digits of {path.parent / PEPPER}"
    say(f"Every process on it needs GATEPOST_DATABASE_URL, and {pepper}.")
    say(f"Do not serve {path} any more.")
