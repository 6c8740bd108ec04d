"""An account for each test, Emailit's own client for it, and a stranger."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.delivery.conftest import delivering, receiver  # noqa: F401 # they are fixtures
from tests.delivery.smtp import Mailserver
from tests.dialects.emailit.mails import use
from tests.dialects.emailit.wire import Account
from tests.server import Server


@pytest.fixture
def account(server: Server, http: httpx2.Client) -> Account:
    return Account(server, http)


@pytest.fixture
def stranger(server: Server, http: httpx2.Client) -> Account:
    """Somebody else's account."""
    return Account(server, http)


@pytest.fixture
def sdk(account: Account) -> Any:
    """Emailit's own client."""
    return account.sdk()


@pytest.fixture
def reached(delivering: Server, http: httpx2.Client) -> Account:  # noqa: F811 # the fixture
    """An account whose webhooks may lead to this machine."""
    return Account(delivering, http)


@pytest.fixture(scope="package")
def mailserver() -> Iterator[Mailserver]:
    """It takes e-mails, and does to a recipient what it was told to."""
    with Mailserver() as running:
        yield running


@pytest.fixture
def poster(
    delivering: Server,  # noqa: F811 # it is the fixture
    http: httpx2.Client,
    mailserver: Mailserver,
) -> Account:
    """An account on it whose e-mails go through the mail server."""
    made = Account(delivering, http)
    use(made, mailserver)
    return made
