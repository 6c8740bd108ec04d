from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepost import migrations
from gatepost.base.metrics import Metrics
from gatepost.storage.sqlite import SqliteDatabase, engine_of


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A real, empty database of the newest schema."""
    path = tmp_path / "gatepost.db"
    engine = engine_of(path)
    migrations.upgrade(engine)
    engine.dispose()
    database = SqliteDatabase(path, Metrics())
    database.start()
    yield database
    await database.close()
