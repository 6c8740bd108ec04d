"""`/v1/mailbox`: mails that were caught, because nobody is there to take them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, emails, ids
from gatepost.base.errors import Code, invalid, not_found
from gatepost.base.ids import MailId
from gatepost.delivery.email import opened
from gatepost.dialects.native import admin, reading
from gatepost.dialects.native.admin import Cursor, Limit
from gatepost.dialects.native.envelope import ok
from gatepost.domains.mailbox import store
from gatepost.domains.mailbox.model import Mail
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

NOUN = "mail"
MEDIA = "message/rfc822"
BINARY = "application/octet-stream"
RECIPIENT_MAX = 320
DIGITS_MAX = 4
NO_FILE = "attachment with this number"

Recipient = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=RECIPIENT_MAX,
        description="Those to one address.",
        examples=["jane@example.com"],
    ),
]


class MailOut(msgspec.Struct, rename="camel"):
    """A caught mail."""

    id: str
    project_id: str
    message_id: str
    delivery_id: str
    sender: str = msgspec.field(name="from")
    recipient: Annotated[str, Meta(description="Whose copy it is.")]
    subject: str
    size: Annotated[int, Meta(description="In bytes.")]
    created_at: str


class FileOut(msgspec.Struct, rename="camel"):
    """A file that was with it."""

    filename: str
    content_type: str
    content_id: str | None
    size: int


class WholeMailOut(MailOut, rename="camel"):
    """A caught mail as a mail program shows it."""

    headers: Annotated[list[list[str]], Meta(description="Names and values, in their order.")]
    text: str | None
    html: str | None
    attachments: list[FileOut]


class MailboxOut(msgspec.Struct, rename="camel"):
    """A page of caught mails; `next_cursor` is null on the last one."""

    mails: list[MailOut]
    next_cursor: str | None


class MailboxQuery(msgspec.Struct, frozen=True):
    """Which mails, and which page of them."""

    recipient: Recipient | UnsetType = UNSET
    project: Annotated[str, Meta(description="A project's id.")] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


def parse_list(call: Call, _body: bytes) -> MailboxQuery:
    """Read which mails; raises INVALID."""
    query: MailboxQuery = queries.read(call, MailboxQuery)
    admin.read_cursor(query.cursor)
    return query


def list_(tx: Tx, call: Call, query: MailboxQuery) -> Reply:
    """A page of mails, newest first."""
    found = store.list_(
        tx,
        call.caller.account_id,
        project_id=reading.project(call, query.project),
        recipient=_spec(query.recipient),
        before=admin.read_cursor(query.cursor),
        limit=query.limit + 1,
    )
    page = paging.page(found, query.limit, lambda one: one.id)
    return ok(call, MailboxOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> MailId:
    """Read the id in the path; raises NOT_FOUND."""
    return MailId(ids.parse(NOUN, call.params["id"]))


def get(tx: Tx, call: Call, mail_id: MailId) -> Reply:
    """Read one mail."""
    mail, raw = _find(tx, call, mail_id)
    return ok(call, whole(mail, raw))


def get_raw(tx: Tx, call: Call, mail_id: MailId) -> Reply:
    """Read one mail as it would have gone over the wire."""
    _, raw = _find(tx, call, mail_id)
    headers = (
        (b"content-type", MEDIA.encode()),
        (b"content-disposition", b'attachment; filename="mail.eml"'),
    )
    return Reply(200, raw, headers)


def parse_file(call: Call, body: bytes) -> tuple[MailId, int]:
    """Read the mail in the path, and which of its files; raises NOT_FOUND."""
    number = call.params["number"]
    if not (number.isascii() and number.isdecimal() and len(number) <= DIGITS_MAX):
        raise not_found(NO_FILE)
    return parse_id(call, body), int(number)


def get_file(tx: Tx, call: Call, command: tuple[MailId, int]) -> Reply:
    """Read one file that was with a mail."""
    mail_id, number = command
    _, raw = _find(tx, call, mail_id)
    found = opened.file(raw, number)
    if found is None:
        raise not_found(NO_FILE)
    about, content = found
    name = quote(about.filename, safe="")
    headers = (
        (b"content-type", BINARY.encode()),
        (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
        (b"x-content-type-options", b"nosniff"),
    )
    return Reply(200, content, headers)


def show(mail: Mail) -> MailOut:
    """Write a mail for the wire."""
    return MailOut(**_members(mail))


def whole(mail: Mail, raw: bytes) -> WholeMailOut:
    """Write a mail with all that is in it."""
    read = opened.read(raw)
    return WholeMailOut(
        **_members(mail),
        headers=[[name, value] for name, value in read.headers],
        text=read.text,
        html=read.html,
        attachments=[FileOut(*one) for one in read.files],
    )


def _members(mail: Mail) -> dict[str, Any]:
    return {
        "id": ids.show(NOUN, mail.id),
        "project_id": ids.show("project", mail.project_id),
        "message_id": ids.show("message", mail.message_id),
        "delivery_id": ids.show("delivery", mail.delivery_id),
        "sender": mail.sender,
        "recipient": mail.recipient,
        "subject": mail.subject,
        "size": mail.size,
        "created_at": clock.iso(ids.time_of(mail.id)),
    }


def _find(tx: Tx, call: Call, mail_id: MailId) -> tuple[Mail, bytes]:
    mail, raw = store.get(tx, call.caller.account_id, mail_id)
    if admin.bound_elsewhere(call, mail.project_id):
        raise not_found("mail with this id")
    return mail, raw


def _spec(text: str | UnsetType) -> str | None:
    """The address as it is stored; raises INVALID."""
    if isinstance(text, UnsetType):
        return None
    try:
        return emails.read(text).spec
    except ValueError as wrong:
        raise invalid((["recipient"], str(wrong))) from None


def _endpoint(operation: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.MESSAGES_READ,
        tag="Mailbox",
        charge=free,
        writes=False,
        project=False,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "listMails",
        "/v1/mailbox",
        summary="List caught mails",
        description="Newest first. Where no SMTP server and no mailer is set up, mails are kept "
        "here for some days. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        query=MailboxQuery,
        response=MailboxOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getMail",
        "/v1/mailbox/{id}",
        summary="Read a caught mail",
        parse=parse_id,
        run=get,
        response=WholeMailOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getRawMail",
        "/v1/mailbox/{id}/raw",
        summary="Read a caught mail as it would have been sent",
        parse=parse_id,
        run=get_raw,
        response=bytes,
        media=MEDIA,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getMailAttachment",
        "/v1/mailbox/{id}/attachments/{number}",
        summary="Read a file that was with a caught mail",
        description="`number` is its place among the mail's attachments, counted from 0.",
        parse=parse_file,
        run=get_file,
        response=bytes,
        media=BINARY,
        errors=(Code.NOT_FOUND,),
    ),
)
