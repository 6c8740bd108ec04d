"""An inverted index kept by the engine itself: which places have a term.

On SQLite it is an FTS5 table without content: small sorted runs that the engine merges in the
background of later writes, so that a new entry touches no old page. A tree of (term, place) rows
needs ten times the space and rewrites a page for every rare term (docs/decisions/0002). That
tree is what PostgreSQL has, cut into parts by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatepost.storage.db import Tx
from gatepost.storage.shapes import PLACE_MAX, Document

__all__ = ["PLACE_MAX", "Document", "Postings"]


class Postings:
    """One index. A place is entered once, with all its terms."""

    def __init__(self, name: str) -> None:
        """Name the table."""
        self.name = name

    def add(self, tx: Tx, documents: Iterable[Document]) -> None:
        """Enter places; in ascending order it is cheapest."""
        tx.engine.enter(tx, self.name, documents)

    def remove(self, tx: Tx, documents: Iterable[Document]) -> None:
        """Take places out. They must have been entered with exactly these terms."""
        tx.engine.withdraw(tx, self.name, documents)

    def remove_term(self, tx: Tx, places: Sequence[int], term: str) -> None:
        """Take one term out of places that stay."""
        tx.engine.withdraw_term(tx, self.name, places, term)

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
        bounds = (min(first, PLACE_MAX), min(last, PLACE_MAX))
        return tx.engine.places(tx, self.name, choices, limit, bounds)
