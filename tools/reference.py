"""Write docs/reference from the code; `--check` only says which pages are stale (exit code 1)."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from msgspec import Meta

from gatepost.base.config import FIELDS, PREFIX, SECRET_FIELDS
from gatepost.base.errors import Code
from gatepost.cli import app

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs`; change the code, not this page. -->\n\n"
MEANINGS = {
    Code.INVALID: "The input does not fit; `details` names each field at fault.",
    Code.UNAUTHENTICATED: "No key, an unknown key, or one that is disabled, expired or revoked.",
    Code.FORBIDDEN: "The key is valid but lacks the scope, or its address is not allowed.",
    Code.ACCOUNT_INACTIVE: "The key's account is switched off.",
    Code.NOT_FOUND: "Nothing with this id, or nothing that this key may see.",
    Code.METHOD_NOT_ALLOWED: "The path exists, but not with this method.",
    Code.CONFLICT: "Something with this name or in this state exists already.",
    Code.IDEMPOTENCY_CONFLICT: "The `Idempotency-Key` was used before with another request.",
    Code.TOO_LARGE: "The body, or what it decompresses to, is over the limit.",
    Code.UNSUPPORTED_ENCODING: "The body's `Content-Encoding` is not gzip or zstd.",
    Code.THROTTLED: "Too many requests; `Retry-After` says when the next one may come.",
    Code.QUOTA_EXCEEDED: "The plan's quota for this period is spent.",
    Code.UNAVAILABLE: "Not able to answer just now; try again after `Retry-After`.",
    Code.INTERNAL: "Our fault; the request id finds the cause in the log.",
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
        "No setting is required. `gatepost.toml` overrules defaults, the environment overrules the"
        " file, and flags overrule both. `GATEPOST_…_FILE` reads a value from a file.\n\n"
    )
    return "# Settings\n\n" + intro + table(("setting", "variable", "default", "meaning"), rows)


def codes() -> str:
    """One row per error code."""
    rows = [(f"`{code}`", MEANINGS[code]) for code in Code]
    return "# Error codes\n\nEach refusal carries one, and it stays the same.\n\n" + table(
        ("code", "meaning"), rows
    )


def commands() -> str:
    """Every command with its arguments, as the program itself describes them."""
    return str(app.generate_docs(flatten_commands=True)).rstrip() + "\n"


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
