"""Names and sets of tags are kept once, and counted by their digest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId, AggregatorId
from gatepost.domains.aggregators.model import OTHER_TAG, Tags
from gatepost.domains.aggregators.tables import DIGEST_BYTES, labels
from gatepost.storage.db import Tx

LABEL = ("account_id", "aggregator_id", "kind", "digest")
NOTHING = bytes(DIGEST_BYTES)
"""The digest of no tags, and of what is not told apart."""
DIGESTS = 16_384
KNOWN_MAX = 100_000


class Kind(IntEnum):
    """What a label is the text of."""

    NAME = 0
    TAG_SET = 1
    TAG = 2


Place = tuple[AccountId, AggregatorId]
Label = tuple[AccountId, AggregatorId, int, bytes]

# A label stays for as long as its aggregator, so one that was committed is never written again.
_known: set[Label] = set()


def note(fresh: dict[Label, str], label: Label, text: str) -> None:
    """Add a label to those to be written, unless it is known to stand."""
    if label not in _known:
        fresh[label] = text


def write(tx: Tx, fresh: Mapping[Label, str]) -> None:
    """Write labels down, those that are new."""
    if not fresh:
        return
    columns = (*LABEL, "text")
    rows = [dict(zip(columns, (*label, fresh[label]), strict=True)) for label in sorted(fresh)]
    statement = tx.engine.insert(labels).on_conflict_do_nothing(index_elements=list(LABEL))
    tx.run(statement, rows)
    tx.after_commit(lambda: _know(fresh))


def _know(written: Iterable[Label]) -> None:
    if len(_known) > KNOWN_MAX:
        _known.clear()
    _known.update(written)


def of_kind(
    tx: Tx, place: Place, kind: Kind, digests: Collection[bytes] | None = None
) -> dict[bytes, str]:
    """Texts by their digests: all there are of a kind, or some."""
    here = (labels.c.account_id == place[0], labels.c.aggregator_id == place[1])
    query = sa.select(labels.c.digest, labels.c.text).where(*here, labels.c.kind == kind)
    if digests is not None:
        query = query.where(labels.c.digest.in_(digests))
    return {row.digest: row.text for row in tx.run(query)}


def tags(tx: Tx, place: Place) -> dict[bytes, str]:
    """Tags by their digests, and what those beyond them are counted as."""
    return of_kind(tx, place, Kind.TAG) | {digest(OTHER_TAG): OTHER_TAG}


def after(tx: Tx, place: Place, last: bytes | None, limit: int) -> dict[bytes, str] | None:
    """Names by their text, from the one after that with the digest `last`; None if there is no
    such one.
    """
    here = (labels.c.account_id == place[0], labels.c.aggregator_id == place[1])
    named = (*here, labels.c.kind == Kind.NAME)
    query = sa.select(labels.c.digest, labels.c.text).where(*named)
    if last is not None:
        found = tx.run(query.where(labels.c.digest == last)).first()
        if found is None:
            return None
        query = query.where(labels.c.text > found.text)
    rows = tx.run(query.order_by(labels.c.text).limit(limit))
    return {row.digest: row.text for row in rows}


@lru_cache(DIGESTS)
def tags_of(text: str) -> Tags:
    """Read a set of tags."""
    return msgspec.json.decode(text, type=tuple[str, ...])


@lru_cache(DIGESTS)
def digest(text: str) -> bytes:
    """What a text is counted by."""
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def set_digest(tags: Tags) -> bytes:
    """What a set of tags is counted by."""
    return digest(set_text(tags)) if tags else NOTHING


@lru_cache(DIGESTS)
def set_text(tags: Tags) -> str:
    """Write a set of tags."""
    return msgspec.json.encode(tags).decode()
