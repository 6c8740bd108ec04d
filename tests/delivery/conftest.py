"""A server whose deliveries may go to this machine, a receiver on it, and an account."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.receiver import Receiver
from tests.server import Server

NEAR = {
    "GATEPOST_DELIVERY_NETWORKS": "127.0.0.0/8,::1/128",
    "GATEPOST_DELIVERY_TIMEOUT_S": "3",
}


@pytest.fixture(scope="package")
def delivering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One per test process; the time a receiver has to answer is 3 s."""
    with Server(tmp_path_factory.mktemp("delivery") / "data", env=NEAR) as running:
        yield running


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def admin(delivering: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own: a full key, and one project."""
    return make_admin(delivering, http)
