"""A mail as it came by SMTP, as one of ours: it is written anew when it is sent. Pure."""

from __future__ import annotations

import codecs
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gatepost.base import emails
from gatepost.base.emails import Address
from gatepost.base.errors import AppError, invalid
from gatepost.engine.compose import mail as mails
from gatepost.engine.compose.mail import Attachment, Mail
from gatepost.submission.parts import Part, clean, malformed, spoken, take_apart

SEALED = frozenset(
    {
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "multipart/encrypted",
        "multipart/signed",
    }
)
TEXTS = {"text/plain": "text", "text/html": "html"}
# Decoders of Python that take long, or make of bytes what no mail program would.
CODECS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
EMPTY = "\n"
LINES_MAX = 500_000
LINE_BYTES_MIN = 40
"""A mail may have so many lines, and more where they are so long on average."""


class Body(msgspec.Struct):
    """What is in a mail besides its headers, as it is found."""

    texts: dict[str, list[str]]
    files: list[Attachment]


def read(content: bytes, recipients: Sequence[str]) -> Mail:
    """Read a mail to those whom the envelope names; raises INVALID."""
    _check(content)
    try:
        return _mail(take_apart(content), recipients)
    except AppError:
        raise
    except Exception:  # noqa: BLE001 # Python's parser has faults of many kinds
        raise malformed() from None


def _check(content: bytes) -> None:
    """Refuse what some servers take for the end of a line or of a mail."""
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines:
        raise invalid(([], "Lines end with CR and LF together, and neither stands alone"))
    if lines > max(LINES_MAX, len(content) // LINE_BYTES_MIN):
        raise invalid(([], "Too many lines"))
    if b"\0" in content:
        raise invalid(([], "A mail has no NUL"))


def _mail(whole: Part, recipients: Sequence[str]) -> Mail:
    sender = _sender(whole)
    wanted = _once(recipients)
    to, cc = _named(whole, "to"), _named(whole, "cc")
    if len(to) + len(cc) + len(wanted) > mails.RECIPIENTS_MAX:
        to, cc = _among(to, wanted), _among(cc, wanted)
    seen = {emails.normal(one.spec) for one in (*to, *cc)}
    body = Body({"text": [], "html": []}, [])
    for part in _leaves(whole):
        _sort(part, body)
    text, html = _joined(body.texts["text"]), _joined(body.texts["html"])
    return Mail(
        sender=str(sender),
        to=tuple(map(str, to)),
        cc=tuple(map(str, cc)),
        bcc=tuple(one for normal, one in wanted.items() if normal not in seen),
        only=tuple(wanted.values()),
        reply_to=_reply_to(whole, sender),
        subject=spoken(str(whole.only("subject") or "").strip()),
        text=text if text or html else EMPTY,
        html=html or None,
        attachments=tuple(_placed(one, html) for one in body.files),
        headers=_further(whole),
    )


# Headers


def _people(whole: Part, name: str) -> list[Address | None]:
    """Whom a header names; None stands for what is no address."""
    header = whole.only(name)
    return [] if header is None else [_person(one) for one in header.addresses]


def _person(given: Any) -> Address | None:
    try:
        return emails.read(given.addr_spec)._replace(name=spoken(given.display_name))
    except ValueError:
        return None


def _sender(whole: Part) -> Address:
    found = _people(whole, "from")
    if len(found) != 1 or found[0] is None:
        raise invalid((["From"], "Must name one address"))
    return _readable("From", found[0])


def _readable(name: str, one: Address) -> Address:
    """A person whose name may be shown; raises INVALID."""
    try:
        return emails.read(str(one))
    except ValueError as wrong:
        raise invalid(([name], str(wrong))) from None


def _named(whole: Part, name: str) -> list[Address]:
    """Whom a header names, once each, as far as those are addresses; raises INVALID."""
    found = [_readable(name, one) for one in _people(whole, name) if one is not None]
    return list({emails.normal(one.spec): one for one in reversed(found)}.values())[::-1]


def _once(recipients: Sequence[str]) -> dict[str, str]:
    """Recipients as they were spelled first, by what all spellings have in common."""
    found: dict[str, str] = {}
    for one in recipients:
        found.setdefault(emails.normal(one), one)
    return found


def _among(people: Sequence[Address], wanted: Mapping[str, str]) -> list[Address]:
    return [one for one in people if emails.normal(one.spec) in wanted]


def _reply_to(whole: Part, sender: Address) -> tuple[str, ...]:
    """Who gets answers, unless that is the sender anyway."""
    found = [_readable("Reply-To", one) for one in _people(whole, "reply-to") if one is not None]
    if len(found) > mails.REPLY_TO_MAX:
        raise invalid((["Reply-To"], f"At most {mails.REPLY_TO_MAX} addresses"))
    if [one.spec for one in found] == [sender.spec]:
        return ()
    return tuple(str(one) for one in found)


def _further(whole: Part) -> dict[str, str]:
    """The sender's own headers; of those that are there twice, the first."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in whole.others(_is_ours):
        found.setdefault(name.lower(), (name, value))
    return dict(found.values())


def _is_ours(name: str) -> bool:
    return name in mails.OURS or name.startswith(mails.OUR_PREFIXES)


# Body


def _leaves(part: Part) -> Iterator[Part]:
    """The parts that have a content of their own; a message within is one. Raises INVALID."""
    if part.kind in SEALED:
        raise invalid(([], "Signed and encrypted mails cannot be taken: mails are written anew"))
    if part.get_content_maintype() != "multipart":
        yield part
        return
    if not part.is_multipart():
        raise malformed()
    for one in part.children():
        yield from _leaves(one)


def _sort(part: Part, body: Body) -> None:
    place = TEXTS.get(part.kind)
    attached = part.get_content_disposition() == "attachment" or part.get_filename()
    if place is None or attached:
        body.files.append(_file(part, len(body.files) + 1))
    else:
        body.texts[place].append(_text(part))


def _text(part: Part) -> str:
    """What a part says, in whatever it is encoded."""
    content, charset = _content(part), part.get_content_charset() or "utf-8"
    try:
        name = codecs.lookup(charset).name
        text = content.decode("utf-8" if name in CODECS else name, "replace")
    except (LookupError, ValueError):
        text = content.decode("utf-8", "replace")
    if "\0" in text:
        raise invalid(([], "A mail has no NUL"))
    return spoken(text).replace("\r\n", "\n")


def _joined(texts: Sequence[str]) -> str:
    return "\n".join(one for one in texts if one.strip())


def _file(part: Part, number: int) -> Attachment:
    kind = part.kind
    known = ".eml" if kind == "message/rfc822" else mimetypes.guess_extension(kind)
    return Attachment(
        filename=spoken(part.get_filename() or f"attachment-{number}{known or '.bin'}"),
        content=_content(part),
        content_type=kind,
        content_id=clean(str(part.get("content-id", ""))).strip().strip("<>"),
    )


def _content(part: Part) -> bytes:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise malformed()
    return content


def _placed(one: Attachment, html: str) -> Attachment:
    """An attachment that is shown within the HTML only where that names it."""
    shown = one.content_id and f"cid:{one.content_id}" in html
    return one if shown else msgspec.structs.replace(one, content_id="")
