"""An inverted index kept by the engine itself: which places have a term.

On SQLite it is an FTS5 table without content: small sorted runs that the engine merges in the
background of later writes, so that a new entry touches no old page. A tree of (term, place) rows
needs ten times the space and rewrites a page for every rare term (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatepost.storage import sql
from gatepost.storage.db import Tx

PLACE_MAX = 2**63 - 1

Document = tuple[int, Iterable[str]]
"""A place, from 0 to PLACE_MAX, and its terms: words of lower-case hexadecimal digits."""


class Postings:
    """One index. A place is entered once, with all its terms."""

    def __init__(self, name: str) -> None:
        """Name the table."""
        self._name = name
        self._find = (
            f"SELECT rowid FROM {name} WHERE {name} MATCH ? AND rowid BETWEEN ? AND ?"  # noqa: S608 # the table's name is our own
            " ORDER BY rowid DESC LIMIT ?"
        )

    def ddl(self) -> str:
        """The statement that makes the table."""
        options = "content='', detail=none, columnsize=0, tokenize='ascii'"
        return f"CREATE VIRTUAL TABLE {self._name} USING fts5(terms, {options})"

    def add(self, tx: Tx, documents: Iterable[Document]) -> None:
        """Enter places; in ascending order it is cheapest."""
        rows = [(place, " ".join(terms)) for place, terms in sorted(documents)]
        sql.insert_rows(tx, self._name, ("rowid", "terms"), rows)

    def remove(self, tx: Tx, documents: Iterable[Document]) -> None:
        """Take places out. They must have been entered with exactly these terms."""
        rows = [("delete", place, " ".join(terms)) for place, terms in sorted(documents)]
        sql.insert_rows(tx, self._name, (self._name, "rowid", "terms"), rows)

    def remove_term(self, tx: Tx, places: Sequence[int], term: str) -> None:
        """Take one term out of places that stay."""
        self.remove(tx, [(place, (term,)) for place in places])
        self.add(tx, [(place, ()) for place in places])  # FTS5 counts its rows

    def find(
        self,
        tx: Tx,
        choices: Sequence[Sequence[str]],
        limit: int,
        first: int = 0,
        last: int = PLACE_MAX,
    ) -> list[int]:
        """The highest places from `first` to `last` with a term of each choice, descending."""
        if not all(choices):
            return []
        each = ("(" + " OR ".join(f'"{term}"' for term in choice) + ")" for choice in choices)
        asked = (" AND ".join(each), min(first, PLACE_MAX), min(last, PLACE_MAX), limit)
        return [place for (place,) in tx.driver.execute(self._find, asked)]
