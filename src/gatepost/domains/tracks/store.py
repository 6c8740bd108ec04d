"""Tracks in the database."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId, DeliveryId
from gatepost.domains.tracks.model import TRACKS_MAX, Track, TrackKind
from gatepost.domains.tracks.tables import tracks
from gatepost.storage.db import Tx


def add(tx: Tx, track: Track) -> bool:
    """Keep one, unless there are too many of its delivery already."""
    mine = (
        tracks.c.account_id == track.account_id,
        tracks.c.delivery_id == track.delivery_id,
    )
    known = tx.run(sa.select(sa.func.count()).select_from(tracks).where(*mine)).scalar()
    if known is not None and known >= TRACKS_MAX:
        return False
    tx.run(sa.insert(tracks).values(msgspec.structs.asdict(track)))
    return True


def of(tx: Tx, account_id: AccountId, delivery_id: DeliveryId) -> list[Track]:
    """What was done with a mail, in order."""
    where = (tracks.c.account_id == account_id, tracks.c.delivery_id == delivery_id)
    query = sa.select(tracks).where(*where).order_by(tracks.c.id).limit(TRACKS_MAX)
    return [
        Track(
            account_id=AccountId(row.account_id),
            delivery_id=DeliveryId(row.delivery_id),
            id=row.id,
            kind=TrackKind(row.kind),
            url=row.url,
            address=row.address,
            agent=row.agent,
        )
        for row in tx.run(query)
    ]


def kinds(
    tx: Tx, account_id: AccountId, delivery_ids: Collection[DeliveryId]
) -> dict[DeliveryId, set[TrackKind]]:
    """What was done with some mails; those with which nothing was done are left out."""
    mine = (tracks.c.account_id == account_id, tracks.c.delivery_id.in_(delivery_ids))
    found: dict[DeliveryId, set[TrackKind]] = {}
    for row in tx.run(sa.select(tracks.c.delivery_id, tracks.c.kind).where(*mine).distinct()):
        found.setdefault(DeliveryId(row.delivery_id), set()).add(TrackKind(row.kind))
    return found


def any_before(tx: Tx, account_id: AccountId, before: bytes) -> bool:
    """Whether an account has any that is older than an id."""
    where = (tracks.c.account_id == account_id, tracks.c.id < before)
    return tx.run(sa.select(tracks.c.id).where(*where).limit(1)).first() is not None


def drop_before(tx: Tx, account_id: AccountId, before: bytes, limit: int) -> int:
    """Drop some of an account's that are older than an id; returns how many."""
    where = (tracks.c.account_id == account_id, tracks.c.id < before)
    old = sa.select(tracks.c.id).where(*where).order_by(tracks.c.id).limit(limit)
    gone = sa.delete(tracks).where(tracks.c.account_id == account_id, tracks.c.id.in_(old))
    return tx.run(gone).rowcount
