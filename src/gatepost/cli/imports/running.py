"""Rows kept batch by batch: what was created, what exists already, what was refused and why."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.cli.common import sentence
from gatepost.cli.imports.cells import Cells, Column, Fitter
from gatepost.cli.imports.reading import Row
from gatepost.cli.local import Local
from gatepost.storage.db import Tx

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Result(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    EXISTS = "exists"
    REFUSED = "refused"


class Verdict(NamedTuple):
    """What became of one, the id it has, and what there is to say about it."""

    result: Result
    id: str | None = None
    note: str = ""


class Line(NamedTuple):
    """A row of the report."""

    row: int
    what: str
    verdict: Verdict


class Kind(Protocol[T]):
    """What is imported: its columns, and how rows become it. `named` is the column a row is called
    by; `whole`: a dry run keeps all rows in one transaction, as they count each other.
    """

    columns: Sequence[Column]
    named: str
    batch: int
    whole: bool

    def read(self, cells: Cells) -> T:
        """What a row means; raises ValueError, and AppError INVALID."""
        ...

    def name(self, item: T) -> str:
        """What it is called in the report."""
        ...

    def prepare(self, items: Sequence[T], *, dry: bool) -> None:
        """Do what takes too long for a transaction."""
        ...

    def keep(self, tx: Tx, items: Sequence[T]) -> Sequence[Verdict]:
        """Keep them; a verdict each."""
        ...


class Run(Generic[T]):
    """One import."""

    def __init__(self, kind: Kind[T], local: Local, *, dry: bool) -> None:
        """Nothing is done yet."""
        self._kind = kind
        self._local = local
        self._dry = dry
        self._seen: set[str] = set()
        self.fitter = Fitter(kind.columns)

    def lines(self, rows: Iterable[Row]) -> Iterator[list[Line]]:
        """Keep all rows; gives the report of each batch once it is committed."""
        waiting = iter(rows)
        size = None if self._dry and self._kind.whole else self._kind.batch
        while batch := list(islice(waiting, size)):
            yield self._kept(batch)

    def _kept(self, batch: Sequence[Row]) -> list[Line]:
        read = [(row, self._read(row)) for row in batch]
        items = [one for _, one in read if not isinstance(one, Verdict)]
        self._kind.prepare(items, dry=self._dry)
        with self._transaction() as tx:
            verdicts = iter(self._kind.keep(tx, items))
        return [self._line(row, one, verdicts) for row, one in read]

    def _read(self, row: Row) -> T | Verdict:
        if row.fault:
            return refused(row.fault)
        try:
            return self._kind.read(self.fitter.fit(row.cells))
        except AppError as refusal:
            return refused(sentence(refusal))
        except ValueError as wrong:
            return refused(str(wrong))

    def _line(self, row: Row, read: T | Verdict, verdicts: Iterator[Verdict]) -> Line:
        if isinstance(read, Verdict):
            return Line(row.number, self.fitter.label(row.cells, self._kind.named), read)
        what, verdict = self._kind.name(read), next(verdicts)
        return Line(row.number, what, self._dried(what, verdict) if self._dry else verdict)

    def _dried(self, what: str, verdict: Verdict) -> Verdict:
        """What it would be: it has no id, and nothing of earlier batches is there any more."""
        if verdict.result in {Result.EXISTS, Result.REFUSED}:
            return verdict
        again = what in self._seen and not self._kind.whole
        self._seen.add(what)
        made = verdict.result is Result.CREATED
        return (
            Verdict(Result.EXISTS) if again else verdict._replace(id=None if made else verdict.id)
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Tx]:
        with contextlib.suppress(_Undone), self._local.write() as tx:
            yield tx
            if self._dry:
                raise _Undone


class _Undone(Exception):  # noqa: N818 # it is no error: it ends a dry run's transaction
    """Nothing is to stay."""


def each(tx: Tx, items: Iterable[T], keep: Callable[[Tx, T], Verdict]) -> list[Verdict]:
    """Keep one after the other: of one that is refused nothing stays, of the others all."""
    return [_apart(tx, item, keep) for item in items]


def _apart(tx: Tx, item: T, keep: Callable[[Tx, T], Verdict]) -> Verdict:
    tx.driver.execute("SAVEPOINT one")
    try:
        verdict = keep(tx, item)
    except AppError as refusal:
        tx.driver.execute("ROLLBACK TO one")
        verdict = refused(sentence(refusal))
    tx.driver.execute("RELEASE one")
    return verdict


def created(noun: str, raw: bytes, note: str = "") -> Verdict:
    """One that is new."""
    return Verdict(Result.CREATED, ids.show(noun, raw), note)


def exists(noun: str, raw: bytes, note: str = "") -> Verdict:
    """One that was there."""
    return Verdict(Result.EXISTS, ids.show(noun, raw), note)


def refused(why: str) -> Verdict:
    """One that is not kept."""
    return Verdict(Result.REFUSED, None, why)


def report(line: Line) -> dict[str, Any]:
    """A row of the report as JSON."""
    verdict = line.verdict
    return {
        "row": line.row,
        "what": line.what,
        "result": verdict.result,
        "id": verdict.id,
        "note": verdict.note,
    }
