"""The part of a message that is a mail."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, invalid
from gatepost.domains.plans.model import Meter
from gatepost.engine.compose import mail as mails
from gatepost.engine.compose.email import compose, fill
from gatepost.engine.compose.mail import Attachment, Mail
from gatepost.engine.notify import Draft
from gatepost.gate.once import Charge
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

T = TypeVar("T", str, None)

MEMBER = "email"
TEXT_MAX = 10_000_000
ADDRESS_MAX = 600
NAME_MAX = 200
ROOM_BYTES = 1_048_576
"""What a body may have beside the mail, whose attachments are a third larger in base64."""

Address = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=ADDRESS_MAX,
        description="An address, as `jane@example.com` or `Jane <jane@example.com>`.",
        examples=["Jane <jane@example.com>"],
    ),
]
Sender = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=ADDRESS_MAX,
        description="An address of a verified sending domain; left out, that of the settings.",
        examples=["Acme <noreply@example.com>"],
    ),
]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Template = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_MAX,
        description="The alias or id of a template that gives what is left out.",
    ),
]
Provider = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_MAX,
        description="The kind or id of the only mailer to be asked.",
    ),
]
Fallback = Annotated[
    str, Meta(min_length=1, max_length=NAME_MAX, description="Another one, if that one fails.")
]
Recipients = Annotated[list[Address], Meta(max_length=mails.RECIPIENTS_MAX)]
Variables = Annotated[dict[str, Any], Meta(description="What the template is filled with.")]


class AttachmentIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A file."""

    filename: Annotated[str, Meta(min_length=1, max_length=mails.FILENAME_MAX)]
    content: Annotated[bytes, Meta(description="Base64.")]
    content_type: Annotated[str, Meta(description="As `image/png`; guessed if left out.")] = ""
    content_id: Annotated[
        str,
        Meta(
            max_length=mails.CONTENT_ID_MAX,
            description="Makes it an inline image, which the HTML names as `cid:<contentId>`.",
        ),
    ] = ""


class TrackingIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What a mail tells of itself once it has arrived; left out, as its sending domain has it."""

    opens: Annotated[bool, Meta(description="When it is opened.")] | None = None
    clicks: Annotated[bool, Meta(description="When its links are followed.")] | None = None


class EmailIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A mail: to one person or to several, who each get a delivery of their own."""

    to: Address | Recipients
    sender: Sender | UnsetType = msgspec.field(default=UNSET, name="from")
    cc: Recipients = []
    bcc: Annotated[Recipients, Meta(description="They get it without being named in it.")] = []
    reply_to: Address | Annotated[list[Address], Meta(max_length=mails.REPLY_TO_MAX)] = []
    subject: Annotated[str, Meta(max_length=mails.SUBJECT_MAX)] = ""
    html: Text | None = None
    text: Text | None = None
    attachments: Annotated[list[AttachmentIn], Meta(max_length=mails.ATTACHMENTS_MAX)] = []
    headers: Annotated[dict[str, str], Meta(max_length=mails.HEADERS_MAX)] = {}
    template: Template | UnsetType = UNSET
    variables: Variables = {}
    unsubscribe: Annotated[
        bool, Meta(description="Whether a recipient's mail program offers to end such mails.")
    ] = False
    tracking: TrackingIn = TrackingIn()
    provider: Provider | UnsetType = UNSET
    fallback: Fallback | UnsetType = UNSET


def check(call: Call, given: EmailIn) -> None:
    """Refuse what can be seen to be wrong; raises INVALID."""
    problems = mails.check(mail_of(given), call.services.settings)
    if problems:
        raise invalid(*(([MEMBER, *path], words) for path, words in problems))


async def prepare(call: Call, given: EmailIn) -> EmailIn | Mail:
    """Fill its template outside of the transaction; what is wrong with it is told there, for a
    repeated request is no less right when its template has gone.
    """
    if given.template is UNSET:
        return given
    account_id, mail = call.caller.account_id, mail_of(given)
    try:
        return await call.services.database.read(lambda tx: fill(tx, account_id, mail))
    except AppError:
        return given


def charge(given: EmailIn | Mail) -> Charge:
    """Price it: each recipient counts, once."""
    mail = mail_of(given)
    named = (*mail.to, *mail.cc, *mail.bcc)
    return Charge(Meter.EMAIL, len({emails.normal(one) for one in named}))


def draft(tx: Tx, call: Call, given: EmailIn | Mail) -> Draft:
    """Make the draft."""
    account_id, settings = call.caller.account_id, call.services.settings
    project_id, key, mail = call.project_id, call.caller.key, mail_of(given)
    bound, held = key.sending_domain, key.hold_mails
    try:
        return compose(tx, account_id, project_id, mail, settings, bound=bound, held=held)
    except AppError as refusal:
        if refusal.code is not Code.INVALID:
            raise
        raise invalid(*(([MEMBER, *one.path], one.message) for one in refusal.fields)) from None


def body_bytes_max(settings: Settings) -> int:
    """How large a request may be that has a mail in it, in bytes."""
    return settings.mail_bytes_max // 3 * 4 + ROOM_BYTES


def mail_of(given: EmailIn | Mail) -> Mail:
    """What is wanted."""
    if isinstance(given, Mail):
        return given
    return Mail(
        to=_several(given.to),
        sender=_or(given.sender, ""),
        cc=tuple(given.cc),
        bcc=tuple(given.bcc),
        reply_to=_several(given.reply_to),
        subject=given.subject,
        html=given.html,
        text=given.text,
        attachments=tuple(_attachment(one) for one in given.attachments),
        headers=given.headers,
        template=_or(given.template, None),
        variables=given.variables,
        unsubscribe=given.unsubscribe,
        track_opens=given.tracking.opens,
        track_clicks=given.tracking.clicks,
        provider=_or(given.provider, None),
        fallback=_or(given.fallback, None),
    )


def _attachment(one: AttachmentIn) -> Attachment:
    return Attachment(
        filename=one.filename,
        content=one.content,
        content_type=one.content_type,
        content_id=one.content_id,
    )


def _or(given: str | UnsetType, other: T) -> str | T:
    return other if isinstance(given, UnsetType) else given


def _several(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
