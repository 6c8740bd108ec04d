"""What tests of whole processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Server]:
    """A server that no other test uses."""
    with Server(tmp_path / "data") as running:
        yield running
