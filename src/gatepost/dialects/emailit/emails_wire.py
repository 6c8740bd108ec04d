"""E-mails as Emailit's wire has them. Members that are not known are passed over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.dialects.emailit.lists import PAGE_MAX
from gatepost.engine.compose import mail as mails

KIND = "email"
LIMIT = 25
ADDRESS_MAX = 600
NAME_MAX = 200
TEXT_MAX = 10_000_000
URL_MAX = 2000
META_MAX = 50
META_NAME_MAX = 100
META_CHARS_MAX = 1000
MOMENT_MAX = 60
OUTBOUND = "outbound"

_ID = "em_01998f1cd2a77c03b1f2a64d5e8f9a0b"
_AT = "2026-01-15T10:30:00.000000Z"

Address = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=ADDRESS_MAX,
        description="An address, as `ada@example.com` or `Ada <ada@example.com>`.",
        examples=["Ada <ada@example.com>"],
    ),
]
Addresses = Annotated[list[Address], Meta(max_length=mails.RECIPIENTS_MAX)]
ReplyTo = Annotated[list[Address], Meta(max_length=mails.REPLY_TO_MAX)]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Subject = Annotated[str, Meta(max_length=mails.SUBJECT_MAX, examples=["Hello"])]
Moment = Annotated[str, Meta(max_length=MOMENT_MAX)] | int | float
MetaIn = Annotated[
    dict[
        Annotated[str, Meta(max_length=META_NAME_MAX)],
        Annotated[str, Meta(max_length=META_CHARS_MAX)] | int | float | bool,
    ],
    Meta(max_length=META_MAX, description="Yours; it is kept and told with the e-mail."),
]
Id = Annotated[str, Meta(examples=[_ID])]
At = Annotated[str, Meta(examples=[_AT])]
From = Annotated[
    str | None, Meta(description="Null once the text was erased.", examples=["ada@example.com"])
]


class AttachmentIn(msgspec.Struct, frozen=True):
    """A file: its content, or a URL that has it."""

    filename: Annotated[str, Meta(min_length=1, max_length=mails.FILENAME_MAX)]
    content: Annotated[bytes, Meta(description="Base64.")] | None = None
    url: (
        Annotated[
            str,
            Meta(max_length=URL_MAX, description="Where it is fetched from, before the reply."),
        ]
        | None
    ) = None
    content_type: (
        Annotated[str, Meta(description="As `image/png`; required with `content`.")] | None
    ) = None
    content_id: (
        Annotated[
            str,
            Meta(
                max_length=mails.CONTENT_ID_MAX,
                description="Makes it an inline image, which the HTML names as `cid:<content_id>`.",
            ),
        ]
        | None
    ) = None
    encoding: Literal["base64"] | None = None


class TrackingIn(msgspec.Struct, frozen=True):
    """What an e-mail tells of itself once it has arrived; left out, as its domain has it."""

    loads: Annotated[bool, Meta(description="When it is opened.")] | None = None
    opens: Annotated[bool, Meta(description="Another word for `loads`.")] | None = None
    clicks: Annotated[bool, Meta(description="When its links are followed.")] | None = None


class EmailIn(msgspec.Struct, frozen=True):
    """An e-mail to one person or several, who each get one of their own."""

    to: Address | Addresses
    sender: Annotated[
        Address | None, Meta(description="An address of a verified sending domain.")
    ] = msgspec.field(default=None, name="from")
    cc: Address | Addresses | None = None
    bcc: Address | Addresses | None = None
    reply_to: Address | ReplyTo | None = None
    subject: Subject | None = None
    html: Text | None = None
    text: Text | None = None
    template: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=NAME_MAX,
                description="The alias of a template that is published, or the id of a version.",
            ),
        ]
        | None
    ) = None
    variables: (
        Annotated[dict[str, Any], Meta(description="What the template is filled with.")] | None
    ) = None
    attachments: Annotated[list[AttachmentIn], Meta(max_length=mails.ATTACHMENTS_MAX)] | None = None
    headers: Annotated[dict[str, str], Meta(max_length=mails.HEADERS_MAX)] | None = None
    meta: MetaIn | None = None
    metadata: Annotated[MetaIn | None, Meta(description="Another word for `meta`.")] = None
    scheduled_at: Annotated[
        Moment | None,
        Meta(
            description="When it is sent: ISO 8601, or Unix seconds or milliseconds.",
            examples=["2026-01-15T10:30:00Z"],
        ),
    ] = None
    tracking: bool | TrackingIn | None = None


class ScheduleIn(msgspec.Struct, frozen=True):
    """Another moment for an e-mail that is scheduled."""

    scheduled_at: Annotated[
        Moment,
        Meta(
            description="ISO 8601, or Unix seconds or milliseconds.",
            examples=["2026-01-15T10:30:00Z"],
        ),
    ]


class ForwardIn(msgspec.Struct, frozen=True):
    """To whom an e-mail is sent on."""

    to: Address | Addresses
    include_headers: Annotated[
        bool, Meta(description="Whether it begins with what the e-mail's headers said.")
    ] = False
    comment: (
        Annotated[Text, Meta(description="What is said first, with `include_headers`.")] | None
    ) = None
    body: Annotated[Text, Meta(description="Another word for `comment`.")] | None = None
    sender: Annotated[
        Address | None, Meta(description="Whom it is from; left out, as the e-mail has it.")
    ] = msgspec.field(default=None, name="from")
    subject: Subject | None = None
    html: Text | None = None
    text: Text | None = None


class EmailsQuery(msgspec.Struct, frozen=True):
    """Which page of the e-mails, and what they are narrowed to. `<field>.<condition>` are further
    ones.
    """

    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Which page.")] = 1
    limit: Annotated[int, Meta(ge=1, le=100, description="How long a page is.")] = LIMIT
    type: Annotated[
        Literal["inbound", "outbound"] | None,
        Meta(description="Received or sent; nothing is received here."),
    ] = None
    match: Annotated[str, Meta(description="`all` filters must hold, or any: `or`.")] = "all"
    order: Annotated[str, Meta(description="The field to sort by.")] = ""
    direction: Annotated[str, Meta(description="`asc` or `desc`.")] = "asc"
    search: Annotated[str, Meta(description="A text that some field must contain.")] = ""


class TrackingOut(msgspec.Struct):
    """What an e-mail tells of itself."""

    loads: bool
    clicks: bool


class SentOut(msgspec.Struct, tag_field="object", tag=KIND, rename={"sender": "from"}):
    """An e-mail that was accepted: one for each of its recipients; `id` is the first one's."""

    id: Id
    ids: Annotated[
        dict[str, str],
        Meta(description="By the recipients' addresses.", examples=[{"ada@example.com": _ID}]),
    ]
    token: Annotated[str, Meta(description="What those of one request have in common.")]
    message_id: Annotated[str, Meta(description="The header of that name.")]
    sender: str
    to: list[str]
    subject: str
    status: str
    scheduled_at: At | None
    created_at: At
    tracking: TrackingOut
    original_id: Annotated[
        str | UnsetType, Meta(description="Of one that was sent once more: which.")
    ] = UNSET


class EmailOut(msgspec.Struct, tag_field="object", tag=KIND, rename={"sender": "from"}):
    """An e-mail to one recipient, without its text."""

    id: Id
    type: Annotated[str, Meta(examples=[OUTBOUND])]
    sender: From
    to: str
    subject: str | None
    status: Annotated[str, Meta(examples=["delivered"])]
    size: Annotated[int, Meta(description="Bytes of its texts and attachments.")]
    scheduled_at: At | None
    created_at: At
    updated_at: At
    meta: dict[str, str]


class FileOut(msgspec.Struct):
    """An attachment, without its content."""

    filename: str
    content_type: Annotated[str, Meta(examples=["application/pdf"])]
    content_id: str | None
    size: int


class WholeFileOut(FileOut):
    """An attachment."""

    content: Annotated[str, Meta(description="Base64.", examples=["aGVsbG8="])]
    encoding: str = "base64"


class TextsOut(msgspec.Struct):
    """What an e-mail says."""

    text: str | None
    html: str | None


class EmailMetaOut(EmailOut, tag=KIND, kw_only=True):
    """An e-mail with its headers and what its attachments are called."""

    token: str
    message_id: str | None
    headers: dict[str, str]
    attachments: list[FileOut]
    tracking: TrackingOut
    error: Annotated[str | None, Meta(description="Why the last attempt failed, if it did.")]


class WholeEmailOut(EmailMetaOut, tag=KIND, kw_only=True):
    """An e-mail with its text."""

    body: TextsOut


class RawEmailOut(EmailMetaOut, tag=KIND, kw_only=True):
    """An e-mail as it goes over the wire."""

    raw: Annotated[str, Meta(description="MIME, without the signature of its domain.")]


class EmailBodyOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What an e-mail says."""

    id: Id
    text: str | None
    html: str | None


class EmailsOut(msgspec.Struct):
    """A page of e-mails."""

    data: list[EmailOut]
    next_page_url: str | None
    previous_page_url: str | None


class FilesOut(msgspec.Struct):
    """All attachments of an e-mail."""

    data: list[WholeFileOut]
    next_page_url: str | None = None
    previous_page_url: str | None = None
