"""What a mail is: as somebody wants it, and as it is kept. Pure."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.domains.outbox.policy import STANDARD, Policy

RECIPIENTS_MAX = 50
REPLY_TO_MAX = 10
SUBJECT_MAX = 998
HEADERS_MAX = 50
HEADER_CHARS_MAX = 4000
ATTACHMENTS_MAX = 100
FILENAME_MAX = 255
CONTENT_ID_MAX = 200
BINARY = "application/octet-stream"

Problem = tuple[Sequence[str | int], str]

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]+")
OURS = frozenset(
    {
        "bcc",
        "cc",
        "date",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
    }
)
"""Headers that are not the caller's to set."""
ONE_CLICK = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
OUR_PREFIXES = ("arc-", "content-", "resent-", "x-gatepost-")


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file; one with a `content_id` is shown where the HTML names it as `cid:…`."""

    filename: str
    content: bytes
    content_type: str = ""
    content_id: str = ""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that somebody wants to be sent. Addresses are as people write them.

    `sender` may be empty where the template or the settings have one. `template` names texts that
    are filled with `variables`, which is done where it is `filled`. `provider` is a mailer's kind
    or id: then it alone is asked, and after it `fallback`. What is tracked of it is left to the
    sending domain where it is None. `meta` is the caller's own, and kept with it. Where there are
    some `only`, they alone get it, whoever it says that it is to. With `own` it leaves by mailers
    of the account alone, in the name of a domain of the account.
    """

    to: tuple[str, ...]
    sender: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str = ""
    html: str | None = None
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = {}
    template: str | None = None
    variables: Mapping[str, Any] = {}
    filled: bool = False
    unsubscribe: bool = False
    track_opens: bool | None = None
    track_clicks: bool | None = None
    provider: str | None = None
    fallback: str | None = None
    policy: Policy = STANDARD
    meta: Mapping[str, str] = {}
    only: tuple[str, ...] = ()
    own: bool = False

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets it, as they are named."""
        return self.only or (*self.to, *self.cc, *self.bcc)


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """An attachment without its content, which is kept under `id` (hex)."""

    id: str
    filename: str
    content_type: str
    content_id: str
    bytes: int


class Written(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mail as the outbox keeps it: what all of its recipients get."""

    sender: str = msgspec.field(name="from")
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str
    html: str | None = None
    text: str | None = None
    attachments: tuple[Part, ...] = ()
    headers: dict[str, str] = {}
    unsubscribe: bool = False
    template: str | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None
    meta: dict[str, str] = {}


class Envelope(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """To whom one delivery of a mail goes, and through whom it must if that is not left open: one
    that is named, or any of its account's `own`.
    """

    to: str
    provider: str | None = None
    fallback: str | None = None
    own: bool = False


def check(mail: Mail, settings: Settings) -> list[Problem]:
    """What is wrong with a mail, as far as it can be seen in itself."""
    lists = {"to": mail.to, "cc": mail.cc, "bcc": mail.bcc, "replyTo": mail.reply_to}
    problems = [one for name, given in lists.items() for one in _addresses(name, given)]
    if not mail.recipients:
        problems.append((["to"], "At least one recipient is required"))
    if len(mail.to) + len(mail.cc) + len(mail.bcc) > RECIPIENTS_MAX:
        problems.append((["to"], f"At most {RECIPIENTS_MAX} recipients, cc and bcc included"))
    if mail.sender:
        problems += _address(["from"], mail.sender)
    if mail.fallback and not mail.provider:
        problems.append((["fallback"], "Needs a provider"))
    if mail.fallback and mail.fallback == mail.provider:
        problems.append((["fallback"], "Must be another one than the provider"))
    return problems + _texts(mail) + _headers(mail) + _files(mail, settings)


def content_type(one: Attachment) -> str:
    """What kind of file an attachment is."""
    guessed, encoding = mimetypes.guess_type(one.filename)
    return one.content_type.lower() or (BINARY if encoding else guessed or BINARY)


def _texts(mail: Mail) -> list[Problem]:
    problems: list[Problem] = []
    open_ = mail.template is not None and not mail.filled
    if not open_ and not mail.subject:
        problems.append((["subject"], "Required"))
    if not open_ and not (mail.html or mail.text):
        problems.append((["text"], "Give html, text or both, or a template"))
    if len(mail.subject) > SUBJECT_MAX or not is_line(mail.subject):
        problems.append((["subject"], f"One line of at most {SUBJECT_MAX} characters"))
    return problems


def is_line(text: str) -> bool:
    """Whether a text is one line, so that no header can hide in it."""
    return not any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in text)


def _addresses(name: str, given: Iterable[str]) -> list[Problem]:
    return [one for index, text in enumerate(given) for one in _address([name, index], text)]


def _address(path: Sequence[str | int], text: str) -> list[Problem]:
    try:
        emails.read(text)
    except ValueError as wrong:
        return [(path, str(wrong))]
    return []


def _headers(mail: Mail) -> list[Problem]:
    problems: list[Problem] = []
    if len(mail.headers) > HEADERS_MAX:
        problems.append((["headers"], f"At most {HEADERS_MAX} headers"))
    ours = OURS | ONE_CLICK if mail.unsubscribe else OURS
    seen: set[str] = set()
    for name, value in mail.headers.items():
        folded = name.lower()
        if folded in seen:
            problems.append((["headers", name], "Is there twice"))
        seen.add(folded)
        if folded in ours or folded.startswith(OUR_PREFIXES):
            problems.append((["headers", name], "Is set by Gatepost"))
        elif not _HEADER.fullmatch(name) or not is_line(value) or len(value) > HEADER_CHARS_MAX:
            problems.append((["headers", name], "Not a header"))
    return problems


def _files(mail: Mail, settings: Settings) -> list[Problem]:
    problems: list[Problem] = []
    if len(mail.attachments) > ATTACHMENTS_MAX:
        problems.append((["attachments"], f"At most {ATTACHMENTS_MAX} attachments"))
    most = settings.attachment_bytes_max
    for index, one in enumerate(mail.attachments):
        at: list[str | int] = ["attachments", index]
        if not 0 < len(one.filename) <= FILENAME_MAX or not is_line(one.filename):
            problems.append(([*at, "filename"], "One line, not empty"))
        elif wrong := _extension(one.filename, settings):
            problems.append(([*at, "filename"], wrong))
        if one.content_type and not _TYPE.fullmatch(one.content_type.lower()):
            problems.append(([*at, "contentType"], "Must be as image/png"))
        if one.content_id and not _CONTENT_ID.fullmatch(one.content_id):
            problems.append(([*at, "contentId"], "Letters, digits and dots, without spaces"))
        if len(one.content) > most:
            problems.append(([*at, "content"], f"At most {most} bytes"))
    if _size(mail) > settings.mail_bytes_max:
        problems.append((["attachments"], f"A mail has at most {settings.mail_bytes_max} bytes"))
    return problems


def _extension(filename: str, settings: Settings) -> str | None:
    """What is wrong with how a name ends; dots and spaces behind it are passed over by many."""
    ending = filename.rstrip(". ").lower().rpartition(".")[2] if "." in filename else ""
    allowed = _names(settings.attachment_extensions)
    if allowed and ending not in allowed:
        return f"Must end in one of: {', '.join(sorted(allowed))}"
    refused = ending in _names(settings.attachment_extensions_refused)
    return f"Files that end in .{ending} are refused" if refused else None


@lru_cache(8)
def _names(text: str) -> frozenset[str]:
    words = (one.strip().lstrip(".").lower() for one in text.split(","))
    return frozenset(one for one in words if one)


def _size(mail: Mail) -> int:
    texts = (mail.html or "") + (mail.text or "")
    return len(texts.encode()) + sum(len(one.content) for one in mail.attachments)
