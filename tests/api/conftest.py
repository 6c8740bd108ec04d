"""Administrators for the tests of what manages keys and projects."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.server import Server


@pytest.fixture(scope="session")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets these tests try ended keys as often as they like."""
    patient = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000"}
    with Server(tmp_path_factory.mktemp("roomy") / "data", env=patient) as running:
        yield running


@pytest.fixture(scope="session")
def owner(roomy: Server, http: httpx2.Client) -> Admin:
    """The account most tests share, on the plan `unlimited`."""
    return make_admin(roomy, http)


@pytest.fixture(scope="session")
def stranger(roomy: Server, http: httpx2.Client) -> Admin:
    """Another account."""
    return make_admin(roomy, http)


@pytest.fixture
def fresh(roomy: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own."""
    return make_admin(roomy, http)
