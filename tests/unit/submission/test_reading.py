"""Whatever comes, it is read or refused in words; what is read can be kept."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.clock import MINUTE_MS
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, Spent, invalid
from gatepost.engine.compose import mail as mails
from gatepost.engine.compose.mail import Mail
from gatepost.submission import answers, login
from gatepost.submission.reading import read

LINES = st.sampled_from(
    [
        b"From: Ada <ada@example.com>",
        b"To: jane@example.com, undisclosed: a@b.c;",
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?= \xc3\xbc",
        b"Content-Type: multipart/mixed; boundary=b",
        b'Content-Type: multipart/alternative; boundary="b"',
        b"Content-Type: text/html; charset=utf-16",
        b"Content-Type: message/rfc822",
        b"Content-Type: message/delivery-status",
        b"Content-Type: text/plain; name*0*=utf-7''%2B2AA; name*1=x",
        b'Content-Disposition: attachment; filename="\xff"',
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-ID: <a b>",
        b" folded",
        b"",
        b"--b",
        b"--b--",
        b"aGVsbG8=",
        b"=C3=BC=\xff",
        b"X-Own: \xf0\x9f\x98\x80 =?utf-7?q?+2AA-?=",
    ]
)
JUNK = st.binary(max_size=60).map(lambda text: text.replace(b"\r", b"").replace(b"\n", b""))


def tried(content: bytes) -> Mail | AppError:
    try:
        return read(content, ["jane@example.com", "JANE@EXAMPLE.COM", "sam@example.com"])
    except AppError as refusal:
        return refusal


@given(lines=st.lists(LINES | JUNK, max_size=40), headed=st.booleans())
def test_any_lines_are_a_mail_or_refused(lines: list[bytes], *, headed: bool) -> None:
    head = [b"From: ada@example.com", b"Subject: x"] if headed else []
    found = tried(b"".join(one + b"\r\n" for one in [*head, *lines]))
    if isinstance(found, AppError):
        assert found.code is Code.INVALID
        assert answers.of_mail(found).startswith("554 5.6.0 ")
        return
    assert found.only == ("jane@example.com", "sam@example.com")
    assert msgspec.json.decode(msgspec.json.encode(found)) is not None
    mails.check(found, Settings())


def test_a_message_within_stays_as_it_was() -> None:
    inner = (
        b"From: Zo\xc3\xab <zoe@example.com>\r\nSubject: " + b"long " * 40 + b"\r\n"
        b"X-Raw: \xff\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
        b"--i\r\n\r\nFrom the start: \xff\r\n--i--\r\n"
    )
    head = b"From: a@b.example\r\nSubject: x\r\nContent-Type: message/rfc822\r\n\r\n"
    found = read(head + inner, ["jane@example.com"])
    assert [(one.filename, one.content) for one in found.attachments] == [
        ("attachment-1.eml", inner)
    ]


@given(st.text(max_size=1000))
def test_a_reply_is_always_a_line(text: str) -> None:
    said = answers.of_mail(AppError(Code.FORBIDDEN, text))
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 510


@given(st.text(max_size=100))
def test_a_login_is_read_or_refused(text: str) -> None:
    for reader in (login.text, login.plain):
        with contextlib.suppress(ValueError):
            assert reader(text) is not None


def test_a_login_does_not_show_its_secret() -> None:
    assert "hush" not in repr(login.Login("emailit", "hush"))


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (AppError(Code.UNAUTHENTICATED), "535 5.7.8 Authentication credentials invalid"),
        (AppError(Code.TOO_LARGE), "552 5.3.4 Message too large"),
        (AppError(Code.THROTTLED, "Wait", retry_after_s=1), "452 4.4.5 Wait"),
        (AppError(Code.THROTTLED, "Wait", retry_after_s=7200), "452 4.5.3 Wait"),
        (
            AppError(Code.QUOTA_EXCEEDED, "Spent", spent=Spent(1, MINUTE_MS)),
            "452 4.5.3 Spent",
        ),
        (AppError(Code.ACCOUNT_INACTIVE, "Off"), "550 5.7.1 Off"),
        (invalid((["attachments", 0, "filename"], "Bad")), "554 5.6.0 attachments.0.filename: Bad"),
        (
            AppError(Code.UNAVAILABLE),
            "451 4.3.0 The database cannot answer now, try again later",
        ),
        (AppError(Code.INTERNAL), "451 4.3.0 Something went wrong, try again later"),
    ],
)
def test_answers(refusal: AppError, said: str) -> None:
    assert answers.of_mail(refusal) == said


@pytest.mark.parametrize("code", Code)
def test_every_refusal_has_an_answer(code: Code) -> None:
    refusal = AppError(code, "Words", retry_after_s=1.0)
    assert answers.of_mail(refusal)[:3] in {"451", "452", "530", "535", "550", "552", "554"}
    assert answers.of_login(refusal)[:3] in {"421", "454", "535"}
