"""A clock that is set back delays no delivery, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, DeliveryId, ProjectId, QueueId
from gatepost.base.metrics import Metrics
from gatepost.domains.outbox import queues, store
from gatepost.domains.outbox.model import Delivery, State, Transport
from gatepost.domains.outbox.rewind import rewind
from gatepost.engine.notify import Notify, Target, notify
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database, Tx
from tests.backends import postgres

BEFORE = 1_750_000_000_000
NOW = BEFORE - HOUR_MS
LEASE = NOW + 8 * SECOND_MS
ACCOUNT, PROJECT = AccountId(bytes(15) + b"a"), ProjectId(bytes(15) + b"p")


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = postgres().create_database() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url)
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    found = backend.database(Metrics(), settings)
    found.start()
    yield found
    await found.close()


def put(tx: Tx, due_at: int, **changes: object) -> DeliveryId:
    target = Target(transport=Transport.WEBHOOK, queue="q", name="q", address="{}")
    command = Notify(
        account_id=ACCOUNT,
        project_id=PROJECT,
        now=BEFORE,
        type="message.webhook",
        body="{}",
        targets=(target,),
        send_at=due_at,
    )
    (told,) = notify(tx, [command])
    (one,) = told.deliveries
    store.save(tx, msgspec.structs.replace(one, **changes))
    return one.id


async def test_what_was_due_is_due_and_retries_wait_as_long_as_they_did(database: Database) -> None:
    def fill(tx: Tx) -> list[DeliveryId]:
        return [
            put(tx, BEFORE),
            put(tx, BEFORE + 5 * MINUTE_MS, attempts=1),
            put(tx, BEFORE + 2 * HOUR_MS),
            put(tx, BEFORE, state=State.SUCCEEDED),
        ]

    made = await database.write(fill)
    changed = await database.write(lambda tx: rewind(tx, NOW, BEFORE, LEASE))
    due, tried, scheduled, over = await database.read(
        lambda tx: [store.get(tx, ACCOUNT, one) for one in made]
    )
    assert changed == 2
    assert due.due_at == NOW
    assert tried.due_at == NOW + 5 * MINUTE_MS
    assert scheduled.due_at == BEFORE + 2 * HOUR_MS
    assert over.due_at == BEFORE


async def test_queues_are_looked_at_again_and_leases_end(database: Database) -> None:
    def fill(tx: Tx) -> Delivery:
        one = store.get(tx, ACCOUNT, put(tx, BEFORE))
        place = queues.Place(ACCOUNT, QueueId(one.queue_id))
        queues.adopt(tx, [place], ids.random(), BEFORE, BEFORE + 8 * SECOND_MS)
        return one

    one = await database.write(fill)
    assert not await database.read(lambda tx: queues.adoptable(tx, LEASE + 1, 10))
    await database.write(lambda tx: rewind(tx, NOW, BEFORE, LEASE))
    found = await database.read(lambda tx: queues.find(tx, ACCOUNT, QueueId(one.queue_id)))
    assert found is not None
    assert (found.due_at, found.lease_until) == (NOW, LEASE)
    assert await database.read(lambda tx: queues.adoptable(tx, LEASE + 1, 10))
