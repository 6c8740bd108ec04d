"""Servers that an account names are never reached where they must not be."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.mails import mail, make_mailer, somebody
from tests.delivery.nameserver import NameServer
from tests.delivery.sending import await_attempts
from tests.delivery.smtp import Mailserver
from tests.server import Server


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def private() -> Iterator[Mailserver]:
    with Mailserver() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(names: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may deliver to public addresses alone."""
    env = {"GATEPOST_DNS_SERVERS": names.setting, "GATEPOST_DELIVERY_TIMEOUT_S": "1"}
    with Server(tmp_path_factory.mktemp("guarded") / "data", env=env) as running:
        yield running


@pytest.fixture
def account(guarded: Server, http: httpx2.Client) -> Admin:
    return make_admin(guarded, http)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("inside.test", ["127.0.0.1"]),
        ("both.test", ["1.1.1.1", "127.0.0.1"]),
        ("link.test", ["169.254.169.254"]),
    ],
)
def test_a_name_that_leads_inside(
    account: Admin, names: NameServer, private: Mailserver, name: str, answers: list[str]
) -> None:
    names.put(name, "A", *answers)
    given = {"kind": "smtp", "host": name, "port": private.port, "tls": "none"}
    make_mailer(account, **given, anySender=True)
    message = mail(account, somebody(), **{"from": "me@example.org"})
    (attempt, *_) = await_attempts(account, message["deliveries"][0]["id"], 1)["log"]
    assert attempt["fault"] == "forbidden_address"
    assert private.connections == 0


def test_a_provider_that_leads_inside(account: Admin, names: NameServer) -> None:
    names.put("api.test", "A", "10.0.0.1")
    make_mailer(account, kind="resend", url="https://api.test", secret="x", anySender=True)
    message = mail(account, somebody(), **{"from": "me@example.org"})
    (attempt, *_) = await_attempts(account, message["deliveries"][0]["id"], 1)["log"]
    assert attempt["fault"] == "forbidden_address"
