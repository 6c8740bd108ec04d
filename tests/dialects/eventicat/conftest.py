"""A sender for each test, and one that the tests share where they only look."""

from collections.abc import Callable

import httpx2
import pytest

from tests.dialects.eventicat.wire import Sender
from tests.server import Server, Tenant


@pytest.fixture
def sender(server: Server, http: httpx2.Client, tenant: Tenant) -> Sender:
    return Sender(server, http, tenant)


@pytest.fixture
def stranger(server: Server, http: httpx2.Client, make_tenant: Callable[..., Tenant]) -> Sender:
    """Somebody of another account."""
    return Sender(server, http, make_tenant())
