"""Look-ups that requests share, on a real database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gatepost.base.config import load
from gatepost.base.metrics import Metrics
from gatepost.gate.lookup import Lookup
from gatepost.prepare import prepare
from gatepost.storage.db import Database, Tx


class Reads:
    """Reads that answer with their key in upper case, and are written down."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.faults = 0

    def __call__(self, _tx: Tx, keys: Sequence[bytes]) -> list[bytes | None]:
        self.batches.append(list(keys))
        if self.faults:
            self.faults -= 1
            raise ValueError("the read went wrong")
        return [None if key == b"nobody" else key.upper() for key in keys]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    settings, _ = load({"data": str(tmp_path)})
    made: Database = prepare(settings).database(Metrics(), settings)
    made.start()
    yield made
    await made.close()


async def test_what_is_asked_for_at_once_is_read_at_once(database: Database) -> None:
    reads = Reads()
    lookup: Lookup[bytes] = Lookup(database, reads)
    keys = [b"a", b"b", b"a", b"nobody"]
    found = await asyncio.gather(*(lookup.load(key, key) for key in keys))
    assert found == [b"A", b"B", b"A", None]
    assert reads.batches == [[b"a", b"b", b"nobody"]]
    known = [lookup.cache.get(key) for key in (b"a", b"b", b"nobody", b"c")]
    assert [entry and entry[0] for entry in known] == [b"A", b"B", None, None]
    assert known[2] is not None
    assert known[3] is None


async def test_a_fault_reaches_all_who_wait_and_is_not_remembered(database: Database) -> None:
    reads = Reads()
    reads.faults = 1
    lookup: Lookup[bytes] = Lookup(database, reads)
    loads = [lookup.load(key, key) for key in (b"a", b"b")]
    faults = await asyncio.gather(*loads, return_exceptions=True)
    assert [type(one) for one in faults] == [ValueError, ValueError]
    assert lookup.cache.get(b"a") is None
    assert await lookup.load(b"a", b"a") == b"A"


async def test_what_was_revoked_while_it_was_read_is_read_again(database: Database) -> None:
    reads = Reads()
    lookup: Lookup[bytes] = Lookup(database, reads)
    load = asyncio.ensure_future(lookup.load(b"a", b"a"))
    while not reads.batches:
        await asyncio.sleep(0)
        lookup.cache.clear()
    assert await load == b"A"
    assert len(reads.batches) >= 2


async def test_one_who_gives_up_takes_nothing_from_the_others(database: Database) -> None:
    lookup: Lookup[bytes] = Lookup(database, Reads())
    first, second = (asyncio.ensure_future(lookup.load(b"a", b"a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"A"
