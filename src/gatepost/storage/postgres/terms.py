"""The inverted index as a table of (term, place), cut into parts by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Document

Numbers = list[int]
Bounds = tuple[int, int]

RARE = 10_000
WINDOW = 2000


def enter(tx: Tx, index: str, documents: Iterable[Document]) -> None:
    """Enter places in the order of the tree."""
    rows = sorted({(_number(term), place) for place, terms in documents for term in terms})
    if not rows:
        return
    text = f"COPY {index} (term, place) FROM STDIN (FORMAT BINARY)"
    with tx.driver.cursor().copy(text) as copy:
        copy.set_types(["int8", "int8"])
        for row in rows:
            copy.write_row(row)


def withdraw(tx: Tx, index: str, documents: Iterable[Document]) -> None:
    """Take terms out of places."""
    rows = [(_number(term), place) for place, terms in documents for term in terms]
    if rows:
        text = (
            f"DELETE FROM {index} USING unnest(%s::bigint[], %s::bigint[]) AS gone (term, place)"
            f" WHERE {index}.term = gone.term AND {index}.place = gone.place"
        )
        tx.driver.execute(text, tuple(map(list, zip(*rows, strict=True))))


def find(
    tx: Tx, index: str, choices: Sequence[Sequence[str]], limit: int, bounds: Bounds
) -> list[int]:
    """Walk the places of the rarest choice, newest first, and keep those with all the others."""
    counted = [(_commonness(tx, index, one), one) for one in map(_numbers, choices)]
    (count, lead), *others = sorted(counted)
    rest = [numbers for _, numbers in others]
    if not rest:
        return _led(tx, index, lead, limit, bounds)
    if count < RARE:
        return _probed(tx, index, lead, rest, limit, bounds)
    return _met(tx, index, lead, rest, limit, bounds)


def _led(tx: Tx, index: str, lead: Numbers, limit: int, bounds: Bounds) -> list[int]:
    """The newest places of one choice; each of its terms has them in order."""
    text = f"SELECT DISTINCT place FROM ({_each(index, lead)}) led ORDER BY place DESC LIMIT %s"
    return _places(tx, text, [*_asked(lead, bounds), limit])


def _probed(
    tx: Tx, index: str, lead: Numbers, others: list[Numbers], limit: int, bounds: Bounds
) -> list[int]:
    """Probe each place of a rare choice. Scalar sub-queries keep this order, where a join might
    read all the places of a common term first.
    """
    probe = f"(SELECT true FROM {index} o WHERE o.term = ANY(%s) AND o.place = led.place LIMIT 1)"
    text = (
        f"SELECT DISTINCT place FROM ({_each(index, lead)}) led"
        f" WHERE {' AND '.join([probe] * len(others))} ORDER BY place DESC LIMIT %s"
    )
    return _places(tx, text, [*_asked(lead, bounds), *others, limit])


def _met(
    tx: Tx, index: str, lead: Numbers, others: list[Numbers], limit: int, bounds: Bounds
) -> list[int]:
    """Intersect common choices, window by window: those that rarely meet are read once."""
    first, last = bounds
    size, found = WINDOW, list[int]()
    one = f"SELECT place FROM {index} WHERE term = ANY(%s) AND place BETWEEN %s AND %s"
    every = " INTERSECT ".join([one] * (1 + len(others)))
    while len(found) < limit and last >= first:
        start = _window(tx, index, lead, size, (first, last))
        asked = [value for numbers in (lead, *others) for value in (numbers, start, last)]
        text = f"{every} ORDER BY place DESC LIMIT %s"
        found += _places(tx, text, [*asked, limit - len(found)])
        last, size = start - 1, size * 4
    return found


def _window(tx: Tx, index: str, lead: Numbers, size: int, bounds: Bounds) -> int:
    """Where a window of so many places of a choice begins."""
    text = f"SELECT place FROM ({_each(index, lead)}) led ORDER BY place DESC OFFSET %s LIMIT 1"
    return next(iter(_places(tx, text, [*_asked(lead, bounds), size])), bounds[0])


def _places(tx: Tx, text: str, asked: Sequence[object]) -> list[int]:
    return [place for (place,) in tx.driver.execute(text, asked)]


def _each(index: str, numbers: Numbers) -> str:
    one = f"SELECT place FROM {index} WHERE term = %s AND place BETWEEN %s AND %s"
    return " UNION ALL ".join(f"({one} ORDER BY place DESC)" for _ in numbers)


def _asked(numbers: Numbers, bounds: Bounds) -> list[int]:
    return [value for number in numbers for value in (number, *bounds)]


def _commonness(tx: Tx, index: str, numbers: Numbers) -> int:
    """How many places a choice has, as far as it matters."""
    text = f"SELECT count(*) FROM (SELECT FROM {index} WHERE term = ANY(%s) LIMIT {RARE}) counted"
    (found,) = tx.driver.execute(text, (numbers,)).fetchone()
    return int(found)


def _numbers(terms: Sequence[str]) -> Numbers:
    return [_number(term) for term in terms]


def _number(term: str) -> int:
    """Sixteen hexadecimal digits as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(term), "big", signed=True)
