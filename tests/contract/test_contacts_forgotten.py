"""What the chore of contacts forgets, and what it leaves alone, on both engines."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, VerificationId, VerificationListId
from gatepost.base.metrics import Metrics
from gatepost.chores.contacts import CHUNK, GRACE_MS, Contacts
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.audit.model import Actor
from gatepost.domains.contacts import audiences, store
from gatepost.domains.contacts.model import Given
from gatepost.domains.verifications import store as verifications
from gatepost.domains.verifications.model import KEPT_MS, Verification, VerificationList
from gatepost.engine import audience, gather, tenancy
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database, Tx
from tests.backends import postgres

NOW = 1_795_000_000_000
ACTOR = Actor("cli", "", "somebody")
MANY = CHUNK + 10


@dataclass
class Kit:
    database: Database
    clock: Clock


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = postgres().create_database() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url)
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    running = backend.database(Metrics(), settings)
    running.start()
    yield running
    await running.close()


def settle(tx: Tx, name: str) -> Account:
    """An account with contacts on an audience, and a list of verifications."""
    made = accounts.create(tx, name, "default", NOW)
    on = audience.create(tx, made.id, "News", ACTOR, NOW)
    given = [Given(email=f"{one}@example.com") for one in range(MANY)]
    gather.merge(tx, made.id, given, [on.id], ACTOR, NOW)
    verification(tx, made.id, NOW)
    return made


def verification(tx: Tx, account_id: AccountId, at: int) -> VerificationListId:
    one = VerificationList(
        account_id=account_id,
        id=VerificationListId(ids.new_at(at)),
        project_id=ids.NO_PROJECT,
        name="some",
        total=1,
        check_at=at,
        created_at=at,
        updated_at=at,
    )
    verifications.add(tx, one, [Verification(id=VerificationId(ids.new()), email="a@b.example")])
    return one.id


async def until_done(database: Database, now: int) -> int:
    """Run the chore until it rests; how often it came back at once."""
    chore, rounds = Contacts(Kit(database, lambda: now)), 0
    while not await chore.run():
        rounds += 1
    return rounds


def left(tx: Tx, account_id: AccountId) -> tuple[int, int, int]:
    """How many contacts, audiences and lists there are."""
    found = verifications.list_(tx, account_id)
    return store.count(tx, account_id), len(audiences.list_(tx, account_id)), len(found)


async def test_accounts_that_were_deleted_long_ago(database: Database) -> None:
    stays, goes = await database.write(lambda tx: (settle(tx, "stays"), settle(tx, "goes")))
    await database.write(
        lambda tx: tenancy.set_account_status(tx, goes.id, Status.DELETED, ACTOR, NOW)
    )
    assert await until_done(database, NOW + GRACE_MS - 1) == 0
    assert await database.read(lambda tx: left(tx, goes.id)) == (MANY, 1, 1)
    assert await until_done(database, NOW + GRACE_MS) == 2
    assert await database.read(lambda tx: left(tx, goes.id)) == (0, 0, 0)
    assert await database.read(lambda tx: left(tx, stays.id)) == (MANY, 1, 1)
    assert await database.read(lambda tx: accounts.get(tx, goes.id)) is not None


async def test_audiences_that_were_ended(database: Database) -> None:
    account = await database.write(lambda tx: settle(tx, "ends"))
    [on] = await database.read(lambda tx: audiences.list_(tx, account.id))
    await database.write(lambda tx: audience.end(tx, on, ACTOR, NOW))
    assert await until_done(database, NOW) == 1
    assert await database.read(lambda tx: audiences.deleted(tx, account.id)) == []
    assert await database.read(lambda tx: left(tx, account.id)) == (MANY, 0, 1)


async def test_lists_past_their_days(database: Database) -> None:
    account = await database.write(lambda tx: settle(tx, "lists"))
    later = await database.write(lambda tx: verification(tx, account.id, NOW + DAY_MS))
    await until_done(database, NOW + KEPT_MS + 1)
    found = await database.read(lambda tx: verifications.list_(tx, account.id))
    assert [one.id for one in found] == [later]
    gone = await database.read(lambda tx: verifications.addresses(tx, account.id, later))
    assert len(gone) == 1
