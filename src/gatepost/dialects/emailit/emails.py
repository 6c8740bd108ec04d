"""`/v2/emails`: e-mails that were sent, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import DeliveryId
from gatepost.delivery.email.writing import Writer
from gatepost.dialects.emailit import emails_again, emails_send, emails_show, lists, route, wire
from gatepost.dialects.emailit.emails_again import find, parse_id
from gatepost.dialects.emailit.emails_wire import (
    LIMIT,
    OUTBOUND,
    EmailBodyOut,
    EmailIn,
    EmailMetaOut,
    EmailOut,
    EmailsOut,
    EmailsQuery,
    FilesOut,
    ForwardIn,
    RawEmailOut,
    ScheduleIn,
    SentOut,
    WholeEmailOut,
)
from gatepost.dialects.emailit.envelope import EMAILS, reply
from gatepost.dialects.emailit.lists import Asked
from gatepost.domains.outbox.typed import Wanted
from gatepost.engine import mailed
from gatepost.engine.compose.mail import Written
from gatepost.engine.mailed import Mailed
from gatepost.engine.milestones import MAIL
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

PATH = "/v2/emails"
ONE = f"{PATH}/{{id}}"
TYPES = ("inbound", OUTBOUND)
SCANNED_MAX = 10_000
"""E-mails that are looked at, at most, to find a page of those that are asked for."""
CHUNK = 200
ERASED = "Email content not found"


class Listed(msgspec.Struct, frozen=True):
    """Which e-mails are listed; nothing that was `received` is here."""

    asked: Asked
    received: bool


def parse_list(call: Call, _body: bytes) -> Listed:
    """Read which e-mails; raises INVALID."""
    asked = lists.read(call, PATH, limit=LIMIT)
    kind = dict(queries.pairs(call)).get("type") or OUTBOUND
    if kind not in TYPES:
        raise invalid((["type"], f"Must be one of {', '.join(TYPES)}"))
    return Listed(asked, kind != OUTBOUND)


def list_(tx: Tx, call: Call, command: Listed) -> Reply:
    """A page of e-mails, newest first unless another order is asked for."""
    asked = command.asked
    if command.received:
        return lists.paged(call, [], asked, more=False)
    if asked.narrows:
        found, more = lists.cut(_each(tx, call), asked, _row, SCANNED_MAX)
    else:
        found = _some(tx, call, asked.offset, asked.limit + 1)
        found, more = found[: asked.limit], len(found) > asked.limit
    return lists.paged(call, [_row(one) for one in found], asked, more=more)


def get(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read one e-mail."""
    return reply(emails_show.whole(tx, find(tx, call, delivery_id)))


def meta(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read one e-mail without its text."""
    return reply(emails_show.meta(tx, find(tx, call, delivery_id)))


def body(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read what an e-mail says."""
    written = _said(find(tx, call, delivery_id))
    return reply(EmailBodyOut(call.params["id"], written.text, written.html))


def raw(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read an e-mail as it goes over the wire."""
    one = find(tx, call, delivery_id)
    written, files = _said(one), _files(tx, one)
    writer = Writer(call.services.settings, call.services.pepper)
    return reply(emails_show.raw(tx, writer, one, written, files))


def attachments(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read an e-mail's attachments."""
    one = find(tx, call, delivery_id)
    written, files = _said(one), _files(tx, one)
    shown = [emails_show.file(part, files[part.id]) for part in written.attachments]
    return reply(FilesOut(shown))


def _some(tx: Tx, call: Call, offset: int, limit: int) -> list[Mailed]:
    wanted = Wanted(call.project_id, MAIL)
    account_id = call.caller.account_id
    return mailed.page(tx, account_id, wanted, call.now, offset=offset, limit=limit)


def _each(tx: Tx, call: Call) -> Iterator[Mailed]:
    """All of the project's, newest first."""
    offset, found = 0, _some(tx, call, 0, CHUNK)
    while found:
        yield from found
        offset += len(found)
        found = _some(tx, call, offset, CHUNK)


def _row(one: Mailed) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(emails_show.email_(one))
    return shown


def _said(one: Mailed) -> Written:
    """What an e-mail says; raises NOT_FOUND once that was erased."""
    written = one.written
    if written is None:
        raise _erased()
    return written


def _files(tx: Tx, one: Mailed) -> dict[str, bytes]:
    """The contents of all its attachments; raises NOT_FOUND where one was erased."""
    files, written = mailed.files(tx, one), _said(one)
    if any(part.id not in files for part in written.attachments):
        raise _erased()
    return files


def _erased() -> AppError:
    return AppError(Code.NOT_FOUND, mailed.ERASED, extra={wire.WORDS: ERASED})


def _reading(operation: str, path: str, **more: Any) -> Endpoint:
    about: dict[str, Any] = {
        "scope": Scope.MESSAGES_READ,
        "charge": free,
        "writes": False,
        "tag": EMAILS,
    }
    return route.endpoint(operation, "GET", path, **about | more)


def _writing(operation: str, path: str, **more: Any) -> Endpoint:
    about: dict[str, Any] = {
        "scope": Scope.MESSAGES_SEND,
        "charge": free,
        "writes": True,
        "tag": EMAILS,
    }
    return route.endpoint(operation, "POST", path, **about | more)


_UNVERIFIED = emails_send.unverified(None, "ada@example.com")
_REPEATED = {200: "It was sent before, with this `Idempotency-Key`."}

ENDPOINTS = (
    _writing(
        "sendEmail",
        PATH,
        summary="Send an e-mail",
        description="Each recipient in `to`, `cc` and `bcc` gets an e-mail with an id of its own, "
        "and counts once. It is kept before it is acknowledged. With an `Idempotency-Key` it may "
        "be sent again within 24 hours, and is sent once: a repeat is answered 200 with the first "
        "reply, and its body is not compared. A moment that is past, or cannot be read, is "
        "refused. Attachments with a `url` are fetched first, from where deliveries may go. The "
        "reply tells by `ratelimit-limit`, `-remaining` and `-reset`, and `ratelimit-daily-…`, "
        "how the plan's limits of e-mails stand.",
        parse=emails_send.parse,
        prepare=emails_send.prepare,
        run=emails_send.run,
        charge=emails_send.charge,
        recipients=emails_send.recipients,
        idempotent=True,
        vector=True,
        bound=emails_send.body_bytes_max,
        status=201,
        further=_REPEATED,
        request=EmailIn,
        response=SentOut,
        example={
            "from": "Acme <hello@example.com>",
            "to": "ada@example.com",
            "subject": "Hello",
            "html": "<h1>Welcome!</h1>",
        },
        errors=(Code.NOT_FOUND, Code.QUOTA_EXCEEDED, Code.IDEMPOTENCY_CONFLICT),
        samples=(_UNVERIFIED, wire.refusal(Code.NOT_FOUND, emails_send.NO_TEMPLATE)),
    ),
    _reading(
        "listEmails",
        PATH,
        summary="List e-mails",
        description=f"Newest first; one for each recipient. Filters and searches look at "
        f"{SCANNED_MAX:,} at most.",
        parse=parse_list,
        run=list_,
        query=EmailsQuery,
        response=EmailsOut,
        errors=(Code.RANGE_TOO_LARGE,),
    ),
    _reading(
        "getEmail",
        ONE,
        summary="Read an e-mail",
        description="`status` is one of `accepted`, `scheduled`, `attempted`, `delivered`, "
        "`loaded`, `clicked`, `bounced`, `failed`, `suppressed` and `canceled`.",
        parse=parse_id,
        run=get,
        response=WholeEmailOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "getEmailRaw",
        f"{ONE}/raw",
        summary="Read an e-mail as it goes over the wire",
        parse=parse_id,
        run=raw,
        response=RawEmailOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "getEmailBody",
        f"{ONE}/body",
        summary="Read the text of an e-mail",
        parse=parse_id,
        run=body,
        response=EmailBodyOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "getEmailMeta",
        f"{ONE}/meta",
        summary="Read all of an e-mail but its text",
        parse=parse_id,
        run=meta,
        response=EmailMetaOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "getEmailAttachments",
        f"{ONE}/attachments",
        summary="Read the attachments of an e-mail",
        parse=parse_id,
        run=attachments,
        response=FilesOut,
        errors=(Code.NOT_FOUND,),
    ),
    _writing(
        "updateEmail",
        ONE,
        summary="Send an e-mail at another moment",
        description="One that is scheduled, and due in no less than 3 minutes.",
        parse=emails_again.parse_schedule,
        run=emails_again.reschedule,
        request=ScheduleIn,
        response=EmailOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT),
        samples=(_UNVERIFIED,),
    ),
    _writing(
        "cancelEmail",
        f"{ONE}/cancel",
        summary="Cancel an e-mail",
        description="One that has not arrived and is not being sent; if it is scheduled, it must "
        "be due in no less than 3 minutes.",
        parse=parse_id,
        run=emails_again.cancel,
        response=EmailOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT),
        samples=(_UNVERIFIED,),
    ),
    _writing(
        "retryEmail",
        f"{ONE}/retry",
        summary="Send an e-mail once more",
        description="One that bounced, failed or was suppressed in the last 30 days becomes a new "
        "e-mail. It counts against the plan's quota.",
        parse=parse_id,
        run=emails_again.retry,
        charge=emails_again.charge_one,
        status=201,
        response=SentOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.QUOTA_EXCEEDED),
        samples=(_UNVERIFIED,),
    ),
    _writing(
        "forwardEmail",
        f"{ONE}/forward",
        summary="Send an e-mail to somebody else",
        description="As a new e-mail, which counts like any other; three times in an hour.",
        parse=emails_again.parse_forward,
        prepare=emails_again.prepare_forward,
        run=emails_again.forward,
        charge=emails_again.charge_forward,
        recipients=emails_again.recipients,
        idempotent=True,
        status=201,
        further=_REPEATED,
        request=ForwardIn,
        response=SentOut,
        example={"to": "ada@example.com"},
        errors=(
            Code.NOT_FOUND,
            Code.CONFLICT,
            Code.QUOTA_EXCEEDED,
            Code.IDEMPOTENCY_CONFLICT,
        ),
        samples=(_UNVERIFIED,),
    ),
)
