"""What was counted, read again: sums of what was moved on, and the counters that were not yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table

from gatepost.base.periods import Bucket, periods
from gatepost.domains.aggregators import grains, labels, rollups
from gatepost.domains.aggregators import report as reports
from gatepost.domains.aggregators.grains import KEPT_OF, Facet, Piece
from gatepost.domains.aggregators.labels import NOTHING, Kind, Place, digest, tags_of
from gatepost.domains.aggregators.model import Tags
from gatepost.domains.aggregators.report import Ask, GroupBy, Report, Row, Seen
from gatepost.domains.aggregators.tables import counts, past, seen, sums
from gatepost.storage.db import Tx

BY_TAGS = {GroupBy.TAG, GroupBy.PREFIX, GroupBy.PAIR}
SOME = 500
"""So many labels are looked up by their digests; for more, all of them are read."""


def report(tx: Tx, place: Place, ask: Ask) -> Report:
    """Add up what was counted; raises INVALID."""
    starts = periods(ask.since, ask.until, ask.bucket, ask.zone)
    cuts = grains.bounds(starts, ask.until)
    grains.check(cuts, rollups.kept_of(tx, place))
    made = reports.report(ask, _Reader(tx, place, ask).rows(cuts), starts)
    if ask.group_by is GroupBy.TAG and grains.facet_of(ask) is Facet.TAG:
        # Lines of tags hold an event as often as it has tags.
        whole = msgspec.structs.replace(ask, group_by=GroupBy.NONE, bucket=Bucket.NONE)
        rows = _Reader(tx, place, whole).rows([cuts[0], cuts[-1]])
        made = Report(made.lines, sum(row.events for row in rows))
    return made


class _Reader:
    """The rows of one report, added up as far as nobody asks to tell them apart."""

    def __init__(self, tx: Tx, place: Place, ask: Ask) -> None:
        self._tx = tx
        self._place = place
        self._ask = ask
        self._facet = grains.facet_of(ask)
        self._by_name = ask.group_by in {GroupBy.EVENT, GroupBy.PAIR}
        self._by_tags = ask.filter.about_tags or ask.group_by in BY_TAGS
        self._names = labels.of_kind(tx, place, Kind.NAME) if self._by_name else {}
        self._sets: dict[bytes, Tags] = {NOTHING: ()}
        tag_facet = self._by_tags and self._facet is Facet.TAG
        self._tags = labels.tags(tx, place) if tag_facet else {}

    def rows(self, cuts: list[int]) -> Iterator[Row]:
        """Of whole periods, by where they begin and the last one ends."""
        for piece in grains.pieces(cuts):
            if self._facet is None or piece.grain not in KEPT_OF[self._facet]:
                yield from self._past(piece)
            else:
                yield from self._sums(self._facet, piece)
        yield from self._pairs(counts, cuts[0], cuts[-1])

    def _past(self, piece: Piece) -> Iterator[Row]:
        whole = past.c.grain == piece.grain
        yield from self._pairs(past, piece.since, piece.until, whole, one=piece.one)

    def _pairs(
        self, table: Table, since: int, until: int, *where: ColumnElement[bool], one: bool = False
    ) -> Iterator[Row]:
        """Add up names with sets of tags, of one period or by their slots."""
        told = {"slot": not one, "name": self._by_name, "tags": self._by_tags}
        columns = [table.c[column] for column, apart in told.items() if apart]
        query = _sum_of(table, columns).where(*_here(table, self._place), *where)
        query = query.where(table.c.slot >= since, table.c.slot < until)
        if self._ask.filter.names:
            query = query.where(table.c.name.in_([*map(digest, self._ask.filter.names)]))
        found = self._tx.run(query).all()
        if self._by_tags:
            self._learn({row.tags for row in found})
        for row in found:
            name = self._names[row.name] if self._by_name else ""
            tags = self._sets[row.tags] if self._by_tags else ()
            yield Row(since if one else row.slot, row.events, name, tags)

    def _learn(self, digests: Collection[bytes]) -> None:
        """See that the texts of these sets of tags are known."""
        new = [one for one in digests if one not in self._sets]
        if new:
            some = new if len(new) <= SOME else None
            read = labels.of_kind(self._tx, self._place, Kind.TAG_SET, some)
            self._sets |= {one: tags_of(text) for one, text in read.items()}

    def _sums(self, facet: Facet, piece: Piece) -> Iterator[Row]:
        """Add up sums of one facet, of one period or by their slots."""
        grouped = self._ask.group_by is not GroupBy.NONE
        told = {"label": grouped, "slot": not piece.one}
        columns = [sums.c[column] for column, apart in told.items() if apart]
        query = _sum_of(sums, columns).where(*_here(sums, self._place))
        query = query.where(sums.c.facet == facet, sums.c.grain == piece.grain)
        query = query.where(sums.c.label.in_(self._chosen(facet, piece)))
        query = query.where(sums.c.slot >= piece.since, sums.c.slot < piece.until)
        only = self._ask.filter.tag_all or self._ask.filter.tag_any
        found: Any = self._tx.run(query).all()
        if not grouped and not piece.one:  # there may be thousands of these
            yield from (Row(slot, events, "", only) for slot, events in found)
            return
        for row in found:
            name = self._names[row.label] if self._by_name else ""
            tags = (self._tags[row.label],) if grouped and facet is Facet.TAG else only
            yield Row(piece.since if piece.one else row.slot, row.events, name, tags)

    def _chosen(self, facet: Facet, piece: Piece) -> Any:
        """The labels of a facet that a report is about."""
        chosen = self._ask.filter
        if facet is Facet.ALL:
            return [NOTHING]
        if chosen.names or chosen.about_tags:
            return [*map(digest, chosen.names or chosen.tag_all or chosen.tag_any)]
        there = (seen.c.first_slot < piece.until, seen.c.last_slot >= piece.since)
        here = (*_here(seen, self._place), seen.c.facet == facet)
        return sa.select(seen.c.label).where(*here, *there)


def last(tx: Tx, place: Place) -> int | None:
    """The last slot (ms) that has anything; None where nothing was counted."""
    live = sa.select(sa.func.max(counts.c.slot)).where(*_here(counts, place))
    moved = sa.select(seen.c.last_slot).where(*_here(seen, place), seen.c.facet == Facet.ALL)
    found = [tx.run(live).scalar(), tx.run(moved.where(seen.c.label == NOTHING)).scalar()]
    return max((slot for slot in found if slot is not None), default=None)


def names(tx: Tx, place: Place, texts: Mapping[bytes, str]) -> dict[bytes, Seen]:
    """What there is of some names, by their digests."""
    moved = _seen(place, Facet.NAME).where(seen.c.label.in_(texts))
    live = _live(place, counts.c.name).where(counts.c.name.in_(texts))
    found: dict[bytes, Seen] = {}
    for label, events, first, last in (*tx.run(moved), *tx.run(live)):
        known = found.get(label, Seen(texts[label], 0, first, last))
        found[label] = reports.more(known, events, first, last)
    return found


def tags(tx: Tx, place: Place) -> Iterator[tuple[Tags, int, int, int]]:
    """Tags, alone or in sets: events, and the first and last slot (ms)."""
    texts = labels.tags(tx, place)
    for row in tx.run(_seen(place, Facet.TAG)):
        yield (texts[row.label],), row.events, row.first_slot, row.last_slot
    live = tx.run(_live(place, counts.c.tags).where(counts.c.tags != NOTHING)).all()
    few = len(live) <= SOME
    sets = labels.of_kind(tx, place, Kind.TAG_SET, [row.tags for row in live] if few else None)
    for row in live:
        yield tags_of(sets[row.tags]), row.events, row.first_slot, row.last_slot


def _seen(place: Place, facet: Facet) -> sa.Select[Any]:
    columns: list[Any] = [seen.c.label, seen.c.events, seen.c.first_slot, seen.c.last_slot]
    return sa.select(*columns).where(*_here(seen, place), seen.c.facet == facet)


def _live(place: Place, by: sa.Column[bytes]) -> sa.Select[Any]:
    first = sa.func.min(counts.c.slot).label("first_slot")
    last = sa.func.max(counts.c.slot).label("last_slot")
    columns: list[Any] = [by, _events(counts), first, last]
    return sa.select(*columns).where(*_here(counts, place)).group_by(by)


def _sum_of(table: Table, columns: list[sa.Column[Any]]) -> sa.Select[Any]:
    """Add up, by columns; nothing at all where there is nothing."""
    query = sa.select(*columns, _events(table)).group_by(*columns)
    return query if columns else query.having(sa.func.count() > 0)


def _events(table: Table) -> ColumnElement[int]:
    return sa.cast(sa.func.sum(table.c.events), sa.BigInteger).label("events")


def _here(table: Table, place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.account_id == place[0], table.c.aggregator_id == place[1]
