from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepost import migrations
from gatepost.base.clock import now_ms
from gatepost.base.config import Settings
from gatepost.base.metrics import Metrics
from gatepost.domains.events import store
from gatepost.storage.backend import backend_of
from gatepost.storage.db import Database
from tests.backends import postgres


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A real, empty database of the newest schema."""
    url = postgres().create_database() if request.param == "postgres" else ""
    settings = Settings(data=str(tmp_path), database_url=url)
    backend = backend_of(settings)
    migrations.upgrade(backend.engine)
    backend.engine.dispose()
    database = backend.database(Metrics(), settings)
    database.start()
    await database.write(lambda tx: store.make_parts(tx, now_ms()))
    yield database
    await database.close()
