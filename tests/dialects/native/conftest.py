import httpx2
import pytest

from tests.dialects.native.wire import Wire
from tests.server import Server, Tenant


@pytest.fixture(scope="session")
def wire(http: httpx2.Client, server: Server, tenant: Tenant) -> Wire:
    """Raw HTTP with the shared tenant's key."""
    return Wire(http, server.address, tenant.key.secret)
