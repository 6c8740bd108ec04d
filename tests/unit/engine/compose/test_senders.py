import msgspec

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, MailerId
from gatepost.domains.mailers.model import Mailer, MailerKind, Tls
from gatepost.engine.compose import senders
from gatepost.engine.compose.senders import Way

FIRST = Mailer(
    account_id=AccountId(bytes(16)),
    id=MailerId(b"1" * 16),
    name="first",
    kind=MailerKind.SMTP,
    priority=1,
    enabled=True,
    any_sender=False,
    host="mail.example.com",
    port=587,
    tls=Tls.REQUIRED,
    username="",
    region="",
    url="",
    stream="",
    secret=b"",
    created_at=0,
    updated_at=0,
)
SECOND = msgspec.structs.replace(
    FIRST, id=MailerId(b"2" * 16), kind=MailerKind.RESEND, any_sender=True
)
OFF = msgspec.structs.replace(FIRST, enabled=False)
OURS = Settings(smtp_url="smtp://h", mail_from="Us <us@example.net>")
JANE = emails.read("jane@example.com")


def test_an_accounts_mailers_go_before_the_installations_server() -> None:
    assert senders.ways([FIRST, SECOND], OURS) == [Way(FIRST), Way(SECOND)]
    assert senders.ways([OFF], OURS) == [Way(None)]
    assert senders.ways([], Settings()) == [Way(None, caught=True)]


def test_a_verified_domain_may_go_any_way() -> None:
    ways = [Way(FIRST), Way(SECOND), Way(None), Way(None, caught=True)]
    assert all(way.takes(JANE, OURS, verified=True) for way in ways)


def test_without_one_only_where_somebody_answers_for_it() -> None:
    ways = [Way(FIRST), Way(SECOND), Way(None), Way(None, caught=True)]
    assert [way.takes(JANE, OURS, verified=False) for way in ways] == [False, True, False, True]
    us = emails.read("Anybody <US@example.net>")
    assert not Way(None).takes(us, OURS, verified=False)
    assert Way(None).takes(emails.read("us@EXAMPLE.net"), OURS, verified=False)
    nobodys = Settings(smtp_url="smtp://h")
    assert not Way(None).takes(us, nobodys, verified=False)


def test_those_that_are_named() -> None:
    assert senders.forced([FIRST, SECOND], ["RESEND", "smtp"]) == [Way(SECOND), Way(FIRST)]
    assert senders.forced([FIRST, SECOND], [f"mailer_{(b'1' * 16).hex()}", None]) == [Way(FIRST)]
    assert senders.forced([OFF, SECOND], ["smtp", "postmark"]) == []


def test_whom_a_mail_is_from_that_names_nobody() -> None:
    assert senders.default(OURS) == "Us <us@example.net>"
    assert senders.default(Settings()) == senders.NOBODY
    assert senders.default(Settings(smtp_url="smtp://h")) == ""
