"""What every test may ask for: the running program, and tenants and keys on it."""

import os
from collections.abc import Callable, Iterator

import httpx2
import pytest
from hypothesis import settings

from tests import plain
from tests.backends import PAIRS, VARIABLE, on_sqlite
from tests.server import AMPLE, Key, Server, Tenant

# The same examples in every run, so that a change fails by its own doing: look for further ones
# with --hypothesis-profile=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pair", choices=PAIRS, default=PAIRS[0], help="what Gatepost stands on")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(VARIABLE, config.getoption("--pair"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the first pair has shown already; begin with what takes long, so that no test
    process is left alone with it in the end. Then one package follows another, so that a server
    that tests of one package share lives no longer than they do.
    """
    left_out = [] if on_sqlite() else [item for item in items if item.get_closest_marker("once")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: (-_patience(item), item.path.parent))


def _patience(item: pytest.Item) -> float:
    """How long it may take, in seconds, where it says so."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server per test process. Tests share it, so each uses names of its own.

    They also share an address, whose tries to come in are not limited here.
    """
    patient = {
        "GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000",
        "GATEPOST_SIGN_INS_PER_MINUTE": "1000000",
    }
    with Server(tmp_path_factory.mktemp("gatepost") / "data", env=patient) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx2.Client]:
    """A plain HTTP client: follows no redirect, adds no credentials."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=100)
    with plain.Client(timeout=30, limits=limits) as client:
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
