"""Hot statements: compiled once, run by the driver itself. Rows are plain tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.sql import ClauseElement

from gatepost.storage.db import Tx


class Prepared:
    """A Core statement with a bindparam for each value; it can hold no list of values."""

    def __init__(self, statement: ClauseElement) -> None:
        """Compile nothing yet: which engine runs it is not known."""
        self._statement = statement
        self._texts: dict[str, _Text] = {}

    def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it, and fetch what it gives. Bytes come as bytes, booleans as the driver has them."""
        text = self._text(tx)
        found: list[tuple[Any, ...]] = tx.driver.execute(text.sql, text.bind(values)).fetchall()
        return found

    def many(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each row."""
        if rows:
            text = self._text(tx)
            tx.driver.cursor().executemany(text.sql, [text.bind(one) for one in rows])

    def _text(self, tx: Tx) -> _Text:
        known = self._texts.get(tx.engine.name)
        if known is None:
            known = _Text(self._statement.compile(dialect=tx.sql.dialect))
            self._texts[tx.engine.name] = known
        return known


class _Text:
    """What a driver runs, and how it takes its values."""

    def __init__(self, compiled: Compiled) -> None:
        self.sql = str(compiled)
        self._names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._fixed = {k: v for k, v in compiled.params.items() if v is not None}

    def bind(self, values: Mapping[str, Any]) -> Any:
        given = {**self._fixed, **values}
        return given if self._names is None else [given[name] for name in self._names]
