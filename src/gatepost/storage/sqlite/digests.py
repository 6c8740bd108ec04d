"""SQLite's index of digests: a log-structured merge tree whose runs are never merged.

The newest rows are known by a table in memory, filled from the rows themselves. When it is large
it is flushed to a sorted run on disk, a part with each transaction that inserts: a page holds as
many entries as fit, where an index would write a page for each. A Bloom filter knows the runs'
digests, so that hardly any new one is looked for on disk. What the index says is a hint: the row
decides. So an entry of a row that is gone does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from rbloom import Bloom

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Digested, Mark, Row

PARTS = 128
RUN_ENTRIES = 16_384
PART_ENTRIES = RUN_ENTRIES // PARTS
"""About so many: digests are spread evenly. To insert them takes a tenth of a millisecond."""
FILTER_ENTRIES_MIN = 65_536
FALSE_POSITIVES = 0.01
SIFTED_AT_ONCE = 4096
DROPPED_AT_ONCE = 4
SEQ_MAX = 2**63 - 1
UNREAD = -1
FIRST_PLACE = (0, b"")
ENTRY_COLUMNS = ("run", "entry", "seq")

Place = tuple[int, bytes]
"""Where an entry stands on disk: its run, and the entry."""


class DigestIndex:
    """The index of one table, for the one connection that writes: used within its transactions, and
    told on the event loop, while none is open, what has become of them.
    """

    def __init__(self, shape: Digested) -> None:
        """Nothing is read yet."""
        self.entry_table = f"{shape.table.name}_entries"
        self._text = _Texts(shape)
        self._fresh = _no_parts()
        self._flushing = _no_parts()
        self._run = 0
        self._next = PARTS
        self._up_to = 0
        self._seen = UNREAD
        self._count = 0
        self._tx: Tx | None = None
        self._own: dict[bytes, int] = {}
        self._flushed_in: Tx | None = None
        self._has_runs = False
        self._filter: Bloom | None = None
        self._growing: Bloom | None = None
        self._room = 0

    def follow(self, tx: Tx) -> None:
        """Learn what was inserted since the last transaction, and by this one so far."""
        seen = self._open(tx) if self._seen == UNREAD else self._seen
        rows = tx.driver.execute(self._text.newer, (seen,)).fetchall()
        if tx is self._tx:  # what it has inserted so far may yet be undone
            self._own = {digest + scope: seq for seq, digest, scope in rows}
            return
        self._tx, self._own = tx, {}
        self._seen = seen
        if rows:
            self._learn([(digest + scope, seq) for seq, digest, scope in rows])

    def attend(self, tx: Tx) -> None:
        """Follow, unless it did so in this transaction: it has to before it inserts anything."""
        if tx is not self._tx:
            self.follow(tx)

    def _learn(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """Know rows that are there to stay."""
        fresh = self._fresh
        for entry, seq in entries:
            fresh[entry[0] >> 1][entry] = seq
        self._seen = entries[-1][1]
        self._count += len(entries)

    def note(self, tx: Tx, entries: Sequence[bytes]) -> None:
        """Know of rows that have just been inserted, all at once and in this order, as soon as they
        are committed: then they need not be read.
        """
        (last,) = tx.driver.execute("SELECT last_insert_rowid()").fetchone()
        first = last - len(entries) + 1
        tx.after_commit(lambda: self._keep(entries, first))

    def _keep(self, entries: Sequence[bytes], first: int) -> None:
        if self._seen == first - 1:
            self._learn(list(zip(entries, count(first))))

    def places(self, tx: Tx, marks: Iterable[Mark]) -> list[int]:
        """The numbers of rows that may have these marks; there is no other that has."""
        found, doubtful = list[int](), list[bytes]()
        own, fresh, flushing, known = self._own, self._fresh, self._flushing, self._filter
        for scope, digest in marks:
            entry, part = digest + scope, digest[0] >> 1
            seq = own.get(entry) or fresh[part].get(entry) or flushing[part].get(entry)
            if seq is not None:
                found.append(seq)
            elif self._has_runs and (known is None or entry in known):
                doubtful.append(entry)
        found += chain.from_iterable(self._on_disk(tx, entry) for entry in doubtful)
        return found

    def _on_disk(self, tx: Tx, entry: bytes) -> Iterator[int]:
        return (seq for (seq,) in tx.driver.execute(self._text.find, (entry,)))

    def _open(self, tx: Tx) -> int:
        """Read how far the runs reach."""
        _, seen, entries = tx.driver.execute(self._text.reach).fetchone()
        self._has_runs = entries > 0
        return int(seen)

    def flush(self, tx: Tx, inserted: int) -> list[Row]:
        """Return what is due of a run, by ENTRY_COLUMNS: more than was inserted. With its last part
        the run counts.
        """
        if self._next == PARTS and self._count >= RUN_ENTRIES:
            self._begin()
        if self._next == PARTS or tx is self._flushed_in:
            return []
        self._flushed_in = tx
        if self._next == 0:
            self._run = tx.driver.execute(self._text.reach).fetchone()[0] + 1
            tx.driver.execute(self._text.drop, (self._run,))  # one that was cut off by a crash
        end = min(self._next + 1 + 2 * inserted // PART_ENTRIES, PARTS)
        parts = self._flushing[self._next : end]
        if end == PARTS:
            tx.driver.execute(self._text.count, (self._run, self._up_to, self._size()))
        tx.after_commit(lambda: self._flushed(end))
        return [
            (self._run, bytearray(entry), seq)
            for part in parts
            for entry, seq in sorted(part.items())
        ]

    def _begin(self) -> None:
        self._flushing, self._fresh = self._fresh, _no_parts()
        self._next, self._up_to, self._count = 0, self._seen, 0

    def _flushed(self, end: int) -> None:
        self._next = end
        if end < PARTS:
            return
        for known in (self._filter, self._growing):
            if known is not None:
                known.update(*self._flushing)
        self._room -= self._size()
        self._has_runs = True
        self._flushing = _no_parts()

    def _size(self) -> int:
        return sum(map(len, self._flushing))

    def drop_ended(self, tx: Tx) -> None:
        """Drop the oldest runs, as far as all their rows are gone."""
        (oldest,) = tx.driver.execute(self._text.oldest).fetchone()
        before = SEQ_MAX if oldest is None else oldest
        ended = tx.driver.execute(self._text.ended, (before, DROPPED_AT_ONCE)).fetchall()
        tx.driver.executemany(self._text.drop, ended)
        tx.driver.executemany(self._text.discount, ended)

    @property
    def is_unfiltered(self) -> bool:
        """Whether the runs have no filter yet, or too small a one."""
        return self._has_runs and self._room <= 0

    def entries(self, tx: Tx) -> int:
        """How many there are in all runs."""
        return int(tx.driver.execute(self._text.reach).fetchone()[2])

    def some(self, tx: Tx, after: Place) -> list[Place]:
        """Some of what is on disk after a place; none at the end."""
        rows: list[Place] = tx.driver.execute(self._text.some, (*after, SIFTED_AT_ONCE)).fetchall()
        return rows

    def grow(self, entries: int) -> tuple[Bloom, int]:
        """Begin a filter with room for twice as many; returns it, and the room that is left then.
        What is flushed from now on is entered.
        """
        size = max(2 * entries, FILTER_ENTRIES_MIN)
        self._growing = Bloom(size, FALSE_POSITIVES)
        return self._growing, size - entries

    def adopt(self, known: Bloom, room: int) -> None:
        """Use a filter that all there was on disk has been entered into."""
        self._filter, self._growing, self._room = known, None, room


class DigestIndexes:
    """Those of one connection, by their tables."""

    def __init__(self) -> None:
        """Begin with none."""
        self._indexes: dict[str, DigestIndex] = {}

    def of(self, shape: Digested) -> DigestIndex:
        """Return that of a table."""
        name = shape.table.name
        found = self._indexes.get(name)
        return found or self._indexes.setdefault(name, DigestIndex(shape))

    def all(self) -> list[DigestIndex]:
        """Return those that have been used so far."""
        return list(self._indexes.values())


class _Texts:
    """The statements over one table and its index."""

    def __init__(self, shape: Digested) -> None:
        rows, entries, runs = (shape.table.name + end for end in ("", "_entries", "_runs"))
        self.newer = f"SELECT seq,{shape.digest},{shape.scope} FROM {rows} WHERE seq>? ORDER BY seq"
        self.oldest = f"SELECT min(seq) FROM {rows}"
        self.reach = (
            f"SELECT coalesce(max(run),0),coalesce(max(last_seq),0),coalesce(sum(entries),0)"
            f" FROM {runs}"
        )
        self.find = f"SELECT seq FROM {runs} CROSS JOIN {entries} USING (run) WHERE entry=?"
        self.some = (
            f"SELECT run,entry FROM {entries} WHERE (run,entry)>(?,?) ORDER BY run,entry LIMIT ?"
        )
        self.count = f"INSERT INTO {runs} (run,last_seq,entries) VALUES (?,?,?)"
        self.ended = f"SELECT run FROM {runs} WHERE last_seq<? ORDER BY run LIMIT ?"
        self.drop = f"DELETE FROM {entries} WHERE run=?"
        self.discount = f"DELETE FROM {runs} WHERE run=?"


def _no_parts() -> tuple[dict[bytes, int], ...]:
    return tuple({} for _ in range(PARTS))
