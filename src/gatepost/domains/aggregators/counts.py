"""Counters in the database: events are added to them here, and read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from gatepost.base.errors import AppError, invalid
from gatepost.base.ids import AggregatorId, ProjectId
from gatepost.domains.aggregators import labels as texts
from gatepost.domains.aggregators import reading
from gatepost.domains.aggregators import report as reports
from gatepost.domains.aggregators.labels import KNOWN_MAX, Kind, Label
from gatepost.domains.aggregators.model import DISTINCT_TAGS_MAX, OTHER_TAG, Tags, Tally
from gatepost.domains.aggregators.report import Ask, Report, Seen
from gatepost.domains.aggregators.tables import counts, labels
from gatepost.storage import sql
from gatepost.storage.db import Tx

Place = texts.Place
KEYS = ("account_id", "aggregator_id", "slot", "name", "tags")

# Sets of tags as they are counted: the same, or with what is beyond the distinct tags replaced.
_counted_as: dict[tuple[AggregatorId, Tags], Tags] = {}


def of_project(project_id: ProjectId) -> AggregatorId:
    """Where the events of a project are counted: under its own id."""
    return AggregatorId(project_id)


def add(tx: Tx, amounts: Mapping[Tally, int]) -> None:
    """Add events up, one statement for all of them."""
    tags_as = _distinct(tx, amounts)
    fresh: dict[Label, str] = {}
    added: dict[tuple[Any, ...], int] = defaultdict(int)
    for one, events in amounts.items():
        tags = tags_as[one.aggregator_id, one.tags]
        name_digest, tags_digest = texts.digest(one.name), texts.set_digest(tags)
        place = (one.account_id, one.aggregator_id)
        texts.note(fresh, (*place, Kind.NAME, name_digest), one.name)
        if tags:
            texts.note(fresh, (*place, Kind.TAG_SET, tags_digest), texts.set_text(tags))
        added[*place, one.slot, name_digest, tags_digest] += events
    texts.write(tx, fresh)
    sql.add_rows(tx, counts, KEYS, ("events",), [(*key, added[key]) for key in sorted(added)])


# Tags beyond the distinct ones


def _distinct(tx: Tx, amounts: Iterable[Tally]) -> dict[tuple[AggregatorId, Tags], Tags]:
    """Say as what each set of tags is counted."""
    found: dict[tuple[AggregatorId, Tags], Tags] = {}
    unknown: dict[Place, set[Tags]] = defaultdict(set)
    for one in amounts:
        asked = (one.aggregator_id, one.tags)
        known = _counted_as.get(asked) if one.tags else ()
        if known is None:
            unknown[one.account_id, one.aggregator_id].add(one.tags)
        else:
            found[asked] = known
    # Tags are admitted as long as there is room: who comes at the same time waits.
    sql.lock(tx, [b"tags of " + aggregator_id for _, aggregator_id in unknown])
    for place, sets in sorted(unknown.items()):
        settled = {(place[1], tags): kept for tags, kept in _settle(tx, place, sets).items()}
        found |= settled
        tx.after_commit(partial(_remember, settled))
    return found


def _remember(settled: Mapping[tuple[AggregatorId, Tags], Tags]) -> None:
    if len(_counted_as) > KNOWN_MAX:
        _counted_as.clear()
    _counted_as.update(settled)


def _settle(tx: Tx, place: Place, sets: set[Tags]) -> dict[Tags, Tags]:
    """Admit new tags as long as there is room."""
    here = (labels.c.account_id == place[0], labels.c.aggregator_id == place[1])
    query = sa.select(labels.c.text).where(*here, labels.c.kind == Kind.TAG)
    tags = set(tx.run(query).scalars())
    new = dict.fromkeys(tag for one in sorted(sets) for tag in one)
    room = max(DISTINCT_TAGS_MAX - len(tags), 0)
    admitted = [tag for tag in new if tag not in tags][:room]
    texts.write(tx, {(*place, Kind.TAG, texts.digest(tag)): tag for tag in admitted})
    kept = tags.union(admitted)
    return {one: _kept(one, kept) for one in sets}


def _kept(tags: Tags, distinct: set[str]) -> Tags:
    return tuple(sorted({tag if tag in distinct else OTHER_TAG for tag in tags}))


# Reading


def report(tx: Tx, place: Place, ask: Ask) -> Report:
    """Add up what was counted; raises INVALID for too many periods, and for those that begin or
    end within what is no more told apart.
    """
    return reading.report(tx, place, ask)


def last(tx: Tx, place: Place) -> int | None:
    """Where the last slot (ms) begins that has anything."""
    return reading.last(tx, place)


def some_names(tx: Tx, place: Place, wanted: Iterable[str]) -> list[Seen]:
    """What there is of these names, by their text."""
    found = reading.names(tx, place, {texts.digest(one): one for one in wanted})
    return sorted(found.values(), key=lambda one: one.text)


def some_tags(tx: Tx, place: Place, wanted: Iterable[str]) -> list[Seen]:
    """What there is of these tags, by their text."""
    only = set(wanted)
    return [one for one in reports.seen_tags(reading.tags(tx, place)) if one.text in only]


def names(tx: Tx, place: Place, after: bytes | None, limit: int) -> list[Seen]:
    """Names by their text, from the one after that with the digest `after`; raises INVALID."""
    named = texts.after(tx, place, after, limit)
    if named is None:
        raise _no_cursor()
    found = reading.names(tx, place, named)
    return [found[digest] for digest in named if digest in found]


def tags(tx: Tx, place: Place, after: bytes | None, limit: int) -> list[Seen]:
    """Tags by their text, from the one after that with the digest `after`; raises INVALID."""
    found = reports.seen_tags(reading.tags(tx, place))
    places = [None, *(position(one) for one in found)]
    if after not in places:
        raise _no_cursor()
    start = places.index(after)
    return found[start : start + limit]


def position(seen: Seen) -> bytes:
    """Where a name or tag is in its list: a cursor of one length, however long the text is."""
    return texts.digest(seen.text)


def _no_cursor() -> AppError:
    return invalid((["cursor"], "Not a cursor of this list"))
