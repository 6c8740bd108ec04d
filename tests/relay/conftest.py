"""A server whose routes may lead to this machine, and an upstream on it."""

from collections.abc import Callable, Iterator
from functools import partial

import httpx2
import pytest

from tests.relay.tenant import Tenant, make_tenant
from tests.relay.upstream import Upstream
from tests.server import Server


@pytest.fixture(scope="package")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    near = {"GATEPOST_RELAY_NETWORKS": "127.0.0.0/8,::1/128"}
    with Server(tmp_path_factory.mktemp("relay") / "data", env=near) as running:
        yield running


@pytest.fixture(scope="package")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def tenant(relay: Server, upstream: Upstream, http: httpx2.Client) -> Tenant:
    """An account of the test's own."""
    return make_tenant(relay, upstream, http)


@pytest.fixture
def make_other(relay: Server, upstream: Upstream, http: httpx2.Client) -> Callable[..., Tenant]:
    """Makes further accounts."""
    return partial(make_tenant, relay, upstream, http)
