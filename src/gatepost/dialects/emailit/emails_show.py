"""E-mails, written for Emailit's wire; and how limits stand after one was sent."""

from __future__ import annotations

import base64
import email.utils
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

import msgspec
from msgspec import UNSET

from gatepost.base import emails, ids
from gatepost.delivery.email import mime, writing
from gatepost.delivery.email.writing import Writer
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.emails_wire import (
    OUTBOUND,
    EmailMetaOut,
    EmailOut,
    FileOut,
    RawEmailOut,
    SentOut,
    TextsOut,
    TrackingOut,
    WholeEmailOut,
    WholeFileOut,
)
from gatepost.domains.emaildomains import store as domains
from gatepost.domains.emaildomains.model import SendingDomain
from gatepost.domains.outbox.model import Delivery, Message, State
from gatepost.engine import milestones
from gatepost.engine.compose.mail import Part, Written
from gatepost.engine.mailed import Mailed
from gatepost.engine.notify import Notified
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Header


def sent(tx: Tx, call: Call, done: Notified, original: Delivery | None = None) -> SentOut:
    """What was accepted; of one that was sent once more, `original` is the one before."""
    now = call.now
    every = [Mailed(done.message, one, milestones.status_of(one, now)) for one in done.deliveries]
    first = every[0]
    written = first.written or NOTHING
    return SentOut(
        id=_id(first.delivery),
        ids={one.envelope.to: _id(one.delivery) for one in every},
        token=_token(done.message),
        message_id=writing.message_id(done.message, written),
        sender=milestones.sender_of(written),
        to=[emails.read(text).spec for text in written.to],
        subject=written.subject,
        status=first.status,
        scheduled_at=_scheduled(first.delivery),
        created_at=wire.exact(ids.time_of(first.delivery.id)),
        tracking=_tracking(written, _domain(tx, first, written)),
        original_id=UNSET if original is None else _id(original),
    )


def email_(one: Mailed) -> EmailOut:
    """An e-mail without its text."""
    return EmailOut(**_usual(one, one.written))


def meta(tx: Tx, one: Mailed) -> EmailMetaOut:
    """An e-mail with its headers."""
    written = one.written
    return EmailMetaOut(**_usual(one, written), **_more(tx, one, written))


def whole(tx: Tx, one: Mailed) -> WholeEmailOut:
    """An e-mail with its text."""
    written = one.written
    texts = TextsOut(None, None) if written is None else TextsOut(written.text, written.html)
    return WholeEmailOut(**_usual(one, written), **_more(tx, one, written), body=texts)


def raw(
    tx: Tx, writer: Writer, one: Mailed, written: Written, files: Mapping[str, bytes]
) -> RawEmailOut:
    """An e-mail as it goes over the wire."""
    domain = _domain(tx, one, written)
    papers = writer.papers(one.message, one.delivery, written, one.envelope, files, domain)
    text = mime.build(papers).decode("utf-8", "replace")
    return RawEmailOut(**_usual(one, written), **_more(tx, one, written), raw=text)


def file(part: Part, content: bytes) -> WholeFileOut:
    """An attachment."""
    about = msgspec.structs.asdict(_file(part))
    return WholeFileOut(**about, content=base64.b64encode(content).decode())


def standings(call: Call) -> tuple[Header, ...]:
    """`ratelimit-*`: how the limits of e-mails stand after one."""
    found: list[tuple[bytes, int]] = []
    if call.posted is not None:
        tight = call.posted.tightest
        found.append((b"ratelimit-limit", tight.window.limit))
        found.append((b"ratelimit-remaining", tight.remaining))
        found.append((b"ratelimit-reset", ceil(tight.reset_s)))
    if call.lefts:
        left = min(call.lefts, key=lambda one: one.resets_at)
        found.append((b"ratelimit-daily-limit", left.limit))
        found.append((b"ratelimit-daily-remaining", left.remaining))
        found.append((b"ratelimit-daily-reset", ceil((left.resets_at - call.now) / 1000)))
    return tuple((name, b"%d" % number) for name, number in found)


NOTHING = Written(sender="", to=(), subject="")


def _usual(one: Mailed, written: Written | None) -> dict[str, Any]:
    """The members that an e-mail has everywhere; less of one whose text was erased."""
    return {
        "id": _id(one.delivery),
        "type": OUTBOUND,
        "sender": None if written is None else milestones.sender_of(written),
        "to": one.envelope.to,
        "subject": None if written is None else written.subject,
        "status": one.status,
        "size": 0 if written is None else _size(written),
        "scheduled_at": _scheduled(one.delivery),
        "created_at": wire.exact(ids.time_of(one.delivery.id)),
        "updated_at": wire.exact(milestones.changed_at(one.delivery)),
        "meta": {} if written is None else written.meta,
    }


def _more(tx: Tx, one: Mailed, written: Written | None) -> dict[str, Any]:
    said = written or NOTHING
    return {
        "token": _token(one.message),
        "message_id": None if written is None else writing.message_id(one.message, written),
        "headers": {} if written is None else _headers(one, written),
        "attachments": [_file(part) for part in said.attachments],
        "tracking": _tracking(said, None if written is None else _domain(tx, one, written)),
        "error": one.delivery.error,
    }


def _headers(one: Mailed, written: Written) -> dict[str, str]:
    """Those that everybody who gets it can see."""
    at = datetime.fromtimestamp(ids.time_of(one.message.id) / 1000, UTC)
    usual = {
        "From": milestones.sender_of(written),
        "To": ", ".join(written.to),
        "Cc": ", ".join(written.cc),
        "Reply-To": ", ".join(written.reply_to),
        "Subject": written.subject,
        "Date": email.utils.format_datetime(at),
        "Message-ID": writing.message_id(one.message, written),
    }
    return {name: value for name, value in usual.items() if value} | written.headers


def _file(part: Part) -> FileOut:
    return FileOut(part.filename, part.content_type, part.content_id or None, part.bytes)


def _size(written: Written) -> int:
    texts: Sequence[str | None] = (written.html, written.text)
    return sum(len((text or "").encode()) for text in texts) + sum(
        part.bytes for part in written.attachments
    )


def _scheduled(one: Delivery) -> str | None:
    """When it was to be sent, as far as no attempt has moved that."""
    moved = one.manual or one.attempts > (one.state is not State.PENDING)
    at_once = one.due_at <= ids.time_of(one.id)
    return None if moved or at_once else wire.exact(one.due_at)


def _tracking(written: Written, domain: SendingDomain | None) -> TrackingOut:
    return TrackingOut(*writing.tracked(written, domain))


def _domain(tx: Tx, one: Mailed, written: Written) -> SendingDomain | None:
    address = emails.read(written.sender).spec
    return domains.sender_of(tx, one.message.account_id, address)


def _id(one: Delivery) -> str:
    return ids.show(wire.EMAIL, one.id)


def _token(message: Message) -> str:
    return message.id.hex()
