"""What is looked for by customer, or because it has ended, is found in an index of its account."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, CustomerId, ProjectId
from gatepost.base.metrics import Metrics
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.keys import store as keys
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import ended
from gatepost.domains.suppressions import store as suppressions
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database, Tx

NOW = 1_795_000_000_000
ACCOUNT = AccountId(ids.new())
CUSTOMER = CustomerId(ids.random())
PROJECT = ProjectId(ids.new())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    settings = Settings(data=str(tmp_path))
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    database = backend.database(Metrics(), settings)
    database.start()
    yield database
    await database.close()


ASKS: dict[str, tuple[str, Callable[[Tx], object]]] = {
    "keys": ("ix_keys_customer", lambda tx: keys.of_customer(tx, ACCOUNT, CUSTOMER)),
    "gate keys": (
        "ix_gate_keys_customer",
        lambda tx: gatekeys.list_(tx, ACCOUNT, customer_id=CUSTOMER, limit=10),
    ),
    "gate keys of a project": (
        "ix_gate_keys_customer",
        lambda tx: gatekeys.list_(
            tx, ACCOUNT, project_id=PROJECT, customer_id=CUSTOMER, before=bytes(16), limit=10
        ),
    ),
    "ended suppressions": (
        "ix_suppressions_ends",
        lambda tx: suppressions.has_ended(tx, ACCOUNT, NOW),
    ),
    "ended secrets": (
        "ix_gate_key_secrets_ended",
        lambda tx: gatekeys.drop_ended_secrets(tx, ACCOUNT, NOW, 10),
    ),
    "whether counters have ended": (
        "ix_quota_usage_period",
        lambda tx: quotas.has_any(tx, ACCOUNT, ended(NOW, 0)),
    ),
    "ended counters": (
        "ix_quota_usage_period",
        lambda tx: quotas.expire(tx, ACCOUNT, ended(NOW, 0), 10),
    ),
}


@pytest.mark.parametrize("what", ASKS)
async def test_an_index_leads_to_them(database: Database, what: str) -> None:
    index, ask = ASKS[what]
    steps = await database.write(lambda tx: _steps(tx, ask))
    assert any(f"INDEX {index} (account_id=?" in step for step in steps), steps
    assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


def _steps(tx: Any, ask: Callable[[Tx], object]) -> list[str]:
    """How SQLite goes about what is asked."""
    asked: list[str] = []
    tx.driver.set_trace_callback(asked.append)
    ask(tx)
    tx.driver.set_trace_callback(None)
    assert asked
    return [
        step
        for text in asked
        for *_, step in tx.driver.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
    ]
