"""Forms whose rows are added and removed by their own buttons: names are paths, as
`escalate.0.to.1.kind`, whose numbers count the rows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gatepost.dashboard.forms import Fields, Form

Pairs = list[tuple[str, str]]


def tidy(fields: Fields) -> Form:
    """The same with rows that count from 0 without gaps."""
    numbers = _numbers(name for name, _ in fields.pairs)
    ranks = {
        prefix: {number: rank for rank, number in enumerate(sorted(mine, key=int))}
        for prefix, mine in numbers.items()
    }
    return Form([(_renamed(name, ranks), value) for name, value in fields.pairs])


def rows(fields: Fields, path: str) -> list[str]:
    """The paths of the rows of a list: `to` → `to.0`, `to.1`."""
    found = _numbers(name for name, _ in fields.pairs).get(path, set())
    return [f"{path}.{number}" for number in sorted(found, key=int)]


def added(form: Form, path: str, values: Mapping[str, str]) -> Form:
    """The same with one more row, which has these values."""
    row = f"{path}.{len(rows(form, path))}"
    return Form([*form.pairs, *((f"{row}.{name}", value) for name, value in values.items())])


def removed(form: Form, row: str) -> Form:
    """The same without a row."""
    return tidy(Form([pair for pair in form.pairs if not pair[0].startswith(f"{row}.")]))


def _numbers(names: Iterable[str]) -> dict[str, set[str]]:
    """By the path of each list, the numbers of its rows."""
    found: dict[str, set[str]] = {}
    for name in names:
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part.isdecimal() and part.isascii() and at:
                found.setdefault(".".join(parts[:at]), set()).add(part)
    return found


def _renamed(name: str, ranks: Mapping[str, Mapping[str, int]]) -> str:
    parts = name.split(".")
    made = [
        str(ranks.get(".".join(parts[:at]), {}).get(part, part)) for at, part in enumerate(parts)
    ]
    return ".".join(made)
