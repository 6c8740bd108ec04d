"""What a client gives as an e-mail, read and checked. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from gatepost.base import emails
from gatepost.base.clock import DAY_MS, SECOND_MS
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.emails_wire import AttachmentIn, EmailIn, TrackingIn
from gatepost.engine.compose import mail as mails
from gatepost.engine.compose.mail import Attachment, Mail
from gatepost.web.query import LAST_MS

AHEAD_MS_MAX = 366 * DAY_MS
MILLIS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds: as seconds they would be in the year 5138."""
TOO_LARGE = "Message too large"
NO_MOMENT = "Must be ISO 8601, or Unix seconds"
SPELT = {"replyTo": "reply_to", "contentType": "content_type", "contentId": "content_id"}
"""Members that have another name where an e-mail is checked."""


def spelt(refusal: AppError) -> AppError:
    """The same with the names that members have on this wire."""
    if refusal.code is not Code.INVALID or not refusal.fields:
        return refusal
    return invalid(*((_spell(one), one.message) for one in refusal.fields))


def _spell(one: FieldError) -> Sequence[str | int]:
    return [SPELT.get(step, step) if isinstance(step, str) else step for step in one.path]


def check(mail: Mail, settings: Settings) -> None:
    """Refuse what can be seen to be wrong; raises INVALID, or TOO_LARGE."""
    sizes = [len(one.content) for one in mail.attachments]
    texts = len(((mail.html or "") + (mail.text or "")).encode())
    if sum(sizes) + texts > settings.mail_bytes_max or any(
        one > settings.attachment_bytes_max for one in sizes
    ):
        raise wire.refusal(Code.TOO_LARGE, TOO_LARGE)
    problems = mails.check(mail, settings)
    if not mail.sender and mail.template is None:
        problems.insert(0, (["from"], "Required"))
    if problems:
        raise spelt(invalid(*problems))


def check_files(files: Sequence[AttachmentIn]) -> None:
    """Refuse attachments that say too much or too little; raises INVALID."""
    problems: list[tuple[Sequence[str | int], str]] = []
    for index, one in enumerate(files):
        at: list[str | int] = ["attachments", index]
        if (one.content is None) == (one.url is None):
            problems.append(([*at, "content"], "Give content or url, and not both"))
        elif one.content is not None and not one.content_type:
            problems.append(([*at, "content_type"], "Required with content"))
    if problems:
        raise invalid(*problems)


def mail_of(given: EmailIn) -> Mail:
    """What is wanted."""
    opens, clicks = _tracking(given.tracking)
    sender = given.sender or ""
    return Mail(
        to=several(given.to),
        sender=sender,
        cc=several(given.cc),
        bcc=several(given.bcc),
        reply_to=_unlike(sender, several(given.reply_to)),
        subject=given.subject or "",
        html=given.html or None,
        text=given.text or None,
        attachments=tuple(map(_attachment, given.attachments or ())),
        headers=given.headers or {},
        template=given.template,
        variables=given.variables or {},
        track_opens=opens,
        track_clicks=clicks,
        meta=_meta(given.meta if given.meta is not None else given.metadata or {}),
    )


def several(given: str | list[str] | None) -> tuple[str, ...]:
    """One address, or several, or none."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def read_moment(given: str | float | None, name: str = "scheduled_at") -> int | None:
    """Read a moment: ISO 8601, or Unix seconds or milliseconds; returns ms, raises INVALID."""
    if given is None:
        return None
    number = _number(given)
    if number is None:
        return _iso(str(given), name)
    found = number if abs(number) >= MILLIS_FROM else number * SECOND_MS
    if not math.isfinite(found) or not 0 <= found < LAST_MS:
        raise wire.problem(name, NO_MOMENT)
    return round(found)


def check_ahead(at: int | None, now: int) -> None:
    """Refuse a moment (ms) that is past, or too far ahead; raises INVALID."""
    if at is not None and not now < at <= now + AHEAD_MS_MAX:
        raise wire.problem("scheduled_at", "Must lie ahead, by at most a year")


def _number(given: str | float) -> float | None:
    try:
        return float(given)
    except ValueError:
        return None


def _iso(text: str, name: str) -> int:
    try:
        read = datetime.fromisoformat(text.strip())
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        return round(aware.timestamp() * SECOND_MS)
    except (ValueError, OverflowError):
        raise wire.problem(name, NO_MOMENT) from None


def _tracking(given: bool | TrackingIn | None) -> tuple[bool | None, bool | None]:  # noqa: FBT001 # it is how it is written
    if isinstance(given, TrackingIn):
        return (given.opens if given.loads is None else given.loads), given.clicks
    return given, given


def _unlike(sender: str, reply_to: tuple[str, ...]) -> tuple[str, ...]:
    """Whom to answer, without the sender, who is answered anyway."""
    return tuple(one for one in reply_to if _normal(one) != _normal(sender))


def _normal(text: str) -> str:
    try:
        return emails.normal(text)
    except ValueError:
        return text


def _meta(given: Mapping[str, str | float | bool]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else _plain(value) for name, value in given.items()
    }


def _plain(value: float | bool) -> str:  # noqa: FBT001 # what a client gives
    return msgspec.json.encode(value).decode()


def _attachment(one: AttachmentIn) -> Attachment:
    return Attachment(
        filename=one.filename,
        content=one.content or b"",
        content_type=one.content_type or "",
        content_id=one.content_id or "",
    )
