import pytest

from gatepost.base.config import ConfigError, Settings
from gatepost.delivery.email.server import Server, of_settings
from gatepost.delivery.email.smtp import is_bounce
from gatepost.domains.mailers.model import Tls


@pytest.mark.parametrize(
    ("code", "said", "bounced"),
    [
        (550, "550 5.1.1 The account that you tried to reach does not exist", True),
        (550, "550 5.1.10 Recipient not found", True),
        (550, "550 No such user", True),
        (550, "550 Requested action not taken: mailbox unknown", True),
        (550, "550 5.7.1 Unknown user, says our policy", False),
        (552, "552 5.2.2 Mailbox full", False),
        (550, "550 Blocked", False),
        (554, "554 5.7.1 Relay access denied", False),
        (450, "450 4.1.1 User unknown, for now", False),
        (451, "451 No such user", False),
    ],
)
def test_who_is_not_there(code: int, said: str, bounced: bool) -> None:
    assert is_bounce(code, said) is bounced


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "smtp://mail.example.com",
            Server("mail.example.com", 587, Tls.OPPORTUNISTIC, trusted=True),
        ),
        ("smtp://u:p@h:25", Server("h", 25, Tls.REQUIRED, "u", "p", trusted=True)),
        ("smtp://u:p%40%2F@h?tls=none", Server("h", 587, Tls.NONE, "u", "p@/", trusted=True)),
        ("smtps://u:p@[::1]", Server("::1", 465, Tls.IMPLICIT, "u", "p", trusted=True)),
    ],
)
def test_a_server_of_the_settings(url: str, server: Server) -> None:
    assert of_settings(Settings(smtp_url=url)) == server


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://h", "smtp://", "smtp://h:x", "smtp://h?tls=maybe"]
)
def test_what_is_no_server(url: str) -> None:
    with pytest.raises(ConfigError, match="smtp_url"):
        of_settings(Settings(smtp_url=url))


def test_without_one() -> None:
    assert of_settings(Settings()) is None
