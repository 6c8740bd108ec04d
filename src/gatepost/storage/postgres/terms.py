"""The inverted index as a table of (term, place), cut into parts by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Document

RARE = 1000


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
    tx: Tx, index: str, choices: Sequence[Sequence[str]], limit: int, bounds: tuple[int, int]
) -> list[int]:
    """Walk the places of the rarest choice, newest first, and probe each for the others.

    The probes are scalar sub-queries, which the planner keeps in this order: a join might read
    all the places of a common term first.
    """
    wanted = sorted(
        ([_number(term) for term in choice] for choice in choices),
        key=lambda numbers: _commonness(tx, index, numbers),
    )
    lead, *others = wanted
    probe = f"(SELECT true FROM {index} o WHERE o.term = ANY(%s) AND o.place = led.place LIMIT 1)"
    text = (
        f"SELECT DISTINCT place FROM ({_led(index, lead)}) led"
        f" {'WHERE ' if others else ''}{' AND '.join([probe] * len(others))}"
        " ORDER BY place DESC LIMIT %s"
    )
    asked = [value for number in lead for value in (number, *bounds)]
    rows = tx.driver.execute(text, [*asked, *others, limit])
    return [place for (place,) in rows]


def _led(index: str, lead: Sequence[int]) -> str:
    """The places of each term come in their order, so that they need no sorting."""
    one = f"SELECT place FROM {index} WHERE term = %s AND place BETWEEN %s AND %s"
    return " UNION ALL ".join(f"({one} ORDER BY place DESC)" for _ in lead)


def _commonness(tx: Tx, index: str, numbers: Sequence[int]) -> int:
    """How many places a choice has, as far as it matters."""
    text = f"SELECT count(*) FROM (SELECT FROM {index} WHERE term = ANY(%s) LIMIT {RARE}) counted"
    (found,) = tx.driver.execute(text, (list(numbers),)).fetchone()
    return int(found)


def _number(term: str) -> int:
    """Sixteen hexadecimal digits as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(term), "big", signed=True)
