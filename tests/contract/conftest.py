"""What tests that compare engines share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost import migrations
from gatepost.base.config import Settings
from gatepost.storage.backend import Backend, backend_of
from tests.backends import postgres


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    url = postgres().create_database() if request.param == "postgres" else ""
    backend = backend_of(Settings(data=str(tmp_path), database_url=url))
    migrations.upgrade(backend.engine)
    yield backend
    backend.engine.dispose()
