"""A mail read back, to be shown. Pure."""

from __future__ import annotations

from email import message_from_string, policy
from email.message import EmailMessage
from typing import NamedTuple


class File(NamedTuple):
    """A file that is with it; `size` in bytes."""

    filename: str
    content_type: str
    content_id: str | None
    size: int


class Opened(NamedTuple):
    """What a mail program shows."""

    headers: list[tuple[str, str]]
    text: str | None
    html: str | None
    files: list[File]


def read(raw: bytes) -> Opened:
    """Read a mail as we write it."""
    message = _message(raw)
    return Opened(
        headers=[(name, str(value)) for name, value in message.items()],
        text=_text(message, "plain"),
        html=_text(message, "html"),
        files=[_file(part) for part in message.walk() if part.get_filename()],
    )


def file(raw: bytes, index: int) -> tuple[File, bytes] | None:
    """One of a mail's files with its content, by its place among them; None for none."""
    parts = [part for part in _message(raw).walk() if part.get_filename()]
    if not 0 <= index < len(parts):
        return None
    content = parts[index].get_payload(decode=True)
    return _file(parts[index]), content if isinstance(content, bytes) else b""


def _message(raw: bytes) -> EmailMessage:
    # Addresses may be in UTF-8, all else is ASCII: the parser of bytes would not see that.
    return message_from_string(raw.decode(), _class=EmailMessage, policy=policy.default)


def _text(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None or part.get_content_subtype() != kind:
        return None
    return str(part.get_content()).replace("\r\n", "\n")


def _file(part: EmailMessage) -> File:
    content = part.get_payload(decode=True)
    marked = str(part["Content-ID"] or "").strip("<>")
    size = len(content) if isinstance(content, bytes) else 0
    return File(part.get_filename() or "", part.get_content_type(), marked or None, size)
