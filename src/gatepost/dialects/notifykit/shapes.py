"""NotifyKit's bodies, as the document shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.dialects.notifykit import checks

Key = Annotated[
    str,
    Meta(
        max_length=checks.KEY_MAX,
        description="A name of your own for this message. It is used once, for ever: whoever sends "
        "it again is answered 409, and nothing is sent.",
    ),
]
PriorityIn = Annotated[
    Literal[1, 5, 10],
    Meta(description="Which go first: 1 high, 5 normal, 10 low. On the free plan always 10."),
]
Provider = Literal["SENDGRID", "RESEND", "POSTMARK"]
Kind = Literal["email", "webhook"]
JobState = Literal["pending", "processing", "completed", "failed"]


class EmailIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A mail to one person."""

    to: Annotated[str, Meta(min_length=3, description="One address, without a name.")]
    subject: Annotated[str, Meta(min_length=1, max_length=checks.SUBJECT_MAX)]
    body: Annotated[str, Meta(min_length=1, description="HTML, at most 1 MiB.")]
    sender: (
        Annotated[str, Meta(description="An address at a verified domain: `x@d` becomes `x@em.d`.")]
        | UnsetType
        | None
    ) = msgspec.field(default=UNSET, name="from")
    priority: PriorityIn | UnsetType | None = UNSET
    idempotency_key: Key | UnsetType | None = UNSET
    provider: (
        Annotated[Provider, Meta(description="The only provider that is asked.")] | UnsetType | None
    ) = UNSET
    fallback: (
        Annotated[Provider, Meta(description="Asked where that one refuses.")] | UnsetType | None
    ) = UNSET


class WebhookIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A request to make."""

    url: Annotated[str, Meta(min_length=1, description="Where to: `https`.")]
    payload: Annotated[
        dict[str, Any], Meta(description="At most 10,240 bytes of compact JSON in UTF-8.")
    ]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | UnsetType | None = UNSET
    headers: (
        Annotated[
            dict[str, str],
            Meta(
                max_length=checks.HEADERS_MAX,
                description="Further headers. They are kept encrypted; signatures, `Host` and "
                "those of the connection are not yours to set.",
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    priority: PriorityIn | UnsetType | None = UNSET
    idempotency_key: Key | UnsetType | None = UNSET


class SentOut(msgspec.Struct, rename="camel"):
    """A message that was accepted."""

    job_id: str
    status: Annotated[str, Meta(examples=["pending"])]
    type: Kind
    created_at: str


class LogOut(msgspec.Struct, rename="camel"):
    """One attempt."""

    id: Annotated[str, Meta(examples=["0190d3a1f5e87c3a9b2f4d6c8e0a1b2d"])]
    attempt: Annotated[int, Meta(description="Counted from the last start, by hand or not.")]
    status: Literal["success", "failed"]
    used_provider: Annotated[
        str | None,
        Meta(
            description="The provider that was asked last; null for webhooks, and on the free plan."
        ),
    ]
    error_message: Annotated[str | None, Meta(description="Why it failed.")]
    created_at: str


class JobSummaryOut(msgspec.Struct, rename="camel"):
    """A job in a list."""

    id: str
    type: Kind
    status: JobState
    priority: Annotated[int, Meta(examples=[5])]
    attempts: Annotated[int, Meta(description="Attempts since it was started last.")]
    error_message: Annotated[str | None, Meta(description="Why it has failed, if it has.")]
    created_at: str
    completed_at: Annotated[str | None, Meta(description="When it was delivered.")]


class JobOut(msgspec.Struct, rename="camel"):
    """A job, with every attempt, oldest first."""

    id: str
    type: Kind
    status: JobState
    priority: Annotated[int, Meta(examples=[5])]
    payload: Annotated[
        dict[str, Any] | None,
        Meta(description="What was asked for; null once it was delivered, when it is erased."),
    ]
    attempts: Annotated[int, Meta(description="Attempts since it was started last.")]
    max_attempts: Annotated[int, Meta(examples=[3], description="How many there are at most.")]
    error_message: Annotated[str | None, Meta(description="Why it has failed, if it has.")]
    created_at: str
    started_at: Annotated[str | None, Meta(description="When its last attempt began.")]
    completed_at: Annotated[str | None, Meta(description="When it was delivered.")]
    delivery_logs: list[LogOut]


class PaginationOut(msgspec.Struct, rename="camel"):
    """Which page of how many."""

    page: int
    limit: int
    total: int
    total_pages: int


class JobsOut(msgspec.Struct, rename="camel"):
    """A page of jobs."""

    data: list[JobSummaryOut]
    pagination: PaginationOut


class RetriedOut(msgspec.Struct, rename="camel"):
    """A job that was started again."""

    job_id: str
    status: Annotated[str, Meta(examples=["pending"])]
    message: Annotated[str, Meta(examples=["Job has been re-queued for processing"])]


class JobsQuery(msgspec.Struct, frozen=True):
    """Which jobs, and which page of them; a number that is none is taken for the usual one."""

    page: Annotated[int, Meta(ge=1)] = 1
    limit: Annotated[int, Meta(ge=1, description="More than 100 are 100.")] = 20
    type: Kind | UnsetType = UNSET
    status: JobState | UnsetType = UNSET


class PongOut(msgspec.Struct):
    """The key works."""

    message: Annotated[str, Meta(examples=["pong"])]


class InfoOut(msgspec.Struct):
    """Which service this is."""

    name: Annotated[str, Meta(examples=["NotifyKit API"])]
    version: Annotated[str, Meta(examples=["1.0.0"])]
    description: Annotated[str, Meta(examples=["E-mails and webhooks, sent by Gatepost"])]
    documentation: Annotated[str, Meta(examples=["https://gatepost.example.com/docs"])]
