"""`gatepost import`: what somebody has at another service, from files of CSV or JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, FAILED, OK, USAGE, Common, Failure, put, put_json, say
from gatepost.domains.keys.model import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepost.base.ids import AccountId
    from gatepost.cli.imports.reading import Source
    from gatepost.cli.imports.running import Kind, Line, Run
    from gatepost.cli.local import Local

app = App(
    name="import",
    help="Bring along what you have at another service, from a file of CSV or JSON: a row each, "
    "kept or refused by itself. To repeat it changes nothing.",
)

File = Annotated[
    Path,
    Parameter(
        help='CSV with a header, or JSON: an array, pages as `{"data": […]}`, or one object a '
        "line. `-` reads it from stdin.",
        allow_leading_hyphen=True,
    ),
]
STDIN = Path("-")


@Parameter(name="*")
@dataclass(frozen=True)
class Into:
    """Where rows go, and whether they do."""

    account: Annotated[
        str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
    ] = None
    dry_run: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Check all as it would be done; keep none."
        ),
    ] = False


INTO = Into()


@app.command
def keys(
    file: File,
    /,
    *,
    key_format: Annotated[
        Format | None,
        Parameter(name="--format", help="How their secrets look; else told from each of them."),
    ] = None,
    scope: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="What a key may do that names no scopes; repeatable. Else what it could there.",
        ),
    ] = (),
    project: Annotated[
        str | None, Parameter(help="Bind keys to a project, by name or id, unless they name one.")
    ] = None,
    into: Into = INTO,
    common: Common = COMMON,
) -> int:
    """Take keys over with the secrets that clients have. Remove the file afterwards.

    Columns: `key` (or `secret`, `api_key`, `token`) and `name`; if you like `scopes`, `project`,
    `sending_domain`, `limit`, `allow_from`, `expires_at` and `enabled`.
    """
    from gatepost.cli import find
    from gatepost.cli.imports.keys import Keys

    local = _local(common)
    with local.read() as tx:
        bound = find.project(tx, into.account, project) if project else None
        owner = bound.account_id if bound else find.account(tx, into.account).id
    kind = Keys(local, owner, bound.id if bound else None, key_format, scope)
    return _import("keys", kind, local, file, into, common)


@app.command
def templates(file: File, /, *, into: Into = INTO, common: Common = COMMON) -> int:
    """Bring texts of messages along. A further text of an alias becomes a draft.

    Columns: `alias`, `subject`, and `html`, `text` or both; if you like `name`, `from`, `reply_to`
    and `published` (or `published_at`).
    """
    from gatepost.cli.imports.templates import Templates

    local = _local(common)
    return _import("templates", Templates(local, _owner(local, into)), local, file, into, common)


@app.command
def suppressions(file: File, /, *, into: Into = INTO, common: Common = COMMON) -> int:
    """Bring addresses along that are to get nothing.

    Columns: `email` (or `address`); if you like `type` (recipient, bounce, complaint or
    unsubscribe), `reason`, `timestamp` and `keep_until`: what is over is refused, what has none is
    kept for good.
    """
    from gatepost.cli.imports.suppressions import Suppressions

    local = _local(common)
    kind = Suppressions(local, _owner(local, into))
    return _import("suppressions", kind, local, file, into, common)


@app.command
def contacts(
    file: File,
    /,
    *,
    audience: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="Put all of them on an audience, by name; repeatable. It is made if need be.",
        ),
    ] = (),
    field: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="A further column to keep, as a custom field; repeatable.",
        ),
    ] = (),
    into: Into = INTO,
    common: Common = COMMON,
) -> int:
    """Bring people along, and the audiences they are on. Who is here already keeps what is known,
    and gets what is not; who has unsubscribed there is unsubscribed here.

    Columns: `email` (or `address`); if you like `first_name`, `last_name`, `custom_fields` (an
    object of JSON), `audiences` (names, with commas between), `unsubscribed` from everything, and
    `subscribed` to these audiences.
    """
    from gatepost.cli.imports.contacts import Contacts

    local = _local(common)
    kind = Contacts(local, _owner(local, into), audience, field)
    return _import("contacts", kind, local, file, into, common)


@app.command
def domains(file: File, /, *, into: Into = INTO, common: Common = COMMON) -> int:
    """Bring sending domains along. Each gets a key of its own, so there are records to publish.

    Columns: `name` (or `domain`); if you like `track_opens` and `track_clicks`.
    """
    from gatepost.cli.imports.domains import Domains

    local = _local(common)
    return _import("domains", Domains(local, _owner(local, into)), local, file, into, common)


def _local(common: Common) -> Local:
    from gatepost.cli.local import open_folder

    return open_folder(common)


def _owner(local: Local, into: Into) -> AccountId:
    from gatepost.cli import find

    with local.read() as tx:
        return find.account(tx, into.account).id


def _import(
    noun: str, kind: Kind[Any], local: Local, file: Path, into: Into, common: Common
) -> int:
    from gatepost.cli.imports.running import Run

    run = Run(kind, local, dry=into.dry_run)
    source = _source(file, run)
    counts = _told(noun, run.lines(source.rows), run, into, common)
    return FAILED if counts["refused"] else OK


def _source(file: Path, run: Run[Any]) -> Source:
    from gatepost.cli.imports import reading

    name = "stdin" if file == STDIN else str(file)
    try:
        source = reading.read(sys.stdin.buffer.read() if file == STDIN else file.read_bytes())
        if source.header is not None:
            run.fitter.check(source.header)
    except ValueError as wrong:
        raise Failure(f"{name}: {wrong}", USAGE) from None
    return source


def _told(
    noun: str, batches: Iterator[list[Line]], run: Run[Any], into: Into, common: Common
) -> dict[str, int]:
    """Report each row on stdout, all together where programs read it; counts them."""
    from gatepost.cli.imports.running import Result, report

    counts = dict.fromkeys((one.value for one in Result), 0)
    rows = []
    for batch in batches:
        for line in batch:
            counts[line.verdict.result] += 1
        if common.json:
            rows += [report(line) for line in batch]
        else:
            put("\n".join(map(_shown, batch)))
    unused = list(run.fitter.unused)
    if common.json:
        put_json({noun: rows, **counts, "unused": unused, "dryRun": into.dry_run})
        return counts
    if unused:
        say(f"not used: {', '.join(unused)}")
    total = ", ".join(f"{number} {result}" for result, number in counts.items())
    say(f"{total}{'; nothing is kept of a dry run' if into.dry_run else ''}")
    return counts


def _shown(line: Line) -> str:
    from gatepost.cli.show import printable

    parts = (f"{line.row:>6}", f"{line.verdict.result:<7}", line.what, line.verdict.note)
    text = "  ".join(parts).rstrip()
    return text if text.isprintable() else printable(text)
