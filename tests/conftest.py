"""What every test may ask for: the running program, and tenants and keys on it."""

import os
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.backends import PAIRS, VARIABLE, on_sqlite
from tests.server import AMPLE, Key, Server, Tenant


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pair", choices=PAIRS, default=PAIRS[0], help="what Gatepost stands on")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(VARIABLE, config.getoption("--pair"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the first pair has shown already."""
    if on_sqlite():
        return
    left_out = [item for item in items if item.get_closest_marker("once")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server per test process. Tests share it, so each uses names of its own.

    They also share an address, whose tries of ended and unknown keys are not limited here.
    """
    patient = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000"}
    with Server(tmp_path_factory.mktemp("gatepost") / "data", env=patient) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx2.Client]:
    """A plain HTTP client: follows no redirect, adds no credentials."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=100)
    with httpx2.Client(timeout=30, limits=limits, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def tenant(server: Server) -> Tenant:
    """The tenant most tests share: plan `unlimited`, a key with a limit nobody reaches."""
    return server.make_tenant()


@pytest.fixture(scope="session")
def make_tenant(server: Server) -> Callable[..., Tenant]:
    """Makes an account of its own, with a project and a key (see `Server.make_tenant`)."""
    return server.make_tenant


@pytest.fixture(scope="session")
def make_key(server: Server, tenant: Tenant) -> Callable[..., Key]:
    """Makes another key of the shared tenant's project (see `Server.make_key`)."""

    def make(*, limit: str | None = AMPLE, scope: str = "full") -> Key:
        return server.make_key(tenant.account, tenant.project, limit=limit, scope=scope)

    return make
