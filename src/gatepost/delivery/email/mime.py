"""Mails as they go over the wire (RFC 5322, MIME). Pure."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage, MIMEPart
from hashlib import blake2b
from typing import NamedTuple

from gatepost.base import emails
from gatepost.engine.compose.mail import Part, Written

NOBODY = "undisclosed-recipients:;"
PLAIN = policy.SMTP.clone(cte_type="7bit")
UTF8 = policy.SMTPUTF8.clone(cte_type="7bit")
WORD_CHARS_MAX = 75
ENCODED = "=?"
BOUNDARY_BYTES = 16


class Papers(NamedTuple):
    """What a mail consists of: `files` by their parts' ids; `at` in ms; `extra` are headers of
    ours.
    """

    written: Written
    files: Mapping[str, bytes]
    message_id: str
    at: int
    extra: Mapping[str, str]


def needs_utf8(written: Written) -> bool:
    """Whether an address that everybody sees can be written in UTF-8 only."""
    seen = (written.sender, *written.to, *written.cc, *written.reply_to)
    return not all(emails.read(one).is_ascii for one in seen)


def build(papers: Papers) -> bytes:
    """Write a mail, with CRLF at the ends of its lines."""
    written = papers.written
    message = EmailMessage(policy=UTF8 if needs_utf8(written) else PLAIN)
    message["Subject"] = written.subject
    for name, value in written.headers.items():
        message[name] = value
    inline = [one for one in written.attachments if one.content_id and written.html]
    _texts(message, written, [(one, papers.files[one.id]) for one in inline])
    for part in written.attachments:
        if part not in inline:
            kind, _, subtype = part.content_type.partition("/")
            content = papers.files[part.id]
            message.add_attachment(content, maintype=kind, subtype=subtype, filename=part.filename)
    _bound(message, papers.message_id)
    return _head(papers) + message.as_bytes()


def _bound(message: EmailMessage, message_id: str) -> None:
    """Part a mail in the same way whenever it is written."""
    mark = blake2b(message_id.encode(), digest_size=BOUNDARY_BYTES).hexdigest()
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{mark}_{number}")


def _head(papers: Papers) -> bytes:
    """The headers with addresses and links: the library would fold them so that they mean
    something else.
    """
    written = papers.written
    head = {
        "From": _people([written.sender]),
        "To": _people(written.to) or NOBODY,
        "Cc": _people(written.cc),
        "Reply-To": _people(written.reply_to),
        "Date": email.utils.format_datetime(datetime.fromtimestamp(papers.at / 1000, UTC)),
        "Message-ID": papers.message_id,
        **papers.extra,
    }
    return "".join(f"{name}: {value}\r\n" for name, value in head.items() if value).encode()


def _people(given: Sequence[str]) -> str:
    return ",\r\n ".join(_person(emails.read(text)) for text in given)


def _person(one: emails.Address) -> str:
    """An address with its name: quoted, or in encoded words (RFC 2047) where it must be."""
    if not one.name:
        return one.spec
    if one.name.isascii() and ENCODED not in one.name:
        return f"{emails.quoted(one.name)} <{one.spec}>"
    words = Header(one.name, "utf-8", maxlinelen=WORD_CHARS_MAX).encode(linesep="\r\n")
    return f"{words}\r\n <{one.spec}>"


def _texts(message: EmailMessage, written: Written, inline: list[tuple[Part, bytes]]) -> None:
    if not written.html:
        message.set_content(written.text or "")
        return
    if not written.text:
        message.set_content(written.html, subtype="html")
        page: MIMEPart = message
    else:
        message.set_content(written.text)
        message.add_alternative(written.html, subtype="html")
        page = list(message.iter_parts())[-1]
    for part, content in inline:
        kind, _, subtype = part.content_type.partition("/")
        page.add_related(
            content,
            maintype=kind,
            subtype=subtype,
            cid=f"<{part.content_id}>",
            filename=part.filename,
            disposition="inline",
        )
