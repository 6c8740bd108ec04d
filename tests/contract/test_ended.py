"""What has ended is forgotten in its time, on both engines; what still decides something stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, GateKeyId, ProjectId
from gatepost.base.metrics import Metrics
from gatepost.base.periods import Bucket
from gatepost.chores import ended
from gatepost.chores.ended import COUNTERS_DAYS, REST_S, SECRETS_DAYS, Ended
from gatepost.domains.accounts import store as accounts
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.gatekeys.model import GateKey, GateQuota
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Allowance, Slot, period
from gatepost.domains.quotas.tables import quota_usage
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database, Tx
from tests.backends import postgres

START = 1_750_000_000_000
"""When the accounts are made (ms), in June 2025."""
STEP_MS = 2 * DAY_MS
MONTHLY = Allowance("monthly", 10, frozenset())


class Kit:
    """A clock that can be set, and a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START

    def clock(self) -> int:
        return self.now


@pytest.fixture(params=["sqlite", "postgres"])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    url = postgres().create_database() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url)
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    database = backend.database(Metrics(), settings)
    database.start()
    yield Kit(database)
    await database.close()


def slots(account_id: AccountId, now: int) -> list[Slot]:
    """A counter of each kind, as the gate names them at a moment."""
    thirty_days = Allowance("thirty days", 10, frozenset(), START)
    found = [Slot(account_id, one.name, period(one, now)) for one in (MONTHLY, thirty_days)]
    for bucket in (Bucket.DAY, Bucket.MONTH):
        of = GateQuota(limit=10, period=bucket, timezone="Asia/Kolkata")
        found.append(Slot(account_id, f"of a {bucket}", of.bounds(now)[0]))
    return found


async def make_account(kit: Kit) -> AccountId:
    made = await kit.database.write(
        lambda tx: accounts.create(tx, ids.new().hex(), "unlimited", START)
    )
    return made.id


async def charge(kit: Kit, account_id: AccountId) -> None:
    amounts = dict.fromkeys(slots(account_id, kit.now), 1)
    await kit.database.write(lambda tx: quotas.add(tx, amounts))


async def kept(kit: Kit, account_id: AccountId) -> set[Slot]:
    def find(tx: Tx) -> set[Slot]:
        columns = (quota_usage.c.quota, quota_usage.c.period)
        rows = tx.run(sa.select(*columns).where(quota_usage.c.account_id == account_id))
        return {Slot(account_id, row.quota, row.period) for row in rows}

    return await kit.database.read(find)


async def test_counters_go_when_their_period_is_long_over(kit: Kit) -> None:
    account_id = await make_account(kit)
    expected: dict[Slot, int] = {}
    long_over: set[Slot] = set()
    for _ in range(60):
        await charge(kit, account_id)
        expected |= dict.fromkeys(slots(account_id, kit.now), kit.now)
        await Ended(kit).run()
        found = await kept(kit, account_id)
        last = {slot for slot, at in expected.items() if at == kit.now}
        assert last <= found, "running periods stay"
        over = kit.now - COUNTERS_DAYS * DAY_MS - STEP_MS
        long_over = {slot for slot, at in expected.items() if at < over}
        assert not long_over & found
        kit.now += STEP_MS
    assert long_over


async def test_more_than_a_chunk_goes_without_a_rest(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "CHUNK", 3)
    first, second = await make_account(kit), await make_account(kit)
    for _ in range(5):
        await charge(kit, first)
        await charge(kit, second)
        kit.now += DAY_MS
    kit.now += 2 * COUNTERS_DAYS * DAY_MS
    rests = [await Ended(kit).run()]
    while rests[-1] == 0.0:
        rests.append(await Ended(kit).run())
    assert (len(rests) > 2, rests[-1]) == (True, REST_S)
    assert await kept(kit, first) | await kept(kit, second) == set()


async def test_secrets_of_gate_keys_go_when_they_have_ended(kit: Kit) -> None:
    account_id = await make_account(kit)
    key = GateKey(
        id=GateKeyId(ids.new()),
        account_id=account_id,
        project_id=ProjectId(ids.new()),
        name="Ada",
        prefix="key",
        start="key_abcd",
        created_at=START,
        updated_at=START,
    )
    old, new = ids.random() * 2, ids.random() * 2

    def rotate(tx: Tx) -> None:
        gatekeys.append(tx, key, old)
        gatekeys.end_secrets(tx, key, START + HOUR_MS, START)
        gatekeys.add_secret(tx, key, new, START)

    async def known() -> set[bytes]:
        await Ended(kit).run()
        return set(await kit.database.read(lambda tx: gatekeys.find_by_digests(tx, [old, new])))

    await kit.database.write(rotate)
    kit.now = START + HOUR_MS + SECRETS_DAYS * DAY_MS
    assert await known() == {old, new}
    kit.now += 1
    assert await known() == {new}
    kit.now += 1000 * DAY_MS
    assert await known() == {new}
    later = kit.now
    await kit.database.write(lambda tx: gatekeys.remove(tx, key, later))
    kit.now += 2 * SECRETS_DAYS * DAY_MS
    await Ended(kit).run()
    assert not await kit.database.read(lambda tx: gatekeys.has_ended_secrets(tx, account_id, 2**62))
