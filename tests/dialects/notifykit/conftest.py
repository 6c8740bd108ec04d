"""A server whose jobs are tried again soon, receivers on this machine, and accounts."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver
from tests.dialects.notifykit.keeper import Keeper
from tests.dialects.notifykit.sending import BASE_S, USUAL
from tests.server import Server


@pytest.fixture(scope="package")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One per test process."""
    own = {
        "GATEPOST_NOTIFYKIT_RETRY_S": str(BASE_S),
        "GATEPOST_DELIVERY_TIMEOUT_S": "2",
        "GATEPOST_MAIL_FROM": USUAL,
    }
    with Server(tmp_path_factory.mktemp("notifykit") / "data", env=NEAR | own) as running:
        yield running


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def account(quick: Server, http: httpx2.Client) -> Keeper:
    """On the plan `notifykit-startup`, without a limit of its key."""
    return Keeper(quick, http, plan="notifykit-startup")


@pytest.fixture
def poor(quick: Server, http: httpx2.Client) -> Keeper:
    """On the free plan."""
    return Keeper(quick, http, plan="notifykit-free")


@pytest.fixture
def stranger(quick: Server, http: httpx2.Client) -> Keeper:
    """Somebody else's account."""
    return Keeper(quick, http, plan="notifykit-startup")
