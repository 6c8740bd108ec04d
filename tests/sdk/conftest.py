"""Who uses the client: a keeper on the server that all tests share."""

from collections.abc import Iterator

import pytest

from gatepost_client import GateClient
from tests.sdk.keeper import Keeper
from tests.server import Server, Tenant


@pytest.fixture(scope="session")
def keeper(server: Server, tenant: Tenant) -> Iterator[Keeper]:
    checker = server.make_key(tenant.account, tenant.project, scope="gate:check")
    with GateClient(server.address, tenant.key.secret, timeout_s=10) as client:
        yield Keeper(server, tenant, checker.secret, client)
