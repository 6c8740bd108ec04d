"""What a stream shows: which events, in which words; and what of it is new."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import NamedTuple

import msgspec

from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.events import store
from gatepost.domains.events.model import Stored
from gatepost.domains.events.search import Filter
from gatepost.storage.db import Database, Tx
from gatepost.web.arrivals import Feed

CHUNK = 200
EVERYTHING = Filter()


class Words(NamedTuple):
    """How a dialect says it: an event, that nothing came since a place, that some are left out."""

    event: Callable[[Stored], bytes]
    beat: Callable[[int], bytes]
    skipped: bytes


class View(msgspec.Struct, frozen=True):
    """What is shown of a project. At `most` so many of a second; None: all. Streams of equal views
    send the same bytes.
    """

    account_id: AccountId
    project_id: ProjectId
    filter: Filter
    most: int | None
    words: Words


class Seen(msgspec.Struct, frozen=True):
    """Matching events of one look, the place it reached, whether there is more, and whether some
    before these are left out.
    """

    events: list[Stored]
    place: int
    more: bool = False
    skipped: bool = False


def shared(view: View, feed: Feed, place: int, most: int | None) -> Seen | None:
    """Look at the next events, at most so many, among those that all followers share; None where
    they begin later.
    """
    if feed.covers(place):
        return _pick(view, feed.after(place), most, max(place, feed.place))
    if most is not None and view.filter == EVERYTHING and place < feed.gone:
        newest = feed.after(place)[-most:]
        return Seen(newest, feed.place, skipped=True)
    return None


async def stored(database: Database, view: View, feed: Feed, place: int, most: int | None) -> Seen:
    """The same from the database, as far as there is anything."""
    seen = await database.read(partial(_stored, view, place, most))
    if most is None or not seen.more:
        return seen
    return Seen(seen.events, max(seen.place, feed.since), skipped=True)


def _stored(view: View, place: int, most: int | None, tx: Tx) -> Seen:
    found = store.after(tx, place, CHUNK, view.project_id, view.filter.narrow())
    more = len(found) == CHUNK
    reached = found[-1].seq if more else max(place, store.last_seq(tx))
    return _pick(view, found, most, reached, more=more)


def _pick(
    view: View, found: list[Stored], most: int | None, place: int, *, more: bool = False
) -> Seen:
    matches = view.filter.matches
    if most is None:
        return Seen([one for one in found if matches(one.event)], place, more)
    newest = list(islice((one for one in reversed(found) if matches(one.event)), most + 1))
    return Seen(newest[:most][::-1], place, more, skipped=len(newest) > most)
