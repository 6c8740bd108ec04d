from email import message_from_bytes, policy
from email.headerregistry import Address as Parsed
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.emails import Address
from gatepost.delivery.email import mime, opened
from gatepost.delivery.email.mime import Papers
from gatepost.engine.compose.mail import Part, Written

LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)


def built(extra: dict[str, str] | None = None, **members: object) -> bytes:
    given_ = {"sender": "me@example.com", "to": ("you@example.com",), "subject": "x", "text": "y"}
    files = {"01": b"\0\xff\r\n.\r\n"}
    return mime.build(
        Papers(Written(**(given_ | members)), files, "<id@example.com>", 0, extra or {})  # type: ignore[arg-type] # members by name
    )


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, _class=EmailMessage, policy=policy.default)


def test_a_plain_one() -> None:
    assert built().decode() == (
        "From: me@example.com\r\n"
        "To: you@example.com\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
        "Message-ID: <id@example.com>\r\n"
        "Subject: x\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: 7bit\r\n"
        "MIME-Version: 1.0\r\n"
        "\r\n"
        "y\r\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        "Doe, Jane of the department that has a very long name, and of another one as well",
        '"quoted" \\ (comment) <angle> a@b; c:',
        "=?utf-8?q?evil?=",
        "Zoë, 😀",
        "x" * 200,
    ],
)
def test_names_are_read_as_they_were_given(name: str) -> None:
    people = (str(Address(name, "a", "example.com")), "b@example.com")
    read: tuple[Parsed, ...] = parsed(built(to=people))["To"].addresses
    shown = [(one.display_name, one.addr_spec) for one in read]
    assert shown == [(name, "a@example.com"), ("", "b@example.com")]


@given(LINES, LINES)
def test_no_text_makes_a_header_of_its_own(name: str, subject: str) -> None:
    person = str(Address(name.strip()[:200], "a", "example.com"))
    raw = built(sender=person, to=(person, person), subject=subject)
    message = parsed(raw)
    assert [key for key, _ in message.items()] == [
        "From",
        "To",
        "Date",
        "Message-ID",
        "Subject",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ]
    assert [one.addr_spec for one in message["To"].addresses] == ["a@example.com"] * 2
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.isascii()


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_texts_arrive_line_by_line(text: str) -> None:
    raw = built(text=text or "y")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"text/plain" in head
    assert raw.isascii()
    content = parsed(raw).get_content()
    assert content.encode().splitlines() == (text or "y").encode().splitlines()
    assert body


def test_links_are_not_folded() -> None:
    link = f"<https://example.com/{'a' * 300}>"
    raw = built({"List-Unsubscribe": link})
    assert f"List-Unsubscribe: {link}\r\n".encode() in raw


def test_addresses_in_utf_8_stay_so() -> None:
    raw = built(to=("用户@example.com", "Zoë <zoe@example.com>"), subject="Grüße")
    assert "To: 用户@example.com,\r\n =?utf-8?".encode() in raw
    assert opened.read(raw).headers[1][0] == "To"


def test_files_and_pictures() -> None:
    inline = Part("01", "löwe.png", "image/png", "logo", 7)
    file = Part("01", "a b.bin", "application/octet-stream", "", 7)
    raw = built(html="<img src='cid:logo'>", attachments=(inline, file))
    assert [tuple(one) for one in opened.read(raw).files] == [
        ("löwe.png", "image/png", "logo", 7),
        ("a b.bin", "application/octet-stream", None, 7),
    ]
    without = built(attachments=(inline,))
    (attached,) = parsed(without).iter_attachments()
    assert attached.get_filename() == "löwe.png"


def test_only_html() -> None:
    read = opened.read(built(text=None, html="<p>ü</p>"))
    assert (read.text, read.html) == (None, "<p>ü</p>\n")
