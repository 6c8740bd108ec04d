"""Range partitions: made ahead of time, dropped when all in them is old."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from gatepost.storage.db import Tx
from gatepost.storage.shapes import Parted

LISTED = (
    "SELECT child.relname FROM pg_inherits"
    " JOIN pg_class child ON child.oid = inhrelid"
    " WHERE inhparent = %s::regclass ORDER BY child.relname"
)
NAME = re.compile(r"_from_(\d{8}_\d{4})$")
STAMP = "%Y%m%d_%H%M"
PATIENCE = "1s"


class Part(NamedTuple):
    """A part by its name, and its first moment (ms)."""

    name: str
    start: int


def make(tx: Tx, parted: Parted, now: int) -> None:
    """Make what is missing up to the parts ahead, without a gap after the last one."""
    tx.engine.lock(tx, [f"parts:{parted.table}".encode()])
    found = _found(tx, parted)
    first = now - now % parted.width_ms
    start = found[-1].start + parted.width_ms if found else first
    if not found and parted.past:
        _attach(tx, parted, f"{parted.table}_past", "MINVALUE", _literal(parted.bound(start)))
    while start <= first + parted.ahead * parted.width_ms:
        end = start + parted.width_ms
        bounds = (_literal(parted.bound(start)), _literal(parted.bound(end)))
        _attach(tx, parted, _name(parted, start), *bounds)
        start = end


def drop(tx: Tx, parted: Parted, before: int) -> int:
    """Drop whole parts; what lies before the first part there ever was is left."""
    found = _found(tx, parted)
    old = [part for part in found if part.start + parted.width_ms <= before]
    if old:
        # Whoever comes while this waits for a reader waits too.
        tx.driver.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        tx.driver.execute(f"DROP TABLE {', '.join(part.name for part in old)}")
    if not parted.past or not found:
        return 0
    return min(before, found[0].start)


def _found(tx: Tx, parted: Parted) -> list[Part]:
    names = [name for (name,) in tx.driver.execute(LISTED, (parted.table,))]
    starts = ((name, NAME.search(name)) for name in names)
    return [Part(name, _moment(match[1])) for name, match in starts if match]


def _attach(tx: Tx, parted: Parted, name: str, low: str, high: str) -> None:
    """Make a table and attach it: unlike CREATE … PARTITION OF, that locks out no reader."""
    like = f"(LIKE {parted.table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
    tx.driver.execute(f"CREATE TABLE {name} {like}")
    attach = f"ALTER TABLE {parted.table} ATTACH PARTITION {name}"
    tx.driver.execute(f"{attach} FOR VALUES FROM ({low}) TO ({high})")


def _literal(bound: bytes | int) -> str:
    return str(bound) if isinstance(bound, int) else f"'\\x{bound.hex()}'"


def _name(parted: Parted, start: int) -> str:
    return f"{parted.table}_from_{datetime.fromtimestamp(start / 1000, UTC).strftime(STAMP)}"


def _moment(stamp: str) -> int:
    return int(datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp() * 1000)
