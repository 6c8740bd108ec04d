"""Write docs/reference from the code; `--check` only says which pages are stale (exit code 1)."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from msgspec import Meta

from gatepost.base.config import FIELDS, PREFIX, SECRET_FIELDS
from gatepost.base.errors import Code
from gatepost.base.meanings import MEANINGS
from gatepost.cli import app
from gatepost.dialects.native.envelope import STATUS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs`; change the code, not this page. -->\n\n"
# What helps to know of a code beyond its meaning and remedy.
NOTES = {
    Code.INVALID: """Each entry of `details` has a `path` (a list of names, and numbers for \
indexes; empty for the whole body) and a `message`.""",
    Code.UNAUTHENTICATED: """Unknown, disabled, expired, rotated and deleted keys are answered \
alike; `gatepost key list` tells them apart.""",
    Code.NOT_FOUND: "Another account's id is answered in the same way.",
    Code.IDEMPOTENCY_CONFLICT: """It is also the answer to repeating a request whose reply held \
a secret: it was carried out, and its secret is shown once. Rotate the key to get a new one.""",
    Code.TOO_LARGE: """The limits are `body_bytes_max`, `batch_bytes_max` and `event_bytes_max` \
in [Settings](settings.md).""",
    Code.THROTTLED: """An address that tries many unknown keys gets it too; see \
`unknown_keys_per_minute` in [Settings](settings.md).""",
    Code.QUOTA_EXCEEDED: """`data` has `quota`, `limit`, `used`, `requested`, and `resets_at` in \
Unix milliseconds.""",
    Code.UNAVAILABLE: "Nothing was stored.",
    Code.INTERNAL: "Nothing was stored. The cause is in the server's log, under the `requestId`.",
}


def main(options: list[str]) -> int:
    """Write the pages, or compare them with what would be written."""
    pages = {"settings.md": settings(), "codes.md": codes(), "cli.md": commands()}
    stale = [name for name, text in pages.items() if read(FOLDER / name) != NOTE + text]
    if "--check" in options:
        for name in stale:
            print(f"docs/reference/{name} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(NOTE + pages[name])
        print(f"Wrote docs/reference/{name}")
    return 0


def read(page: Path) -> str:
    """The page's text; empty if it does not exist."""
    return page.read_text() if page.exists() else ""


def settings() -> str:
    """One row per setting, with its variable, default and meaning."""
    rows = [
        (
            f"`{name}`",
            f"`{PREFIX}{name.upper()}`",
            shown(field.default),
            about(field.type) + (" Secret: masked when shown." if name in SECRET_FIELDS else ""),
        )
        for name, field in FIELDS.items()
    ]
    intro = (
        "No setting is required. `gatepost.toml` (in the working folder, or in the data folder,"
        " which wins) overrules defaults, the environment overrules the file, and flags overrule"
        " both. `GATEPOST_…_FILE` reads a value from a file. An unknown name refuses to start."
        " `gatepost config show` prints every value and where it came from.\n\n"
    )
    return "# Settings\n\n" + intro + table(("setting", "variable", "default", "meaning"), rows)


def codes() -> str:
    """One row and one section per error code."""
    rows = [(f"[`{code}`](#{code})", str(STATUS[code][0]), STATUS[code][1]) for code in Code]
    sections = [section(code) for code in Code]
    intro = (
        'Every refusal is `{"success": false, "code": …, "error": …, "requestId": …}`, often'
        " with a `message`. Programs should go by `code`, which stays the same; `error` and"
        " `message` are for people.\n\n"
    )
    overview = table(("code", "status", "`error`"), rows)
    return "# Error codes\n\n" + intro + overview + "".join(sections)


def section(code: Code) -> str:
    """What one code means, and what helps."""
    status, title = STATUS[code]
    meaning = MEANINGS[code]
    note = f" {NOTES[code]}" if code in NOTES else ""
    return (
        f"\n## {code}\n\nStatus {status}, `error`: `{title}`. {meaning.why}{note}\n\n"
        f"**What to do:** {meaning.remedy}\n"
    )


def commands() -> str:
    """Every command with its arguments, as the program itself describes them."""
    docs = str(app.generate_docs(flatten_commands=True)).rstrip() + "\n"
    # How this script itself was started, and defaults that say nothing.
    return docs.replace(" -m tools.reference", "").replace(" *[default: ()]*", "")


def about(kind: Any) -> str:
    """The description in an annotated type; a setting without one is an error."""
    metas = [meta for meta in get_args(kind)[1:] if isinstance(meta, Meta)]
    if get_origin(kind) is None or not metas or not metas[0].description:
        raise ValueError(f"a setting of type {kind} has no description")
    return metas[0].description


def shown(default: object) -> str:
    """A default as it would be written; nothing for an empty one."""
    return f"`{default}`" if default != "" else ""


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
