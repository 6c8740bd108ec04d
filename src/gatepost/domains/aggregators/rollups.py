"""Counters of slots that are over are moved on: into sums by the quarter, the hour and the day.

Every event is in the one or in the other, so that a report adds both. An event of a slot that was
moved long ago is a counter again, until it is moved after the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table

from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId, AggregatorId
from gatepost.domains.aggregators import grains, labels
from gatepost.domains.aggregators.grains import KEPT_OF, QUARTERS_DAYS, Facet, Grain, Kept
from gatepost.domains.aggregators.labels import NOTHING, Kind, Place, tags_of
from gatepost.domains.aggregators.model import Tags
from gatepost.domains.aggregators.tables import counts, kept, past, seen, sums
from gatepost.domains.aggregators.tables import labels as texts
from gatepost.storage import sql
from gatepost.storage.db import Tx

LOCK = b"roll-ups of aggregators"
PAST = ("account_id", "aggregator_id", "grain", "slot", "name", "tags")
SUMS = ("account_id", "aggregator_id", "facet", "grain", "label", "slot")
SEEN = ("account_id", "aggregator_id", "facet", "label")
PLACE = ("account_id", "aggregator_id")
PIECE = 4000
"""Rows of one statement: an engine has its bounds."""


Told = Mapping[tuple[int, bytes, int], int]
"""Events by facet, label and slot."""
Cells = Mapping[int, list[tuple[int, int]]]
"""By the slot: the grains it is added to, and where in them (ms)."""
ALL, NAME, TAG = (int(facet) for facet in Facet)


class Counter(msgspec.Struct, frozen=True, gc=False):
    """What was counted of a name with a set of tags in a slot (ms)."""

    slot: int
    name: bytes
    set: bytes
    tags: Tags
    events: int


def kept_of(tx: Tx, place: Place) -> Kept:
    """What there is of an aggregator's past."""
    marks = sa.select(kept.c.quarters_from, kept.c.hours_from).where(*_here(kept, place))
    found = tx.run(marks).first()
    if found is None:
        return Kept()
    all_ = (seen.c.facet == Facet.ALL, seen.c.label == NOTHING)
    first = tx.run(sa.select(seen.c.first_slot).where(*_here(seen, place), *all_)).scalar()
    return Kept(found.quarters_from, found.hours_from, first)


# Moving on


def waiting(tx: Tx, now: int) -> list[Place]:
    """Where there are counters of slots that are over."""
    found: list[Place] = []
    columns = (counts.c.account_id, counts.c.aggregator_id)
    query = sa.select(*columns, counts.c.slot).order_by(*columns, counts.c.slot).limit(1)
    row = tx.run(query).first()
    while row is not None:
        place = (AccountId(row.account_id), AggregatorId(row.aggregator_id))
        if row.slot < grains.finished(now):
            found.append(place)
        row = tx.run(query.where(sa.tuple_(*columns) > place)).first()
    return found


def move(tx: Tx, place: Place, now: int, limit: int) -> int:
    """Move up to `limit` counters of slots that are over, the oldest first; returns how many.

    None where somebody else is at it.
    """
    if not sql.try_lock(tx, LOCK):
        return 0
    moved = _taken(tx, place, grains.finished(now), limit)
    if moved:
        slots = {one.slot for one in moved}
        marks = _marks(tx, place, min(slots), now)
        cells = {slot: _cells(slot, marks) for slot in slots}
        told = _by_label(moved)
        _add(tx, past, PAST, place, _pairs(moved, cells))
        _add(tx, sums, SUMS, place, _facets(told, cells))
        _see(tx, place, told)
    return len(moved)


def _taken(tx: Tx, place: Place, before: int, limit: int) -> list[Counter]:
    """Take the oldest counters away. What is gone is what was returned, whoever adds to it."""
    mine = (*_here(counts, place), counts.c.slot < before)
    some = _first(tx, counts, place, limit, counts.c.slot < before)
    columns: list[Any] = [counts.c.slot, counts.c.name, counts.c.tags, counts.c.events]
    taken = sa.delete(counts).where(*(some or mine)).returning(*columns)
    rows = tx.run(taken).all()
    sets = {row.tags for row in rows} - {NOTHING}
    known = labels.of_kind(tx, place, Kind.TAG_SET, sets) if sets else {}
    read = {NOTHING: (), **{digest: tags_of(text) for digest, text in known.items()}}
    return [Counter(row.slot, row.name, row.tags, read[row.tags], row.events) for row in rows]


def _marks(tx: Tx, place: Place, oldest: int, now: int) -> Kept:
    """What is kept, once counters of a slot that may be old have been added."""
    found = tx.run(sa.select(kept).where(*_here(kept, place))).first()
    was: Sequence[int] = found[2:] if found else (now, 0, 0)
    begun, quarters, hours = was
    quarters_cut, hours_cut = _cuts(now, begun)
    quarters = max(quarters, quarters_cut) if oldest < quarters_cut else quarters
    hours = max(hours, hours_cut) if oldest < hours_cut else hours
    if found is None or (begun, quarters, hours) != tuple(was):
        _keep(tx, place, begun, quarters, hours)
    return Kept(quarters, hours)


def _keep(tx: Tx, place: Place, begun: int, quarters: int, hours: int) -> None:
    values = {"begun": begun, "quarters_from": quarters, "hours_from": hours}
    sql.upsert(tx, kept, dict(zip(PLACE, place, strict=True)) | values, PLACE)


def _cells(slot: int, marks: Kept) -> list[tuple[int, int]]:
    """The grains a slot is added to, and where in them."""
    since = {Grain.QUARTER: marks.quarters_from, Grain.HOUR: marks.hours_from}
    there = (grain for grain in Grain if slot >= since.get(grain, 0))
    return [(int(grain), slot - slot % grain.ms) for grain in there]


def _by_label(moved: Iterable[Counter]) -> Told:
    """Events by facet, label and slot."""
    found: dict[tuple[int, bytes, int], int] = defaultdict(int)
    for one in moved:
        slot, events = one.slot, one.events
        found[ALL, NOTHING, slot] += events
        found[NAME, one.name, slot] += events
        for tag in one.tags:
            found[TAG, labels.digest(tag), slot] += events
    return found


def _pairs(moved: Iterable[Counter], cells: Cells) -> Mapping[tuple[Any, ...], int]:
    """Sums of names with sets of tags: grain, slot, name, set."""
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for one in moved:
        for grain, cell in cells[one.slot]:
            found[grain, cell, one.name, one.set] += one.events
    return found


def _facets(told: Told, cells: Cells) -> Mapping[tuple[Any, ...], int]:
    """Sums of all, of names and of tags: facet, grain, label, slot."""
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for (facet, label, slot), events in told.items():
        for grain, cell in cells[slot]:
            if grain in KEPT_OF[facet]:
                found[facet, grain, label, cell] += events
    return found


def _add(
    tx: Tx,
    table: Table,
    keys: tuple[str, ...],
    place: Place,
    added: Mapping[tuple[Any, ...], int],
) -> None:
    rows = [(*place, *key, added[key]) for key in sorted(added)]
    for at in range(0, len(rows), PIECE):
        sql.add_rows(tx, table, keys, ("events",), rows[at : at + PIECE])


def _see(tx: Tx, place: Place, told: Told) -> None:
    """Note of every label what was moved, and its first and last slot."""
    spans: dict[tuple[int, bytes], tuple[int, int, int]] = {}
    for (facet, label, slot), added in told.items():
        events, first, last = spans.get((facet, label), (0, slot, slot))
        spans[facet, label] = (events + added, min(first, slot), max(last, slot))
    columns = (*SEEN, "events", "first_slot", "last_slot")
    values = [(*place, *label, *spans[label]) for label in sorted(spans)]
    insert = tx.engine.insert(seen)
    new, old = insert.excluded, seen.c
    changes = {
        "events": old.events + new.events,
        "first_slot": _least(old.first_slot, new.first_slot),
        "last_slot": -_least(-old.last_slot, -new.last_slot),
    }
    statement = insert.on_conflict_do_update(index_elements=list(SEEN), set_=changes)
    tx.run(statement, [dict(zip(columns, row, strict=True)) for row in values])


def _least(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return sa.case((one < other, one), else_=other)


# What is no more told apart


def overdue(tx: Tx, now: int) -> list[Place]:
    """Where quarters or hours are kept that are past their time."""
    found = []
    for row in tx.run(sa.select(kept).where(kept.c.begun <= now - QUARTERS_DAYS * DAY_MS)):
        quarters, hours = _cuts(now, row.begun)
        if row.quarters_from < quarters or row.hours_from < hours:
            found.append((AccountId(row.account_id), AggregatorId(row.aggregator_id)))
    return found


def thin(tx: Tx, place: Place, now: int) -> bool:
    """Drop quarters and hours of a day that are past their time; says whether there are more."""
    row = tx.run(sa.select(kept).where(*_here(kept, place))).first()
    if row is None or not sql.try_lock(tx, LOCK):
        return False
    cuts = _cuts(now, row.begun)
    quarters, hours = (
        _drop(tx, place, grain, cut)
        for grain, cut in zip((Grain.QUARTER, Grain.HOUR), cuts, strict=True)
    )
    marks = max(quarters, row.quarters_from), max(hours, row.hours_from)
    _keep(tx, place, row.begun, *marks)
    return (quarters, hours) != cuts


def _cuts(now: int, begun: int) -> tuple[int, int]:
    return grains.quarters_cut(now, begun), grains.hours_cut(now, begun)


def _drop(tx: Tx, place: Place, grain: Grain, cut: int) -> int:
    """Drop the oldest day of a grain; returns before when (ms) there is nothing of it now."""
    mine = (*_here(past, place), past.c.grain == grain)
    oldest: int | None = tx.run(sa.select(sa.func.min(past.c.slot)).where(*mine)).scalar()
    if oldest is None or oldest >= cut:
        return cut
    until = min(cut, oldest - oldest % DAY_MS + DAY_MS)
    tx.run(sa.delete(past).where(*mine, past.c.slot < until))
    for facet in Facet:
        if grain in KEPT_OF[facet]:
            _drop_sums(tx, place, facet, grain, until)
    return until


def _drop_sums(tx: Tx, place: Place, facet: Facet, grain: Grain, until: int) -> None:
    here = (*_here(seen, place), seen.c.facet == facet, seen.c.first_slot < until)
    old = sums.c.label.in_(sa.select(seen.c.label).where(*here))
    mine = (*_here(sums, place), sums.c.facet == facet, sums.c.grain == grain)
    tx.run(sa.delete(sums).where(*mine, old, sums.c.slot < until))


# The end of an aggregator


def forget(tx: Tx, place: Place, limit: int) -> int:
    """Delete up to `limit` rows of what was counted; returns how many, 0 at the end."""
    sql.lock(tx, [LOCK])
    for table in (counts, past, sums, seen, kept, texts):
        gone = _forget(tx, table, place, limit)
        if gone:
            return gone
    return 0


def _forget(tx: Tx, table: Table, place: Place, limit: int) -> int:
    some = _first(tx, table, place, limit) or _here(table, place)
    return tx.run(sa.delete(table).where(*some)).rowcount


def _first(
    tx: Tx, table: Table, place: Place, limit: int, *where: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ...]:
    """The first rows of a place, by the key; nothing where there are fewer of them.

    In the form of bounds: given equalities, SQLite would look at all rows of the place.
    """
    key = list(table.primary_key)
    query = sa.select(*key).where(*_here(table, place), *where).order_by(*key)
    last = tx.run(query.offset(limit - 1).limit(1)).first()
    if last is None:
        return ()
    return sa.tuple_(*key[:2]) >= place, sa.tuple_(*key) <= tuple(last)


def _here(table: Table, place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.account_id == place[0], table.c.aggregator_id == place[1]
