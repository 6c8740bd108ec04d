"""`/v2/email-verifications`: whether an address can be right."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.delivery.mxcheck import MailHosts
from gatepost.dialects.emailit import manage
from gatepost.dialects.emailit.envelope import reply
from gatepost.domains.verifications import model
from gatepost.domains.verifications.model import Answers
from gatepost.engine import verify
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

TAG = "Email Verifications"
PATH = "/v2/email-verifications"
MOMENT = "2026-01-15T10:30:00.000000Z"

Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.EMAIL_MAX,
        description="What may be an address.",
        examples=["ada@example.com"],
    ),
]
Moment = Annotated[str, Meta(examples=[MOMENT])]
Unasked = Annotated[None, Meta(description="Always null: that is not looked at.")]


class VerificationIn(msgspec.Struct, frozen=True):
    """An address to verify."""

    email: Address
    mode: Annotated[
        Literal["full", "fast", "quick"],
        Meta(description="Says nothing: mailboxes are never asked."),
    ] = "full"


class ChecksOut(msgspec.Struct):
    """What was looked at."""

    valid_syntax: bool
    role_account: Annotated[
        bool, Meta(description="Whether it is a function's address rather than a person's.")
    ]
    has_mx_records: Annotated[
        bool | None, Meta(description="Null where the name servers could not answer.")
    ]
    disposable: Unasked
    inbox_full: Unasked
    deliverable: Unasked
    disabled: Unasked
    free_email: Unasked
    gibberish: Unasked
    catch_all: Unasked
    smtp_connect: Unasked
    domain_age: Unasked


class AddressOut(msgspec.Struct):
    """An address taken apart."""

    mailbox: str
    domain: str
    suffix: Annotated[str | None, Meta(description="What comes after a +.")]
    root: Annotated[str, Meta(description="The address without that.")]


class RecordOut(msgspec.Struct):
    """A host that takes mails for the domain."""

    priority: int
    exchange: str


class VerificationOut(msgspec.Struct, tag_field="object", tag=verify.KIND):
    """What was found of an address. The `result` is `invalid` where nobody can be written to
    there, else `unknown`: somebody may be there.
    """

    id: Annotated[str, Meta(examples=["ev_01998f1cd2a77c03b1f2a64d5e8f9a0b"])]
    email: Address
    status: Annotated[Literal["pending", "completed"], Meta(examples=["completed"])]
    score: Annotated[int | None, Meta(description="0 or 50.", examples=[50])]
    risk: Annotated[str | None, Meta(description="`high` or `medium`.", examples=["medium"])]
    result: Annotated[str | None, Meta(description="`invalid` or `unknown`.", examples=["unknown"])]
    mode: Annotated[str, Meta(examples=["full"])]
    checks: ChecksOut | None
    address: AddressOut | None
    did_you_mean: Unasked
    mx_records: list[RecordOut]
    created_at: Moment
    updated_at: Moment


class Looked(msgspec.Struct, frozen=True):
    """An address, and what name servers say of its domain."""

    email: str
    mode: str
    answers: Answers


_body = Body(VerificationIn)


def parse(_call: Call, body: bytes) -> VerificationIn:
    """Read an address to verify; raises INVALID."""
    given: VerificationIn = _body.decode(body)
    return given


async def prepare(call: Call, given: VerificationIn) -> Looked:
    """Ask the name servers."""
    email = given.email.strip().lower()
    domain = model.domain_of(email)
    asked = [] if domain is None else [domain]
    answers = await MailHosts(call.services.settings).look(asked)
    return Looked(email, given.mode, answers)


def run(tx: Tx, call: Call, looked: Looked) -> Reply:
    """Say what was found."""
    manage.grantor(tx, call)
    shown = verify.look(
        tx,
        call.caller.account_id,
        call.project_id,
        looked.email,
        looked.answers,
        call.now,
        looked.mode,
    )
    return reply(shown, ring=call.project_id)


_endpoint = manage.managing(TAG, Scope.CONTACTS_READ, Scope.CONTACTS_WRITE)
_example: dict[str, Any] = {"email": "ada@example.com", "mode": "full"}


ENDPOINTS = (
    _endpoint(
        "verifyEmail",
        "POST",
        PATH,
        summary="Verify an address",
        description="Looks at how it is written, and asks the name servers for the hosts that "
        "take its mails, before it answers. No mailbox is asked.",
        parse=parse,
        prepare=prepare,
        run=run,
        request=VerificationIn,
        response=VerificationOut,
        example=_example,
    ),
)
