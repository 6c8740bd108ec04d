"""A server that takes mails by SMTP, the operator's mail server behind it, and an account."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.delivery.conftest import NEAR
from tests.delivery.smtp import Mailserver
from tests.ports import free_port
from tests.server import Server
from tests.submission.posting import Post, Sender, make_sender, submitting


@pytest.fixture(scope="package")
def behind() -> Iterator[Mailserver]:
    """Where mails go that were taken."""
    with Mailserver() as running:
        yield running


@pytest.fixture(scope="package")
def post(tmp_path_factory: pytest.TempPathFactory, behind: Mailserver) -> Iterator[Post]:
    """One per test process: clients on this machine need no encryption."""
    port = free_port()
    env = {
        "GATEPOST_SMTP_URL": f"smtp://127.0.0.1:{behind.port}",
        "GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000",
        "GATEPOST_MAIL_BYTES_MAX": "2000000",
        "GATEPOST_ATTACHMENT_BYTES_MAX": "1000000",
        "GATEPOST_LOG_LEVEL": "debug",
    }
    folder = tmp_path_factory.mktemp("submission")
    with Server(folder / "data", env=NEAR | env | submitting(port)) as running:
        yield Post(running, port)


@pytest.fixture
def sender(post: Post, http: httpx2.Client) -> Sender:
    """An account of the test's own."""
    return make_sender(post, http)
