"""Suppressions that have ended: as good as gone at once, and forgotten by the chore, on both
engines.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gatepost import migrations
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId
from gatepost.base.metrics import Metrics
from gatepost.chores.mail import CHUNK, Mail
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit.model import Actor
from gatepost.domains.suppressions import store
from gatepost.domains.suppressions.model import Why
from gatepost.domains.suppressions.tables import suppressions
from gatepost.engine import post
from gatepost.engine.post import Which
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
    settings: Settings


@pytest.fixture(params=["sqlite", "postgres"])
async def kit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kit]:
    url = postgres().create_database() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url)
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    running = backend.database(Metrics(), settings)
    running.start()
    yield Kit(running, lambda: NOW + 2, settings)
    await running.close()


def settle(tx: Tx) -> AccountId:
    """An account with many suppressions that end in a moment, one that lasts, and one later on."""
    account_id = accounts.create(tx, "mine", "default", NOW).id
    ends = {f"{one}@example.com": NOW + 1 for one in range(MANY)}
    for address, until in (
        ends | {"lasts@example.com": None, "later@example.com": NOW + 9}
    ).items():
        made = post.suppression(account_id, address, Why.RECIPIENT, "", NOW, until=until)
        assert store.add(tx, made, NOW)
    return account_id


def addresses(tx: Tx, account_id: AccountId, now: int) -> set[str]:
    return {one.address for one in store.list_(tx, account_id, now, limit=1000)}


def rows(tx: Tx) -> int:
    return len(tx.run(suppressions.select()).all())


async def test_they_are_gone_at_once_and_forgotten_later(kit: Kit) -> None:
    database, some = kit.database, {"1@example.com", "later@example.com", "lasts@example.com"}
    mine = await database.write(settle)
    assert len(await database.read(lambda tx: addresses(tx, mine, NOW))) == MANY + 2
    for now, kept in ((NOW, some), (NOW + 1, some - {"1@example.com"})):
        found = await database.read(partial(store.among, account_id=mine, addresses=some, now=now))
        assert set(found) == kept
    left = {"later@example.com", "lasts@example.com"}
    assert await database.read(lambda tx: addresses(tx, mine, NOW + 1)) == left
    with pytest.raises(AppError) as refusal:
        await database.read(
            lambda tx: post.suppressed(tx, mine, Which(None, "1@example.com"), NOW + 1)
        )
    assert refusal.value.code is Code.NOT_FOUND
    assert await database.read(rows) == MANY + 2
    for expected in (12, 2, 2):
        await Mail(kit).run()
        assert await database.read(rows) == expected


async def test_what_has_ended_is_in_nobodys_way(kit: Kit) -> None:
    database = kit.database
    mine = await database.write(settle)

    def again(tx: Tx, now: int) -> int:
        names = ("1@example.com", "2@example.com", "later@example.com")
        ones = [post.suppression(mine, name, Why.BOUNCE, "", now) for name in names]
        return len(post.suppress_all(tx, ones, ACTOR, now))

    assert await database.write(lambda tx: again(tx, NOW)) == 0
    assert await database.write(lambda tx: again(tx, NOW + 1)) == 2
    whole = (mine, "3@example.com", Why.RECIPIENT, "", ACTOR)
    assert (await database.write(lambda tx: post.suppress(tx, *whole, NOW)))[1] is False
    assert (await database.write(lambda tx: post.suppress(tx, *whole, NOW + 1)))[1] is True


async def test_what_the_recipient_wants_is_for_good(kit: Kit) -> None:
    database = kit.database
    mine = await database.write(settle)
    leaving = (mine, "later@example.com", Why.UNSUBSCRIBE, "One click", ACTOR, NOW)
    await database.write(lambda tx: post.stop(tx, *leaving))
    which = Which(None, "later@example.com")
    found = await database.read(lambda tx: post.suppressed(tx, mine, which, NOW + 99))
    assert (found.type, found.reason, found.keep_until) == (Why.UNSUBSCRIBE, "One click", None)
