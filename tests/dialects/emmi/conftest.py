"""An account for each test, and a stranger."""

import httpx2
import pytest

from tests.dialects.emmi.wire import PREFIXES, Account
from tests.server import Server


@pytest.fixture
def account(server: Server, http: httpx2.Client) -> Account:
    return Account(server, http)


@pytest.fixture
def stranger(server: Server, http: httpx2.Client) -> Account:
    """Somebody else's account."""
    return Account(server, http)


@pytest.fixture(params=PREFIXES)
def anywhere(request: pytest.FixtureRequest, account: Account) -> Account:
    """The account under each of the prefixes."""
    account.prefix = request.param
    return account
